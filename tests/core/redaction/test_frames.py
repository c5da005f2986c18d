from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from llmreplay.core.redaction.edits import Edit, applied
from llmreplay.core.redaction.frames import frame_edits
from llmreplay.core.streams.event_stream import (
    Frame,
    FrameHeader,
    HeaderKind,
    decode_frame,
    encode_frame,
)

if TYPE_CHECKING:
    from llmreplay.core.redaction.leaves import Leaves


def frame(payload: bytes, message: str = "event") -> bytes:
    headers = (
        FrameHeader(":message-type", HeaderKind.STRING, message),
        FrameHeader("hush", HeaderKind.BYTES, b"hush"),
        FrameHeader(":note", HeaderKind.STRING, "é"),
    )
    return encode_frame(Frame(headers, payload))


def wrapped(inner: bytes, after: bytes = b"") -> bytes:
    return b'{"bytes": "' + base64.b64encode(inner) + b'"' + after + b"}"


def unhushed(text: bytes, _leaves: Leaves) -> list[Edit]:
    """Wherever `hush` is, there will be `said`, which is longer by one letter."""
    places = [at for at in range(len(text)) if text.startswith(b"hush", at)]
    return [Edit(at, at + 4, b"said!") for at in places]


def changed(body: bytes) -> bytes:
    return applied([body], frame_edits(body, unhushed))[0]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (frame(b'{"a":"hush"}'), frame(b'{"a":"said!"}')),
        (frame(b"{}", "hush"), frame(b"{}", "said!")),
        (frame(wrapped(b'{"a":"hush"}')), frame(wrapped(b'{"a":"said!"}'))),
        (
            frame(wrapped(b'"hush"', b',"c":"hush"')),
            frame(wrapped(b'"said!"', b',"c":"said!"')),
        ),
        (frame(b'{"bytes":"hushh"}'), frame(b'{"bytes":"said!h"}')),
        (frame(b'{"bytes":"hush="}'), frame(b'{"bytes":"said!="}')),
        (frame(b'{"bytes":"hush="}')[:-1], frame(b'{"bytes":"hush="}')[:-1]),
    ],
)
def test_the_texts_of_a_frame_change_and_its_lengths_and_checksums_follow(
    before: bytes, after: bytes
) -> None:
    quiet = frame(b"{}")
    assert changed(quiet + before) == quiet + after


def test_frames_without_a_change_are_not_made_anew() -> None:
    body = frame(b"{}") + frame(wrapped(b"{}"))
    assert frame_edits(body, unhushed) == []
    assert len(frame_edits(body + frame(b'"hush"'), unhushed)) == 1


def test_headers_of_other_types_stay() -> None:
    assert decode_frame(changed(frame(b'"hush"'))).headers == decode_frame(frame(b"")).headers


def test_texts_told_in_pieces_are_those_of_payloads_and_of_what_is_in_them() -> None:
    told: list[bytes] = []

    def listen(text: bytes, leaves: Leaves) -> list[Edit]:
        told.append(leaves.told)
        assert told == [
            b"".join(b"".join(text[a:b] for a, b in group) + b"\0" for group in leaves.groups(text))
        ]
        return []

    frame_edits(
        frame(b'{"a":"x"}')
        + frame(b'{"a":"y"}')
        + frame(wrapped(b'{"a":"1"}', b',"p":"ab"'))
        + frame(wrapped(b'{"a":"2"}', b',"p":"abc"')),
        listen,
    )
    assert {b"12", b"ababc", b"xy"} <= set(told[0].split(b"\0"))
