"""The `cohere` package: chat of its second API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cohere

from tests.sdks.faults.asking import PROMPT, TOOL, Job, Part, client

if TYPE_CHECKING:
    from collections.abc import Iterator


@client("cohere")
def chat(job: Job) -> Iterator[Part]:
    """`chat` and `chat_stream`."""
    url = f"{job.url}/cohere"
    made: Any = cohere.ClientV2("none", base_url=url, timeout=job.timeout_s)
    asked: dict[str, Any] = {
        "model": "command-a-03-2025",
        "messages": [{"role": "user", "content": PROMPT}],
    }
    if not job.streams:
        answer = made.chat(**asked)
        yield "text", answer.message.content[0].text
        yield "usage", str(answer.usage)
        return
    if job.calls:
        function = {"name": TOOL["name"], "parameters": TOOL["schema"]}
        asked["tools"] = [{"type": "function", "function": function}]
    for event in made.chat_stream(**asked):
        match getattr(event, "type", None):
            case "content-delta":
                yield "text", event.delta.message.content.text
            case "tool-call-delta":
                yield "arguments", event.delta.message.tool_calls.function.arguments
            case "message-end" if event.delta.finish_reason == "COMPLETE":
                yield "usage", str(event.delta.usage)
            case "message-end" if event.delta.finish_reason != "TOOL_CALL":
                yield "note", f"finish_reason {event.delta.finish_reason}"
