"""`litellm` to OpenAI and to Anthropic. It has a venv of its own: it wants an older `openai`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import litellm  # type: ignore[import-not-found]  # where the others are, it is not

from tests.sdks.faults.asking import PROMPT, TOOL, Job, Part, client

if TYPE_CHECKING:
    from collections.abc import Iterator

# It would print hints for people between the lines of the program.
litellm.suppress_debug_info = True


@client("litellm to OpenAI")
def to_openai(job: Job) -> Iterator[Part]:
    """By the openai package that it has within."""
    return _ask(job, "openai/gpt-4o-mini", f"{job.url}/openai/v1")


@client("litellm to Anthropic")
def to_anthropic(job: Job) -> Iterator[Part]:
    """By an HTTP client of its own."""
    return _ask(job, "anthropic/claude-sonnet-4-5", f"{job.url}/anthropic")


def _ask(job: Job, model: str, url: str) -> Iterator[Part]:
    # No connection that a fault has ended for another is taken up again.
    litellm.in_memory_llm_clients_cache.flush_cache()
    asked: dict[str, Any] = {
        "model": model,
        "api_base": url,
        "api_key": "none",
        "timeout": job.timeout_s,
        "messages": [{"role": "user", "content": PROMPT}],
    }
    if not job.streams:
        answer = litellm.completion(**asked)
        yield "text", answer.choices[0].message.content
        yield "usage", str(answer.usage)
        return
    if job.calls:
        function = {"name": TOOL["name"], "parameters": TOOL["schema"]}
        asked["tools"] = [{"type": "function", "function": function}]
    options = {"include_usage": True}
    for chunk in litellm.completion(**asked, stream=True, stream_options=options):
        for choice in chunk.choices:
            yield "text", choice.delta.content or ""
            for call in choice.delta.tool_calls or []:
                yield "arguments", call.function.arguments or ""
        if getattr(chunk, "usage", None):
            yield "usage", ""
