"""Manners in which a provider may put one and the same response on the wire, good and bad.

Each is a function from a response to steps for `tests.fakes.origin`. What is random comes from
a generator that the caller seeds, so a failure can be played again.
"""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from http import HTTPStatus
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING, TypeAlias

import brotli
import zstandard

from tests.fakes.origin import Close, Send, Step, Wait

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from llmreplay.core.exchange import Response

__all__ = [
    "GOOD",
    "Manner",
    "broken_off",
    "chunked",
    "cuts",
    "event_by_event",
    "garbage",
    "good_manner",
    "gzip_in_members",
    "head",
    "in_one_piece",
    "packed",
    "packed_chunked",
    "seeded",
    "slow_first_byte",
    "until_close",
    "with_length",
    "with_wrong_length",
]

_MOST_CUTS = 12
_PAUSE_S = 0.002
_BODILESS = frozenset({204, 304})

Play: TypeAlias = "Callable[[Response, Random], Iterator[Step]]"


@dataclass(frozen=True, slots=True)
class Manner:
    """A good manner. `coding` is the one that the client has to accept for it.

    `tells_length`: the client learns the length before the body, so a JSON array is no stream.
    """

    name: str
    play: Play
    coding: str = "identity"
    tells_length: bool = False


def seeded(seed: int) -> Random:
    """Chance that comes out the same again."""
    return Random(seed)  # noqa: S311  # cuts in test data, no secrets


def head(response: Response, *more: tuple[str, str]) -> bytes:
    """Status line and headers, with `more` after the response's own."""
    reason = HTTPStatus(response.status).phrase if response.status in _KNOWN else ""
    lines = [f"HTTP/1.1 {response.status} {reason}"]
    lines += [f"{name}: {value}" for name, value in (*response.headers, *more)]
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape")


_KNOWN = {status.value for status in HTTPStatus}


def cuts(body: bytes, random: Random) -> list[bytes]:
    """`body` in pieces cut anywhere: within events, and within a character if it has a long one."""
    offsets = {random.randrange(len(body)) for _ in range(_MOST_CUTS)} if body else set()
    inside = next((at for at, byte in enumerate(body) if byte >= 0xC0), None)
    if inside is not None:
        offsets.add(inside + 1)
    edges = sorted({0, *offsets, len(body)})
    return [body[start:end] for start, end in pairwise(edges)]


def in_one_piece(response: Response, _random: Random) -> Iterator[Step]:
    """With its length, head and body in one write."""
    if response.status in _BODILESS:
        yield Send(head(response))
        return
    yield Send(head(response, _length(response.body)) + response.body)


def with_length(response: Response, random: Random) -> Iterator[Step]:
    """With its length, the body in pieces."""
    yield Send(head(response, _length(response.body)))
    for piece in cuts(response.body, random):
        yield Send(piece)
        yield Wait(0)


def chunked(response: Response, random: Random) -> Iterator[Step]:
    """In chunks cut anywhere, and the chunks themselves cut over writes."""
    coded = b"".join(_chunk(piece) for piece in cuts(response.body, random)) + _LAST_CHUNK
    yield Send(head(response, _CHUNKED))
    for piece in cuts(coded, random):
        yield Send(piece)
        yield Wait(0)


def event_by_event(response: Response, _random: Random) -> Iterator[Step]:
    """As providers stream: each event its own chunk, with a small pause before it."""
    yield Send(head(response, _CHUNKED))
    for chunk in response.chunks:
        yield Wait(_PAUSE_S)
        yield Send(_chunk(chunk.data))
    yield Send(_LAST_CHUNK)


def until_close(response: Response, random: Random) -> Iterator[Step]:
    """With neither length nor chunks: the end of the connection is the end of the body."""
    yield Send(head(response, ("Connection", "close")))
    for piece in cuts(response.body, random):
        yield Send(piece)
    yield Close()


def packed(coding: str) -> Play:
    """Compressed, with the length of what is sent."""

    def play(response: Response, random: Random) -> Iterator[Step]:
        body = b"".join(_packing(coding)(cuts(response.body, random)))
        yield Send(head(response, ("Content-Encoding", coding), _length(body)))
        for piece in cuts(body, random):
            yield Send(piece)

    return play


