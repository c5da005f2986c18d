"""The fake Bedrock: converse and invoke, their event streams, errors, and signatures checked.

Shapes after Amazon's public API reference. Whoever asks must have signed the request for the
real host, or for this one, with `SECRET_KEY`: a byte of method, path, query, body or signed
headers that changed on the way makes it a 403, as there.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import uuid4

from aiohttp import web

from tests.fakes.provider_event_stream import frame
from tests.fakes.provider_fresh import fresh_id, fresh_number, fresh_text, pieces
from tests.fakes.provider_wire import Directions, answer_json, play

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ACCESS_KEY", "HOST", "SECRET_KEY", "FakeBedrock"]

Json = dict[str, Any]

HOST = "bedrock-runtime.us-east-1.amazonaws.com"
ACCESS_KEY = "AKIAFAKEFAKEFAKEFAKE"
SECRET_KEY = "not/a/secret/of/anybody/0123456789abcdef"

# kind → status, exception, message
FAILURES: dict[str, tuple[int, str, str]] = {
    "bad_request": (400, "ValidationException", "The maximum tokens you requested exceeds 8192."),
    "auth": (403, "InvalidSignatureException", "The request signature does not match."),
    "not_found": (404, "ResourceNotFoundException", "Could not resolve the foundation model."),
}

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=[^/]+/(?P<scope>[^,]+), "
    r"SignedHeaders=(?P<headers>[^,]+), Signature=(?P<signature>[0-9a-f]{64})"
)


class FakeBedrock:
    """Bedrock's runtime, as far as text goes."""

    name = "bedrock"

    def routes(self) -> list[web.RouteDef]:
        """What it answers."""
        return [
            web.post("/model/{model}/converse", _converse),
            web.post("/model/{model}/converse-stream", _converse_stream),
            web.post("/model/{model}/invoke", _invoke),
            web.post("/model/{model}/invoke-with-response-stream", _invoke_stream),
        ]

    def failure(self, request: web.Request, kind: str) -> web.Response:
        """An answer with the error that `kind` names."""
        status, name, message = FAILURES[kind]
        headers = _headers() | {"x-amzn-errortype": f"{name}:http://internal.amazon.com/coral/"}
        return answer_json(request, {"message": message}, status=status, headers=headers)

    def refusal(self, request: web.Request) -> web.Response | None:
        """403 for a request that is not signed as it stands."""
        signed = _AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
        # The attendant has read the body before it asks.
        body = request._read_bytes or b""  # the public way is a coroutine
        hosts = (HOST, request.host)
        if signed and any(
            signed["signature"] == _signature(request, body, signed, host) for host in hosts
        ):
            return None
        return self.failure(request, "auth")


def _signature(request: web.Request, body: bytes, signed: re.Match[str], host: str) -> str:
    """Signature Version 4 as if sent to `host`, after Amazon's public description of it."""
    path, _, query = request.raw_path.partition("?")
    names = signed["headers"].split(";")
    lines = [f"{name}:{' '.join(_header(request, name, host).split())}" for name in names]
    # The path of a service that is not S3 is encoded once more.
    wanted = [request.method, quote(path, safe="/~"), query, *lines, "", signed["headers"]]
    canonical = "\n".join([*wanted, hashlib.sha256(body).hexdigest()])
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join(["AWS4-HMAC-SHA256", request.headers["x-amz-date"], signed["scope"], digest])
    key = f"AWS4{SECRET_KEY}".encode()
    for part in (*signed["scope"].split("/"), text):
        key = hmac.digest(key, part.encode(), "sha256")
    return key.hex()


def _header(request: web.Request, name: str, host: str) -> str:
    return host if name == "host" else ",".join(request.headers.getall(name, []))


def _headers() -> dict[str, str]:
    return {
        "x-amzn-requestid": str(uuid4()),
        "x-amzn-bedrock-invocation-latency": str(fresh_number(100, 900)),
    }


async def _converse(request: web.Request) -> web.Response:
    message = {"role": "assistant", "content": [{"text": fresh_text()}]}
    body = {
        "output": {"message": message},
        "stopReason": "end_turn",
        "usage": _usage(),
        "metrics": {"latencyMs": fresh_number(100, 900)},
    }
    return answer_json(request, body, headers=_headers())


async def _converse_stream(request: web.Request) -> web.StreamResponse:
    return await _streamed(request, _converse_events())


def _converse_events() -> Iterator[bytes]:
    yield _event("messageStart", {"role": "assistant"})
    for piece in pieces(fresh_text()):
        yield _event("contentBlockDelta", {"delta": {"text": piece}, "contentBlockIndex": 0})
    yield _event("contentBlockStop", {"contentBlockIndex": 0})
    yield _event("messageStop", {"stopReason": "end_turn"})
    latency = {"latencyMs": fresh_number(100, 900)}
    yield _event("metadata", {"usage": _usage(), "metrics": latency})


async def _invoke(request: web.Request) -> web.Response:
    body = {
        "id": fresh_id("msg_bdrk_01"),
        "type": "message",
        "role": "assistant",
        "content": [{"type": "text", "text": fresh_text()}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": fresh_number(5, 99), "output_tokens": fresh_number(5, 99)},
    }
    return answer_json(request, body, headers=_headers())


async def _invoke_stream(request: web.Request) -> web.StreamResponse:
    headers = {"x-amzn-bedrock-content-type": "application/json"}
    return await _streamed(request, map(_chunk, _invoke_events()), headers)


def _invoke_events() -> Iterator[Json]:
    message = {"id": fresh_id("msg_bdrk_01"), "type": "message", "role": "assistant", "content": []}
    yield {"type": "message_start", "message": message}
    yield {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    for piece in pieces(fresh_text()):
        delta = {"type": "text_delta", "text": piece}
        yield {"type": "content_block_delta", "index": 0, "delta": delta}
    yield {"type": "content_block_stop", "index": 0}
    yield {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}}
    yield {"type": "message_stop"}


async def _streamed(
    request: web.Request, events: Iterator[bytes], headers: dict[str, str] | None = None
) -> web.StreamResponse:
    kind = {"content-type": "application/vnd.amazon.eventstream"}
    directions = Directions.of(await request.read())
    return await play(request, events, directions, headers=_headers() | kind | (headers or {}))


def _usage() -> Json:
    read, written = fresh_number(5, 500), fresh_number(5, 500)
    return {"inputTokens": read, "outputTokens": written, "totalTokens": read + written}


def _chunk(value: Json) -> bytes:
    """An event of a model's own stream, in the envelope of `invoke-with-response-stream`."""
    data = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return _event("chunk", {"bytes": base64.b64encode(data).decode()})


def _event(name: str, value: Json) -> bytes:
    # The service pads its events with letters, so that lengths tell nothing.
    padded = value | {"p": "abcdefghijklmnopqrstuvwxyz"[: fresh_number(1, 26)]}
    headers = {
        ":event-type": name,
        ":content-type": "application/json",
        ":message-type": "event",
    }
    return frame(headers, json.dumps(padded, ensure_ascii=False, separators=(",", ":")).encode())
