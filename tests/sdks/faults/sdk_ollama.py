"""The `ollama` package: chat, whose stream is lines of JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ollama

from tests.sdks.faults.asking import PROMPT, TOOL, Job, Part, client

if TYPE_CHECKING:
    from collections.abc import Iterator


@client("ollama")
def chat(job: Job) -> Iterator[Part]:
    """`chat`, streamed or not."""
    made: Any = ollama.Client(f"{job.url}/ollama", timeout=job.timeout_s)
    asked: dict[str, Any] = {
        "model": "llama3.2",
        "messages": [{"role": "user", "content": PROMPT}],
    }
    if not job.streams:
        yield from _parts(made.chat(**asked))
        return
    if job.calls:
        function = {"name": TOOL["name"], "parameters": TOOL["schema"]}
        asked["tools"] = [{"type": "function", "function": function}]
    for chunk in made.chat(**asked, stream=True):
        yield from _parts(chunk)


def _parts(answer: Any) -> Iterator[Part]:  # noqa: ANN401  # whichever class it is
    yield "text", answer.message.content or ""
    for call in answer.message.tool_calls or []:
        yield "arguments", str(call.function.arguments)
    if answer.done:
        yield "usage", str(answer.eval_count)
