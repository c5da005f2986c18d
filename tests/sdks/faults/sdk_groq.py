"""The `groq` package: chat completions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import groq

from tests.sdks.faults.asking import PROMPT, TOOL, Job, Part, client

if TYPE_CHECKING:
    from collections.abc import Iterator


@client("groq")
def chat(job: Job) -> Iterator[Part]:
    """Chat completions, under Groq's own path."""
    url = f"{job.url}/groq"
    create: Any = groq.Groq(base_url=url, api_key="none", timeout=job.timeout_s).chat.completions
    asked: dict[str, Any] = {
        "model": "llama-3.3-70b-versatile",
        "messages": [{"role": "user", "content": PROMPT}],
    }
    if not job.streams:
        answer = create.create(**asked)
        yield "text", answer.choices[0].message.content
        yield "usage", str(answer.usage)
        return
    if job.calls:
        function = {"name": TOOL["name"], "parameters": TOOL["schema"]}
        asked["tools"] = [{"type": "function", "function": function}]
    for chunk in create.create(**asked, stream=True):
        for choice in chunk.choices:
            yield "text", choice.delta.content or ""
            for call in choice.delta.tool_calls or []:
                yield "arguments", call.function.arguments or ""
        if chunk.usage:
            yield "usage", ""
