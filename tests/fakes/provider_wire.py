"""How the fake provider puts answers on the wire, whichever provider it plays.

It decides encodings, framing and pauses, and obeys the stage directions that a request may hold
in any text: `[fail KIND]`, `[fail KIND x2]` (the first two times that this request comes),
`[cut after N]`, `[reset after N]` and `[error after N]` (in a stream, after N events), and
`[gzip]` (a stream compressed as it goes, as some gateways do).
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import re
import socket
import struct
import zlib
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import HTTP
from typing import TYPE_CHECKING, Any

import brotli
from aiohttp import web

from tests.fakes.provider_fresh import fresh_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Directions", "Upload", "answer", "answer_json", "play", "received", "sse"]

_PAUSE_S = 0.001
_FAIL = re.compile(r"\[fail (?P<kind>\w+)(?: x(?P<times>\d+))?\]")
_ROUNDS = re.compile(r"\[rounds (\d+)\]")
_BREAK = re.compile(r"\[(?P<how>cut|reset|error) after (?P<events>\d+)\]")


@dataclass(frozen=True, slots=True)
class Directions:
    """What a request asks of the provider. `break_after` counts a stream's events."""

    fail: str = ""
    fail_times: int | None = None
    break_how: str = ""
    break_after: int = 0
    compressed: bool = False
    refuse: bool = False
    rounds: int = 1

    @classmethod
    def of(cls, body: bytes) -> Directions:
        """The directions that stand in `body`; of several of one kind, the last."""
        text = body.decode("utf-8", "replace")
        fails = list(_FAIL.finditer(text))
        breaks = list(_BREAK.finditer(text))
        rounds = _ROUNDS.findall(text)
        times = fails[-1]["times"] if fails else None
        return cls(
            fail=fails[-1]["kind"] if fails else "",
            fail_times=int(times) if times else None,
            break_how=breaks[-1]["how"] if breaks else "",
            break_after=int(breaks[-1]["events"]) if breaks else 0,
            compressed="[gzip]" in text,
            refuse="[refuse]" in text,
            rounds=int(rounds[-1]) if rounds else 1,
        )


def sse(data: Any, name: str = "") -> bytes:  # noqa: ANN401  # any JSON value
    """One server-sent event; `data` is sent as it is if it is text, else as compact JSON."""
    if not isinstance(data, str):
        data = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return (f"event: {name}\n" if name else "").encode() + f"data: {data}\n\n".encode()


def answer_json(
    request: web.Request,
    value: Any,  # noqa: ANN401  # any JSON value
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    indent: int | None = None,
) -> web.Response:
    """A JSON answer: laid out with `indent` if given, compressed if the client takes that."""
    separators = (",", ": ") if indent else (",", ":")
    text = json.dumps(value, ensure_ascii=False, indent=indent, separators=separators)
    body = (text + "\n" if indent else text).encode()
    return answer(request, body, "application/json", status=status, headers=headers)


def answer(
    request: web.Request,
    body: bytes,
    content_type: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """An answer in brotli or gzip where accepted, and then chunked; else with its length."""
    encoding, encoded = _encoded(request.headers.get("accept-encoding", ""), body)
    response = web.Response(
        body=encoded, status=status, headers={"content-type": content_type, **(headers or {})}
    )
    if encoding:
        response.headers["content-encoding"] = encoding
        response.enable_chunked_encoding()
    return response


def _encoded(accepted: str, body: bytes) -> tuple[str, bytes]:
    offered = {part.split(";")[0].strip() for part in accepted.split(",")}
    if len(body) < 64:  # not worth it, as real servers think too
        return "", body
    if "br" in offered:
        return "br", brotli.compress(body)
    if "gzip" in offered:
        return "gzip", gzip.compress(body)
    return "", body


async def play(
    request: web.Request,
    events: Iterable[bytes],
    directions: Directions,
    *,
    headers: Mapping[str, str],
    error: bytes = b"",
) -> web.StreamResponse:
    """Streams `events`, one write each (some split in two, at any byte), with small pauses.

    `error` is the event that takes over where the directions say `[error after N]`.
    """
    encoder = zlib.compressobj(wbits=31) if directions.compressed else None
    response = web.StreamResponse(headers=dict(headers))
    if encoder:
        response.headers["content-encoding"] = "gzip"
    response.enable_chunked_encoding()
    await response.prepare(request)
    for number, event in enumerate(events):
        if directions.break_how and number == directions.break_after:
            if directions.break_how != "error":
                return await _break_off(request, response, directions.break_how)
            await _write(response, error, encoder, split=False)
            break
        if not await _write(response, event, encoder, split=number % 5 == 0):
            return response
    with contextlib.suppress(ConnectionResetError):
        await response.write_eof(encoder.flush() if encoder else b"")
    return response


async def _write(
    response: web.StreamResponse, event: bytes, encoder: zlib._Compress | None, *, split: bool
) -> bool:
    """Writes one event; False if the client has left, as SDKs do after the last one."""
    data = encoder.compress(event) + encoder.flush(zlib.Z_SYNC_FLUSH) if encoder else event
    at = fresh_number(1, len(data)) if split else len(data)
    try:
        for piece in filter(None, (data[:at], data[at:])):
            await response.write(piece)
            await asyncio.sleep(_PAUSE_S)
    except ConnectionResetError:
        return False
    return True


async def _break_off(
    request: web.Request, response: web.StreamResponse, how: str
) -> web.StreamResponse:
    """Ends the connection in the middle of the message: with FIN, or with RST."""
    await asyncio.sleep(0.02)  # what was written has left before the end of it comes
    transport = request.transport
    assert transport is not None
    if how == "reset":
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    return response


class Upload:
    """What one multipart body held: its fields, and its files by field name."""

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}
        self.files: dict[str, tuple[str, str, bytes]] = {}
        """Field → file name, content type, content."""


def received(request: web.Request, body: bytes) -> Upload:
    """What the multipart `body` of `request` holds, byte for byte."""
    upload = Upload()
    boundary = b"\r\n--" + request.headers["content-type"].partition("boundary=")[2].encode()
    for part in (b"\r\n" + body).split(boundary)[1:-1]:
        head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        headers = message_from_bytes(head, policy=HTTP)
        name = str(headers.get_param("name", header="content-disposition"))
        filename = headers.get_filename()
        if filename is None:
            upload.fields[name] = content.decode()
        else:
            upload.files[name] = (filename, headers.get_content_type(), content)
    return upload
