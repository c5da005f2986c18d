"""`boto3` with bedrock-runtime: converse and its event stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3  # type: ignore[import-untyped]  # it makes its classes as it runs
from botocore.config import Config

from tests.sdks.faults.asking import PROMPT, TOOL, Job, Part, client

if TYPE_CHECKING:
    from collections.abc import Iterator

# One for all: the service's model takes long to read.
_SESSION = boto3.Session("none", "none", region_name="us-east-1")


@client("boto3")
def converse(job: Job) -> Iterator[Part]:
    """`converse`, and `converse_stream`."""
    config = Config(connect_timeout=job.timeout_s, read_timeout=job.timeout_s)
    endpoint = f"{job.url}/bedrock"
    made = _SESSION.client("bedrock-runtime", endpoint_url=endpoint, config=config)
    asked: dict[str, Any] = {
        "modelId": "anthropic.claude-3-5-sonnet-20240620-v1:0",
        "messages": [{"role": "user", "content": [{"text": PROMPT}]}],
    }
    if not job.streams:
        answer = made.converse(**asked)
        yield "text", answer["output"]["message"]["content"][0]["text"]
        yield "usage", str(answer["usage"])
        return
    if job.calls:
        spec = {"name": TOOL["name"], "inputSchema": {"json": TOOL["schema"]}}
        asked["toolConfig"] = {"tools": [{"toolSpec": spec}]}
    for event in made.converse_stream(**asked)["stream"]:
        delta = event.get("contentBlockDelta", {}).get("delta", {})
        yield "text", delta.get("text", "")
        yield "arguments", delta.get("toolUse", {}).get("input", "")
        if "metadata" in event:
            yield "usage", str(event["metadata"]["usage"])
