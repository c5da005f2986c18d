"""Content codings come off as they arrive, whole, and never beyond the limit."""

from __future__ import annotations

import gzip
import itertools
import tracemalloc
import zlib
from typing import TYPE_CHECKING

import brotli
import pytest
import zstandard
from hypothesis import example, given
from hypothesis import strategies as st

from llmreplay.core.decoding import (
    ACCEPTABLE,
    CorruptBodyError,
    DecodedTooLargeError,
    Decoder,
    TruncatedBodyError,
    UnsupportedCodingError,
    acceptable,
    decode,
)

if TYPE_CHECKING:
    from collections.abc import Callable

MIB = 1024 * 1024
PLENTY = 64 * MIB


def raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


def br(data: bytes) -> bytes:
    return bytes(brotli.compress(data, quality=4))


ENCODERS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("x-gzip", gzip.compress),
    "deflate, zlib": ("deflate", zlib.compress),
    "deflate, raw": ("deflate", raw_deflate),
    "br": ("br", br),
    "zstd": ("zstd", zstd),
}
every_coding = pytest.mark.parametrize(
    ("encoding", "encode"), ENCODERS.values(), ids=ENCODERS.keys()
)
bodies = st.one_of(
    st.binary(max_size=300),
    # Longer than one piece, and a multiple of it.
    st.builds(bytes.__mul__, st.binary(min_size=1, max_size=8), st.sampled_from([8192, 65536])),
)


@every_coding
@given(body=bodies, cuts=st.lists(st.integers(min_value=0), max_size=4))
@example(body=bytes(98272), cuts=[])  # what brotli's first buffers hold exactly
def test_any_split_decodes_to_the_same_body(
    encoding: str, encode: Callable[[bytes], bytes], body: bytes, cuts: list[int]
) -> None:
    encoded = encode(body)
    edges = [0, *sorted(cut % (len(encoded) + 1) for cut in cuts), len(encoded)]
    decoder = Decoder(encoding, PLENTY)

    decoded = b"".join(decoder.feed(encoded[start:end]) for start, end in itertools.pairwise(edges))

    assert body == decoded + decoder.finish()
    assert body == decode(encoding, encoded, PLENTY)


@every_coding
@given(body=st.binary(min_size=1, max_size=100), cut=st.integers(min_value=0))
def test_a_body_that_stops_before_its_end_is_truncated(
    encoding: str, encode: Callable[[bytes], bytes], body: bytes, cut: int
) -> None:
    encoded = encode(body)
    decoder = Decoder(encoding, PLENTY)
    decoder.feed(encoded[: 1 + cut % (len(encoded) - 1)])

    with pytest.raises(TruncatedBodyError, match="body ends before its end"):
        decoder.finish()


@every_coding
def test_what_came_before_a_cut_was_already_given(
    encoding: str, encode: Callable[[bytes], bytes]
) -> None:
    body = bytes(range(256)) * 4000
    decoder = Decoder(encoding, PLENTY)

    decoded = decoder.feed(encode(body)[:-1])

    assert body.startswith(decoded)


@every_coding
def test_no_body_at_all_is_whole(encoding: str, encode: Callable[[bytes], bytes]) -> None:
    """Answers to HEAD and 304s name a coding and have no body."""
    assert encode(b"")
    assert decode(encoding, b"", PLENTY) == b""


@every_coding
@given(garbage=st.binary(min_size=1, max_size=200))
def test_any_bytes_decode_or_fail_by_name(
    encoding: str, encode: Callable[[bytes], bytes], garbage: bytes
) -> None:
    del encode
    try:
        decode(encoding, garbage, 1000)
    except (CorruptBodyError, DecodedTooLargeError, TruncatedBodyError) as error:
        assert str(error)  # noqa: PT017  # most garbage fails, some decodes: both are fine


@every_coding
def test_a_corrupt_body_is_named(encoding: str, encode: Callable[[bytes], bytes]) -> None:
    broken = bytearray(encode(b"hello" * 100))
    broken[:10] = b"\xff" * 10

    with pytest.raises(CorruptBodyError, match=f"the body is not valid {encoding} "):
        decode(encoding, bytes(broken), PLENTY)


@every_coding
def test_a_bomb_stops_at_the_limit(encoding: str, encode: Callable[[bytes], bytes]) -> None:
    bomb = encode(bytes(64 * MIB))
    tracemalloc.start()

    with pytest.raises(DecodedTooLargeError, match="more than the limit of 4194304 bytes"):
        decode(encoding, bomb, 4 * MIB)

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * MIB


@every_coding
def test_the_limit_itself_is_allowed(encoding: str, encode: Callable[[bytes], bytes]) -> None:
    encoded = encode(b"x" * 1000)

    assert decode(encoding, encoded, 1000) == b"x" * 1000
    with pytest.raises(DecodedTooLargeError):
        decode(encoding, encoded, 999)


def test_the_limit_counts_over_all_feeds() -> None:
    decoder = Decoder(None, 10)
    decoder.feed(b"12345")
    decoder.feed(b"67890")

    with pytest.raises(DecodedTooLargeError, match="limit of 10 bytes"):
        decoder.feed(b"!")


EVENTS = [b"data: %d\n\n" % number for number in range(5)]


