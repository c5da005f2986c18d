"""The `anthropic` package: messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anthropic

from tests.sdks.faults.asking import PROMPT, TOOL, Job, Part, client

if TYPE_CHECKING:
    from collections.abc import Iterator


@client("anthropic")
def messages(job: Job) -> Iterator[Part]:
    """Messages, and their raw stream."""
    url = f"{job.url}/anthropic"
    made = anthropic.Anthropic(base_url=url, api_key="none", timeout=job.timeout_s)
    create: Any = made.messages.create
    asked: dict[str, Any] = {
        "model": "claude-sonnet-5",
        "max_tokens": 512,
        "messages": [{"role": "user", "content": PROMPT}],
    }
    if not job.streams:
        answer = create(**asked)
        yield "text", answer.content[0].text
        yield "usage", str(answer.usage.output_tokens)
        return
    if job.calls:
        asked["tools"] = [{"name": TOOL["name"], "input_schema": TOOL["schema"]}]
    for event in create(**asked, stream=True):
        if event.type == "content_block_delta" and event.delta.type == "text_delta":
            yield "text", event.delta.text
        elif event.type == "content_block_delta":
            yield "arguments", event.delta.partial_json
        elif event.type == "message_delta":
            yield "usage", str(event.usage.output_tokens)
