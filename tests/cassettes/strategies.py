"""What hypothesis draws: text that YAML finds hard, bodies of every kind, whole exchanges."""

from __future__ import annotations

import json
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from llmreplay.core.exchange import Chunk, Ending, Exchange, Recorded, Request, Response
from llmreplay.core.streams import framing_of, split
from llmreplay.core.streams.event_stream import Frame, FrameHeader, HeaderKind, encode_frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import SearchStrategy

    from llmreplay.core.exchange import Headers

_HARD_PIECES = [
    "", " ", "  ", "\n", "\n\n", "\t", "\r\n", "\r", "\x85", "\u2028", "\u2029", "\ufeff", "\x00",
    "\x1b", "\x7f", "\ufffe", "\uffff", "😀", "e\u0301", "é", "- ", "? ", ": ", ":", "#", " #",
    "---", "...", "%", "&a", "*a", "!!str", "|", "|2-", ">", "'", '"', "\\", "{", "}", "[", "]",
    ",", "`", "@", "~", "null", "true", "no", "y", "<<", "=", "0", "01", "0x1F", "0o7", "1_000",
    "1:30", "1e5", "-0", ".5", "1.", ".inf", ".NaN", "2001-01-01", "2001-12-14t21:59:43.10-05:00",
    "a", "word", "two words", "x" * 200, "data: ", "event: ping", "<<<<<<< ours", "key: value",
    "http://x/y?z=1",
]  # fmt: skip

hard_texts = st.lists(
    st.one_of(st.sampled_from(_HARD_PIECES), st.text(max_size=8)), max_size=8
).map("".join)
"""Any text but lone surrogates, with a liking for what YAML reads as something else."""

texts = hard_texts.filter(lambda text: not any("\ud800" <= c <= "\udfff" for c in text))

_numbers = st.one_of(
    st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.sampled_from([0.0, -0.0])
)
json_values: SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), _numbers, texts),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=12,
)

_TOKEN_CHARACTERS = "!#$%&'*+-.^_`|~0123456789ABCabcxyz"
header_names = st.text(_TOKEN_CHARACTERS, min_size=1, max_size=12)
header_values = (
    st.one_of(texts.map(str.encode), st.binary(max_size=12))
    .map(lambda data: data.translate(None, b"\r\n\0"))
    .map(lambda data: data.decode(errors="surrogateescape"))
)
headers: SearchStrategy[Headers] = st.lists(st.tuples(header_names, header_values), max_size=5).map(
    tuple
)

_event_lines = texts.map(lambda text: " ".join(text.splitlines()))
sse_bodies = st.lists(
    st.tuples(st.sampled_from(["data: ", "event: ", ": ", ""]), _event_lines), max_size=6
).flatmap(
    lambda lines: st.sampled_from(["\n", "\r\n", "\r"]).map(
        lambda end: "".join(f"{lead}{text}{end}{end}" for lead, text in lines).encode()
    )
)
ndjson_bodies = st.lists(json_values, max_size=4).map(
    lambda values: "".join(f"{json.dumps(value)}\n" for value in values).encode()
)
_JSON_WRITERS: list[Callable[[Any], str]] = [
    partial(json.dumps, separators=(",", ":")),
    partial(json.dumps, separators=(",", ":"), ensure_ascii=False),
    json.dumps,
    partial(json.dumps, ensure_ascii=False),
    partial(json.dumps, indent=2),
    partial(json.dumps, indent=4, ensure_ascii=False),
    partial(json.dumps, indent="\t"),
]
json_bodies = st.tuples(
    st.sampled_from(_JSON_WRITERS), json_values, st.sampled_from(["", "\n", "\r\n", " "])
).map(lambda drawn: (drawn[0](drawn[1]) + drawn[2]).encode())

