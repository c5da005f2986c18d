from __future__ import annotations

import struct
from binascii import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmreplay.core.streams import Event, Framing, split
from llmreplay.core.streams.event_stream import (
    EventStreamParser,
    Frame,
    FrameHeader,
    HeaderKind,
    begins_frame,
    decode_frame,
    encode_frame,
)


def frame(payload: bytes, name: str = "chunk", kind: str = "event") -> bytes:
    return encode_frame(
        Frame(
            (
                FrameHeader(":message-type", HeaderKind.STRING, kind),
                FrameHeader(f":{kind}-type", HeaderKind.STRING, name),
            ),
            payload,
        )
    )


def prelude(length: int, headers: int) -> bytes:
    lengths = struct.pack(">II", length, headers)
    return lengths + struct.pack(">I", crc32(lengths))


def with_headers(headers: bytes) -> bytes:
    """A frame with these bytes as its headers, checksums right."""
    message = prelude(16 + len(headers), len(headers)) + headers
    return message + struct.pack(">I", crc32(message))


# The specification's own example, an empty message, byte for byte.
EMPTY = bytes.fromhex("0000001000000000 05c248eb 7d98c8ff")

SIGNED = {HeaderKind.BYTE: 8, HeaderKind.SHORT: 16, HeaderKind.INTEGER: 32}


def values(kind: HeaderKind) -> st.SearchStrategy[bool | int | bytes | str]:
    if kind in (HeaderKind.TRUE, HeaderKind.FALSE):
        return st.just(kind is HeaderKind.TRUE)
    if kind is HeaderKind.UUID:
        return st.binary(min_size=16, max_size=16)
    if kind is HeaderKind.BYTES:
        return st.binary(max_size=50)
    if kind is HeaderKind.STRING:
        return st.text(st.characters(codec="utf-8"), max_size=50)
    half = 2 ** (SIGNED.get(kind, 64) - 1)
    return st.integers(-half, half - 1)


HEADERS = st.sampled_from(HeaderKind).flatmap(
    lambda kind: st.builds(
        FrameHeader, st.text(st.characters(codec="ascii"), max_size=20), st.just(kind), values(kind)
    )
)
FRAMES = st.builds(Frame, st.lists(HEADERS, max_size=5).map(tuple), st.binary(max_size=100))


@given(FRAMES)
def test_encoding_and_decoding_are_inverse(made: Frame) -> None:
    assert made == decode_frame(encode_frame(made))
    assert encode_frame(made) == encode_frame(decode_frame(encode_frame(made)))


def test_an_empty_message_is_the_specifications() -> None:
    assert encode_frame(Frame((), b"")) == EMPTY
    assert decode_frame(EMPTY) == Frame((), b"")


def test_a_frame_is_an_event_by_the_name_of_its_type() -> None:
    first, second = frame(b'{"a":1}'), frame(b"{}", "throttlingException", "exception")
    assert split(Framing.EVENT_STREAM, first + second) == (
        Event(first, b'{"a":1}', "chunk"),
        Event(second, b"{}", "throttlingException"),
    )


def test_a_header_is_found_by_name_if_it_is_text() -> None:
    made = Frame(
        (FrameHeader("a", HeaderKind.LONG, 1), FrameHeader("a", HeaderKind.STRING, "x")), b""
    )
    assert (made.text("a"), made.text("b")) == ("x", None)
    assert split(Framing.EVENT_STREAM, encode_frame(made))[0].name == ""


@pytest.mark.parametrize("spoilt", [8, 20, -1], ids=["prelude", "payload", "message"])
def test_a_frame_with_a_wrong_checksum_is_a_piece_without_data(spoilt: int) -> None:
    raw = bytearray(frame(b"{}"))
    raw[spoilt] ^= 1
    good = frame(b"[]")
    assert split(Framing.EVENT_STREAM, bytes(raw) + good) == (
        Event(bytes(raw)),
        Event(good, b"[]", "chunk"),
    )


@pytest.mark.parametrize(
    "rest", [b"\0\0\0", frame(b"{}")[:-1], b"<html>not frames</html>", prelude(2**31, 0) + b"x"]
)
def test_an_unfinished_or_senseless_rest_is_one_piece(rest: bytes) -> None:
    first = frame(b"{}")
    assert split(Framing.EVENT_STREAM, first + rest) == (
        Event(first, b"{}", "chunk"),
        Event(rest),
    )


def test_a_frame_comes_with_its_last_byte() -> None:
    raw = frame(b"{}")
    parser = EventStreamParser()
    assert parser.feed(raw[:-1]) == []
    assert parser.feed(raw[-1:]) == [Event(raw, b"{}", "chunk")]
    assert parser.finish() == []


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "not one event-stream frame: the lengths disagree"),
        (EMPTY + b"x", "not one event-stream frame: the lengths disagree"),
        (EMPTY[:-1] + b"x", "event-stream frame with a wrong checksum"),
        (with_headers(b"\x01"), "event-stream frame with a broken header"),
        (with_headers(b"\x01a\x63"), "event-stream frame with a broken header"),
        (with_headers(b"\x01a\x04\x00"), "event-stream frame with a broken header"),
        (with_headers(b"\x01a\x07\x00\x09x"), "event-stream frame with a broken header"),
        (with_headers(b"\x01\xff\x00"), "can't decode byte 0xff"),
    ],
)
def test_what_is_no_frame_is_refused(raw: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        decode_frame(raw)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (HeaderKind.BYTE, 128),
        (HeaderKind.STRING, 1),
        (HeaderKind.UUID, b"short"),
        (HeaderKind.BYTES, b"x" * 65536),
    ],
)
def test_a_value_must_fit_its_type(kind: HeaderKind, value: int | bytes) -> None:
    with pytest.raises(ValueError, match=f"event-stream header 'a' does not fit the type {kind}"):
        encode_frame(Frame((FrameHeader("a", kind, value),), b""))


def test_a_beginning_is_told_by_its_checksum() -> None:
    assert begins_frame(frame(b"{}"))
    assert begins_frame(frame(b"{}")[:12])
    assert not begins_frame(frame(b"{}")[:11])
    assert not begins_frame(b"\0\0\0\x10\0\0\0\0\0\0\0\0")
    assert not begins_frame(b'{"a": "some text"}')
