"""The `mistralai` package: chat completions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mistralai.client import Mistral

from tests.sdks.faults.asking import PROMPT, TOOL, Job, Part, client

if TYPE_CHECKING:
    from collections.abc import Iterator


@client("mistralai")
def chat(job: Job) -> Iterator[Part]:
    """`chat.complete` and `chat.stream`."""
    url, timeout_ms = f"{job.url}/mistral", int(job.timeout_s * 1000)
    made: Any = Mistral(api_key="none", server_url=url, timeout_ms=timeout_ms)
    asked: dict[str, Any] = {
        "model": "mistral-small-latest",
        "messages": [{"role": "user", "content": PROMPT}],
    }
    if not job.streams:
        answer = made.chat.complete(**asked)
        yield "text", answer.choices[0].message.content
        yield "usage", str(answer.usage)
        return
    if job.calls:
        function = {"name": TOOL["name"], "parameters": TOOL["schema"]}
        asked["tools"] = [{"type": "function", "function": function}]
    with made.chat.stream(**asked) as stream:
        for event in stream:
            for choice in event.data.choices:
                yield "text", choice.delta.content or ""
                for call in choice.delta.tool_calls or []:
                    yield "arguments", call.function.arguments
            if event.data.usage:
                yield "usage", ""
