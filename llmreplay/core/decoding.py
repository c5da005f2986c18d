"""Content codings: gzip, deflate, br and zstd come off here, incrementally and within a limit.

Decides which codings are understood and when a body is cut short, broken or too large. Knows
nothing of HTTP framing or of who sent the bytes. `session` decodes what passes, importers
what others recorded, and `upstream` asks for no coding that could not be taken off again.
"""

from __future__ import annotations

import io
import zlib
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Protocol

import brotli
import zstandard

from llmreplay.errors import LlmreplayError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = [
    "ACCEPTABLE",
    "CorruptBodyError",
    "DecodedTooLargeError",
    "Decoder",
    "DecodingError",
    "TruncatedBodyError",
    "UnsupportedCodingError",
    "acceptable",
    "decode",
]

ACCEPTABLE: Final = frozenset({"gzip", "deflate", "br", "zstd"})
"""The content codings that can be taken off."""


class DecodingError(LlmreplayError):
    """A body could not be decoded; the message says why, the caller knows whose body it was."""


class UnsupportedCodingError(DecodingError):
    """A coding that is not in `ACCEPTABLE`, or more than one."""


class DecodedTooLargeError(DecodingError):
    """Decoding was stopped at the limit."""


class TruncatedBodyError(DecodingError):
    """The bytes ended before the coding did."""


class CorruptBodyError(DecodingError):
    """The bytes are not what the coding says."""


class Decoder:
    """Takes one body's coding off as it arrives.

    `encoding` is the value of Content-Encoding, or None. Raises `UnsupportedCodingError` when
    made with a coding that is not understood. Whatever the sender flushed comes out of the
    `feed` that brought it, so events of a compressed stream are seen as they arrive.
    """

    __slots__ = ("_coding", "_limit_bytes", "_name", "_room_bytes", "_started")

    def __init__(self, encoding: str | None, limit_bytes: int) -> None:
        self._name = _single_coding(encoding)
        self._coding = _CODINGS[self._name]() if self._name else None
        self._limit_bytes = limit_bytes
        self._room_bytes = limit_bytes
        self._started = False

    def feed(self, data: bytes) -> bytes:
        """What `data` decodes to. Raises when it is corrupt or the limit is passed."""
        self._started = self._started or bool(data)
        if self._coding is None:
            self._count(len(data))
            return data
        out = io.BytesIO()  # its value is taken without a second copy
        try:
            for piece in self._coding.pieces(data):
                self._count(len(piece))
                out.write(piece)
        except (zlib.error, brotli.error, zstandard.ZstdError) as broken:
            raise CorruptBodyError(f"the body is not valid {self._name} ({broken})") from broken
        return out.getvalue()

    def finish(self) -> bytes:
        """What was held back: nothing, for the codings of today. Raises on a truncated body.

        A body without a single byte is whole: answers to HEAD and 304 keep the header.
        """
        if self._coding is not None and self._started and not self._coding.finished:
            raise TruncatedBodyError(f"the {self._name} body ends before its end")
        return b""

    def _count(self, decoded_bytes: int) -> None:
        self._room_bytes -= decoded_bytes
        if self._room_bytes < 0:
            raise DecodedTooLargeError(
                f"the body decodes to more than the limit of {self._limit_bytes} bytes"
            )


def decode(encoding: str | None, data: bytes, limit_bytes: int) -> bytes:
    """A whole body, decoded. Raises a `DecodingError`."""
    decoder = Decoder(encoding, limit_bytes)
    return decoder.feed(data) + decoder.finish()


@lru_cache(maxsize=64)
def acceptable(accept_encoding: str | None) -> str | None:
    """The client's Accept-Encoding without the codings that could not be taken off again.

    None where the client sent none; the very same text where nothing had to go.
    """
    if accept_encoding is None:
        return None
    asked = [member.strip() for member in accept_encoding.split(",")]
    kept = [member for member in asked if _may_ask(member)]
    if kept == asked:
        return accept_encoding
    return ", ".join(filter(None, kept)) or "identity"


def _may_ask(member: str) -> bool:
    """Whether one member of Accept-Encoding asks for nothing strange."""
    coding, _, weight = member.lower().partition(";")
    coding = coding.strip()
    if coding == "*":  # only as a refusal: with a weight it invites every coding there is
        return weight.strip() in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return coding in ACCEPTABLE or coding in {"", "identity", "x-gzip"}


def _single_coding(encoding: str | None) -> str | None:
    """The one coding named by a Content-Encoding value, or None for a plain body."""
    names = [name.strip().lower() for name in (encoding or "").split(",")]
    names = [name for name in names if name not in {"", "identity"}]
    if not names:
        return None
    # Codings stack, and so do their ratios: a bomb within a bomb. Nobody sends two in earnest.
    if len(names) > 1:
        raise UnsupportedCodingError(f"content encoding {encoding!r}: at most one is understood")
    if names[0] not in _CODINGS:
        known = ", ".join(sorted(ACCEPTABLE))
        raise UnsupportedCodingError(f"content encoding {encoding!r} is not one of {known}")
    return names[0]