def packed_chunked(coding: str) -> Play:
    """Compressed piece by piece, each flushed into a chunk of its own."""

    def play(response: Response, random: Random) -> Iterator[Step]:
        yield Send(head(response, ("Content-Encoding", coding), _CHUNKED))
        for piece in _packing(coding)(cuts(response.body, random)):
            if piece:
                yield Send(_chunk(piece))
                yield Wait(0)
        yield Send(_LAST_CHUNK)

    return play


def gzip_in_members(response: Response, random: Random) -> Iterator[Step]:
    """As several gzip members one after another, which is one body all the same."""
    members = [gzip.compress(piece) for piece in cuts(response.body, random) or [b""]]
    body = b"".join(members)
    yield Send(head(response, ("Content-Encoding", "gzip"), _length(body)) + body)


def broken_off(at: int, how: Step, *, length_known: bool = False) -> Play:
    """`at` bytes of the body, then `how` (`Close()` or `Reset()`), in the middle of a message."""

    def play(response: Response, _random: Random) -> Iterator[Step]:
        framing = _length(response.body) if length_known else _CHUNKED
        part = response.body[:at]
        yield Send(head(response, framing) + (part if length_known else _chunk(part)))
        yield Wait(_PAUSE_S)  # so that a reset does not overtake what was sent
        yield how

    return play


def slow_first_byte(seconds: float) -> Play:
    """Nothing at all for a while, then a whole response."""

    def play(response: Response, random: Random) -> Iterator[Step]:
        yield Wait(seconds)
        yield from in_one_piece(response, random)

    return play


def with_wrong_length(surplus: int) -> Play:
    """A length that is `surplus` more (or, negative, less) than the body, and then the end."""

    def play(response: Response, _random: Random) -> Iterator[Step]:
        length = ("Content-Length", str(len(response.body) + surplus))
        yield Send(head(response, length) + response.body)
        yield Wait(_PAUSE_S)
        yield Close()

    return play


def garbage(_response: Response, random: Random) -> Iterator[Step]:
    """Bytes that are no HTTP."""
    yield Send(b"\x16\x03\x01" + random.randbytes(64) + b"\r\n\r\n")
    yield Close()


_CHUNKED = ("Transfer-Encoding", "chunked")
_LAST_CHUNK = b"0\r\n\r\n"


def _length(body: bytes) -> tuple[str, str]:
    return "Content-Length", str(len(body))


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


def _packing(coding: str) -> Callable[[list[bytes]], Iterator[bytes]]:
    return {"gzip": _gzip, "deflate": _deflate, "br": _br, "zstd": _zstd}[coding]


def _gzip(pieces: list[bytes]) -> Iterator[bytes]:
    yield from _zlib(pieces, zlib.compressobj(wbits=31))


def _deflate(pieces: list[bytes]) -> Iterator[bytes]:
    yield from _zlib(pieces, zlib.compressobj())


def _zlib(pieces: list[bytes], packer: zlib._Compress) -> Iterator[bytes]:
    for piece in pieces:
        yield packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH)
    yield packer.flush()


def _br(pieces: list[bytes]) -> Iterator[bytes]:
    packer = brotli.Compressor(quality=3)
    for piece in pieces:
        yield packer.process(piece) + packer.flush()
    yield packer.finish()


def _zstd(pieces: list[bytes]) -> Iterator[bytes]:
    packer = zstandard.ZstdCompressor().compressobj()
    for piece in pieces:
        yield packer.compress(piece) + packer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
    yield packer.flush()


GOOD = (
    Manner("in one piece", in_one_piece, tells_length=True),
    Manner("chunked", chunked),
    Manner("event by event", event_by_event),
    Manner("gzip, chunked", packed_chunked("gzip"), "gzip"),
    Manner("with length, in pieces", with_length, tells_length=True),
    Manner("br, chunked", packed_chunked("br"), "br"),
    Manner("until close", until_close),
    Manner("zstd, chunked", packed_chunked("zstd"), "zstd"),
    Manner("gzip, with length", packed("gzip"), "gzip", tells_length=True),
    Manner("deflate, chunked", packed_chunked("deflate"), "deflate"),
    Manner("br, with length", packed("br"), "br", tells_length=True),
    Manner("gzip in members", gzip_in_members, "gzip", tells_length=True),
    Manner("zstd, with length", packed("zstd"), "zstd", tells_length=True),
)
"""Every one of them is the same response to a client that reads HTTP."""


def good_manner(response: Response, turn: int) -> Manner:
    """The manners by turns; a response whose status has no body allows the first only."""
    return GOOD[0] if response.status in _BODILESS else GOOD[turn % len(GOOD)]
