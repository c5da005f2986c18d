"""`boto3` with bedrock-runtime: its default address, and the real one written in the code."""

from __future__ import annotations

import json
from typing import Any

import boto3  # type: ignore[import-untyped]  # it makes its classes as it runs
from botocore.exceptions import ClientError

from tests.sdks.proxied.talk import FAILING, Talk, client

MODEL = "anthropic.claude-3-5-sonnet-20240620-v1:0"
ADDRESS = "https://bedrock-runtime.us-east-1.amazonaws.com"


@client("boto3")
def default_address(talk: Talk) -> None:
    _talk(talk, boto3.client("bedrock-runtime", region_name="us-east-1"))


@client("boto3, address in the code")
def written_address(talk: Talk) -> None:
    service = {"region_name": "us-east-1", "endpoint_url": ADDRESS}
    _talk(talk, boto3.client("bedrock-runtime", **service))


def _talk(talk: Talk, bedrock: Any) -> None:  # noqa: ANN401  # the same
    def converse(about: str) -> dict[str, Any]:
        messages = [{"role": "user", "content": [{"text": talk.prompt(about)}]}]
        return {"modelId": MODEL, "messages": messages}

    talk.show("answer", _lasting(bedrock.converse(**converse("answer"))))
    streamed = bedrock.converse_stream(**converse("stream"))
    talk.show("stream", _lasting(streamed | {"stream": list(streamed["stream"])}))
    messages = [{"role": "user", "content": talk.prompt("invoke")}]
    body = json.dumps({"anthropic_version": "bedrock-2023-05-31", "messages": messages})
    invoked = bedrock.invoke_model(modelId=MODEL, body=body)
    talk.show("invoked", invoked["body"].read())
    invoked = bedrock.invoke_model_with_response_stream(modelId=MODEL, body=body)
    talk.show("invoked stream", [event["chunk"]["bytes"] for event in invoked["body"]])
    try:
        bedrock.converse(**converse(FAILING))
    except ClientError as error:
        talk.show("error", [type(error).__name__, str(error), _lasting(error.response)])


def _lasting(response: Any) -> dict[str, Any]:  # noqa: ANN401  # as botocore types it
    """All but the headers, some of which belong to one connection."""
    metadata = response["ResponseMetadata"]
    kept = {name: metadata.get(name) for name in ("RequestId", "HTTPStatusCode", "RetryAttempts")}
    return {**response, "ResponseMetadata": kept}