class _Coding(Protocol):
    """One coding being taken off: pieces of bounded size, lazily, and whether it has ended."""

    @property
    def finished(self) -> bool: ...

    def pieces(self, data: bytes) -> Iterator[bytes]: ...


_PIECE_BYTES: Final = 64 * 1024


class _Gzip:
    """RFC 1952: one or more members; what follows that is no member is padding, and ignored.

    Clients do the same (urllib3, Node); dropping it loses nothing that they would read.
    """

    __slots__ = ("_inflate", "_padding")

    _WITH_GZIP_HEADER = 31
    _FIRST_MAGIC_BYTE = b"\x1f"

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(self._WITH_GZIP_HEADER)
        self._padding = False

    @property
    def finished(self) -> bool:
        return self._padding or self._inflate.eof

    def pieces(self, data: bytes) -> Iterator[bytes]:
        while data and not self._padding:
            if self._inflate.eof:
                self._padding = not data.startswith(self._FIRST_MAGIC_BYTE)
                self._inflate = zlib.decompressobj(self._WITH_GZIP_HEADER)
                continue
            yield from _inflated(self._inflate, data)
            data = self._inflate.unused_data


class _Deflate:
    """The zlib format (RFC 1950), as HTTP means it, or raw deflate (RFC 1951), as some send it.

    The first byte tells: zlib's has 8 in its low nibble, and a raw stream beginning so would
    be a stored block with padding bits set, which no encoder writes.
    """

    __slots__ = ("_inflate",)

    _LOW_NIBBLE = 0x0F
    _METHOD_DEFLATE = 8

    def __init__(self) -> None:
        self._inflate: zlib._Decompress | None = None

    @property
    def finished(self) -> bool:
        return self._inflate is not None and self._inflate.eof

    def pieces(self, data: bytes) -> Iterator[bytes]:
        if not data or self.finished:
            return
        if self._inflate is None:
            wrapped = data[0] & self._LOW_NIBBLE == self._METHOD_DEFLATE
            self._inflate = zlib.decompressobj(zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS)
        yield from _inflated(self._inflate, data)


def _inflated(inflate: zlib._Decompress, data: bytes) -> Iterator[bytes]:
    """All that `data` gives, piece by piece, up to the end of this zlib stream."""
    while True:
        piece = inflate.decompress(data, _PIECE_BYTES)
        yield piece
        data = inflate.unconsumed_tail
        # A full piece may have more behind it even when all input is consumed.
        if inflate.eof or (not data and len(piece) < _PIECE_BYTES):
            return


class _Brotli:
    """RFC 7932. The decoder's own limit may be overshot by about one piece."""

    __slots__ = ("_brotli",)

    def __init__(self) -> None:
        self._brotli = brotli.Decompressor()

    @property
    def finished(self) -> bool:
        return bool(self._brotli.is_finished())

    def pieces(self, data: bytes) -> Iterator[bytes]:
        more = bool(data)
        while more:
            piece = self._brotli.process(data, output_buffer_limit=_PIECE_BYTES)
            yield piece
            data = b""
            # A full piece may have more behind it even when all input is consumed.
            more = not self._brotli.can_accept_more_data() or (
                len(piece) >= _PIECE_BYTES and not self.finished
            )


class _Zstd:
    """RFC 8878: one or more frames.

    The binding cannot bound what one call returns, so the input is cut small instead: four
    bytes are the shortest block, a block is at most 128 KiB, so a slice gives 2 MiB at most.
    """

    __slots__ = ("_frame", "_zstd")

    _SLICE_BYTES = 64
    _WINDOW_BYTES = 8 * 1024 * 1024
    """The largest that HTTP allows (RFC 9659)."""

    def __init__(self) -> None:
        self._zstd = zstandard.ZstdDecompressor(max_window_size=self._WINDOW_BYTES)
        self._frame = self._zstd.decompressobj()

    @property
    def finished(self) -> bool:
        return self._frame.eof

    def pieces(self, data: bytes) -> Iterator[bytes]:
        for start in range(0, len(data), self._SLICE_BYTES):
            rest = data[start : start + self._SLICE_BYTES]
            while rest:
                if self._frame.eof:
                    self._frame = self._zstd.decompressobj()
                yield self._frame.decompress(rest)
                rest = self._frame.unused_data if self._frame.eof else b""


_CODINGS: Final[Mapping[str, Callable[[], _Coding]]] = {
    "gzip": _Gzip,
    "x-gzip": _Gzip,  # RFC 9110, 8.4.1.3: the same
    "deflate": _Deflate,
    "br": _Brotli,
    "zstd": _Zstd,
}