def zlib_flushed(wbits: int) -> list[bytes]:
    compressor = zlib.compressobj(wbits=wbits)
    return [compressor.compress(event) + compressor.flush(zlib.Z_SYNC_FLUSH) for event in EVENTS]


def brotli_flushed() -> list[bytes]:
    compressor = brotli.Compressor()
    return [compressor.process(event) + compressor.flush() for event in EVENTS]


def zstd_flushed() -> list[bytes]:
    compressor = zstandard.ZstdCompressor().compressobj()
    flush_block = zstandard.COMPRESSOBJ_FLUSH_BLOCK
    return [compressor.compress(event) + compressor.flush(flush_block) for event in EVENTS]


@pytest.mark.parametrize(
    ("encoding", "flushed"),
    [
        ("gzip", zlib_flushed(31)),
        ("deflate", zlib_flushed(15)),
        ("deflate", zlib_flushed(-15)),
        ("br", brotli_flushed()),
        ("zstd", zstd_flushed()),
    ],
)
def test_each_flushed_event_comes_out_at_once(encoding: str, flushed: list[bytes]) -> None:
    decoder = Decoder(encoding, PLENTY)

    assert [decoder.feed(piece) for piece in flushed] == EVENTS


@pytest.mark.parametrize(("encoding", "encode"), [("gzip", gzip.compress), ("zstd", zstd)])
@given(cut=st.integers(min_value=0))
def test_members_follow_each_other(
    encoding: str, encode: Callable[[bytes], bytes], cut: int
) -> None:
    encoded = encode(b"one, ") + encode(b"") + encode(b"two")
    cut %= len(encoded)
    decoder = Decoder(encoding, PLENTY)

    assert decoder.feed(encoded[:cut]) + decoder.feed(encoded[cut:]) == b"one, two"
    assert decoder.finish() == b""


@pytest.mark.parametrize("padding", [b"\0\0\0\0", b"\r\n", b"trailing words"])
@pytest.mark.parametrize("encode", [gzip.compress, zlib.compress], ids=["gzip", "deflate"])
def test_padding_behind_the_end_is_no_part_of_the_body(
    encode: Callable[[bytes], bytes], padding: bytes
) -> None:
    decoder = Decoder("gzip" if encode is gzip.compress else "deflate", PLENTY)

    decoded = decoder.feed(encode(b"body") + padding) + decoder.feed(padding) + decoder.finish()

    assert decoded == b"body"


def test_a_second_member_cut_short_is_truncated() -> None:
    with pytest.raises(TruncatedBodyError, match="gzip"):
        decode("gzip", gzip.compress(b"one") + gzip.compress(b"two")[:-3], PLENTY)


def test_a_zstd_window_beyond_what_http_allows_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=24, enable_ldm=False)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    encoded = compressor.compress(b"x" * 100) + compressor.flush()

    with pytest.raises(CorruptBodyError, match="zstd"):
        decode("zstd", encoded, PLENTY)


@pytest.mark.parametrize("encoding", [None, "", "identity", " Identity , identity"])
def test_no_coding_passes_bytes_through(encoding: str | None) -> None:
    assert decode(encoding, b"\x00plain\xff", PLENTY) == b"\x00plain\xff"


@pytest.mark.parametrize("encoding", ["GZIP", " gzip ", "identity, gzip"])
def test_names_compare_without_case_and_blanks(encoding: str) -> None:
    assert decode(encoding, gzip.compress(b"x"), PLENTY) == b"x"


@pytest.mark.parametrize("encoding", ["gzip, br", "br,br", "gzip, identity, zstd"])
def test_more_than_one_coding_is_refused(encoding: str) -> None:
    with pytest.raises(UnsupportedCodingError, match="at most one"):
        Decoder(encoding, PLENTY)


@pytest.mark.parametrize("encoding", ["compress", "aws-chunked", "dcb", "utf-8"])
def test_an_unknown_coding_is_refused_with_those_that_are_known(encoding: str) -> None:
    expected = f"content encoding '{encoding}' is not one of br, deflate, gzip, zstd"
    with pytest.raises(UnsupportedCodingError) as refusal:
        Decoder(encoding, PLENTY)

    assert expected == str(refusal.value)


@pytest.mark.parametrize(
    ("asked", "reduced"),
    [
        (None, None),
        ("", ""),
        ("gzip, deflate, br, zstd", "gzip, deflate, br, zstd"),
        ("gzip,deflate", "gzip,deflate"),
        ("GZip;q=1.0, identity; q=0.5, *;q=0", "GZip;q=1.0, identity; q=0.5, *;q=0"),
        ("gzip, compress, br", "gzip, br"),
        ("gzip, *", "gzip"),
        ("dcb, dcz", "identity"),
        ("*", "identity"),
        ("x-gzip", "x-gzip"),
    ],
)
def test_codings_asked_for_are_reduced_to_those_that_come_off(
    asked: str | None, reduced: str | None
) -> None:
    assert reduced == acceptable(asked)


@given(st.lists(st.sampled_from([*sorted(ACCEPTABLE), "compress", "*", "*;q=0", ""])))
def test_reducing_is_idempotent(codings: list[str]) -> None:
    once = acceptable(",".join(codings))

    assert once == acceptable(once)
