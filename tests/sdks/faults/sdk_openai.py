"""The `openai` package: chat completions and responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai

from tests.sdks.faults.asking import PROMPT, TOOL, Job, Part, client

if TYPE_CHECKING:
    from collections.abc import Iterator

_MODEL = "gpt-4o-mini"


def _made(job: Job) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{job.url}/openai/v1", api_key="none", timeout=job.timeout_s)


@client("openai")
def chat(job: Job) -> Iterator[Part]:
    """Chat completions."""
    asked: dict[str, Any] = {"model": _MODEL, "messages": [{"role": "user", "content": PROMPT}]}
    create = _made(job).chat.completions.create
    if not job.streams:
        answer = create(**asked)
        yield "text", answer.choices[0].message.content
        yield "usage", answer.usage.model_dump_json()
        return
    if job.calls:
        function = {"name": TOOL["name"], "parameters": TOOL["schema"]}
        asked["tools"] = [{"type": "function", "function": function}]
    for chunk in create(**asked, stream=True, stream_options={"include_usage": True}):
        for choice in chunk.choices:
            yield "text", choice.delta.content or ""
            for call in choice.delta.tool_calls or []:
                yield "arguments", call.function.arguments or ""
        if chunk.usage:
            yield "usage", ""


@client("openai responses")
def responses(job: Job) -> Iterator[Part]:
    """The Responses API."""
    create: Any = _made(job).responses.create
    if not job.streams:
        answer = create(model=_MODEL, input=PROMPT)
        yield "text", answer.output_text
        yield "usage", answer.usage.model_dump_json()
        return
    asked: dict[str, Any] = {"model": _MODEL, "input": PROMPT}
    if job.calls:
        function = {"name": TOOL["name"], "parameters": TOOL["schema"]}
        asked["tools"] = [{"type": "function", "strict": False, **function}]
    for event in create(**asked, stream=True):
        match event.type:
            case "response.output_text.delta":
                yield "text", event.delta
            case "response.function_call_arguments.delta":
                yield "arguments", event.delta
            case "response.completed":
                yield "usage", ""
            case "error" | "response.failed":
                yield "note", f"event {event.type}"