_frame_headers = st.one_of(
    st.tuples(st.just(HeaderKind.STRING), texts),
    st.tuples(st.just(HeaderKind.TRUE), st.just(True)),  # noqa: FBT003  # a value, not a flag
    st.tuples(st.just(HeaderKind.FALSE), st.just(False)),  # noqa: FBT003  # the same
    st.tuples(st.just(HeaderKind.BYTE), st.integers(-128, 127)),
    st.tuples(st.just(HeaderKind.SHORT), st.integers(-(2**15), 2**15 - 1)),
    st.tuples(st.just(HeaderKind.INTEGER), st.integers(-(2**31), 2**31 - 1)),
    st.tuples(st.just(HeaderKind.LONG), st.integers(-(2**63), 2**63 - 1)),
    st.tuples(st.just(HeaderKind.TIMESTAMP), st.integers(-(2**63), 2**63 - 1)),
    st.tuples(st.just(HeaderKind.BYTES), st.binary(max_size=8)),
    st.tuples(st.just(HeaderKind.UUID), st.binary(min_size=16, max_size=16)),
)
_frames = st.tuples(
    st.lists(st.tuples(texts.filter(lambda t: len(t.encode()) < 200), _frame_headers), max_size=3),
    st.one_of(json_bodies, st.binary(max_size=20)),
).map(
    lambda drawn: encode_frame(
        Frame(tuple(FrameHeader(name, *typed) for name, typed in drawn[0]), drawn[1])
    )
)
frame_bodies = st.tuples(st.lists(_frames, max_size=3).map(b"".join), st.binary(max_size=5)).map(
    b"".join
)

_parts = st.tuples(headers, st.one_of(json_bodies, texts.map(str.encode), st.binary(max_size=20)))
multipart_bodies = st.lists(_parts, min_size=1, max_size=3).map(
    lambda parts: (
        b"".join(
            b"--cut\r\n"
            + "".join(f"{name}: {value}\r\n" for name, value in found).encode(
                errors="surrogateescape"
            )
            + b"\r\n"
            + body
            + b"\r\n"
            for found, body in parts
        )
        + b"--cut--\r\n"
    )
)

bodies = st.one_of(
    st.just(b""),
    st.binary(max_size=40),
    texts.map(str.encode),
    json_bodies,
    sse_bodies,
    ndjson_bodies,
    frame_bodies,
    multipart_bodies,
    st.sampled_from([b"a=1&b=2", b"a=1&a=2", b"a=1&b=2&a=3", b"a=%20+", b"q=a+b%2Fc&empty="]),
)
_content_types = st.sampled_from(
    [
        "application/json",
        "text/event-stream; charset=utf-8",
        "application/x-ndjson",
        "application/vnd.amazon.eventstream",
        "multipart/form-data; boundary=cut",
        "multipart/form-data",
        "application/x-www-form-urlencoded",
        "text/plain",
    ]
)
_labelled = st.one_of(
    headers,
    st.tuples(headers, _content_types).map(lambda drawn: (*drawn[0], ("content-type", drawn[1]))),
)


@st.composite
def _chunks(draw: st.DrawFn, labels: Headers, body: bytes) -> tuple[Chunk, ...]:
    """Mostly the events of the body's framing; at times any other division."""
    waits = st.integers(0, 100_000)
    if draw(st.integers(0, 3)):
        framing = framing_of(labels, body, length_known=False)
        return tuple(Chunk(event.raw, draw(waits)) for event in split(framing, body))
    cuts = sorted(draw(st.lists(st.integers(0, len(body)), max_size=3)))
    edges = [0, *cuts, len(body)]
    return tuple(Chunk(body[start:end], draw(waits)) for start, end in pairwise(edges))


@st.composite
def exchanges(draw: st.DrawFn) -> Exchange:
    """Any exchange that can have travelled."""
    upstream = draw(st.sampled_from(["openai", "anthropic", "", "my own"]))
    labels, body = draw(_labelled), draw(bodies)
    return Exchange(
        number=draw(st.integers(1, 10_000)),
        upstream=upstream,
        request=Request(
            method=draw(st.sampled_from(["GET", "POST", "PATCH", "M-SEARCH"])),
            url="https://api.example.com/v1/"
            + draw(st.sampled_from(["", "a?b=c", "%20'\"#x", "é"])),
            headers=draw(_labelled),
            body=draw(bodies),
            upstream=upstream or None,
        ),
        response=Response(
            status=draw(st.integers(100, 999)),
            headers=labels,
            chunks=draw(_chunks(labels, body)),
            ending=draw(st.sampled_from(Ending)),
        ),
        recorded=draw(
            st.one_of(
                st.none(),
                st.just(Recorded("2026-11-21T10:00:00Z", "7f3a")),
                st.builds(Recorded, texts, texts),
            )
        ),
        base_path=draw(st.sampled_from(["", "/v1"])),
    )
