"""Broken events and broken framing."""

from __future__ import annotations

import pytest

from llmreplay.core.exchange import Ending
from llmreplay.core.faults.corrupt import Corrupt, What
from llmreplay.core.faults.points import Ahead, Amount, Before, Unit
from llmreplay.core.plan import Wire
from llmreplay.core.streams.event_stream import (
    Frame,
    FrameHeader,
    HeaderKind,
    decode_frame,
    encode_frame,
)
from tests.core.faults.given import CHAT, body, data, fired, injected, stream

FRAME = encode_frame(Frame((), b'{"a":1}'))


def test_json_lacks_its_last_byte() -> None:
    broken = data(injected(stream(*CHAT), Corrupt(What.JSON, Amount(1))))
    assert broken == CHAT[0] + CHAT[1][:-3] + b"\n\n" + b"".join(CHAT[2:])


def test_space_after_the_json_is_not_its_last_byte() -> None:
    assert data(injected(body(b'{"a":1}\n'), Corrupt(What.JSON))) == b'{"a":1\n'


def test_utf8_has_a_byte_that_is_none() -> None:
    broken = data(injected(stream(b'data: {"a":"b"}\n\n', CHAT[0]), Corrupt(What.UTF8)))
    assert broken == b'data: {"a":"b\xff"}\n\n' + CHAT[0]
    assert data(injected(body(b"[1]"), Corrupt(What.UTF8))) == b"[1]\xff"


def test_a_length_is_what_it_is_after_breaking() -> None:
    plan = injected(body(b'{"a":1}'), Corrupt(What.JSON))
    assert (data(plan), plan.announced, plan.ending) == (b'{"a":1', None, Ending.COMPLETE)


@pytest.mark.parametrize(
    ("what", "wire"), [(What.CHUNK, Wire.BAD_CHUNK), (What.LENGTH, Wire.BAD_LENGTH)]
)
def test_broken_framing_ends_a_stream_with_the_event(what: What, wire: Wire) -> None:
    plan = injected(stream(*CHAT), Corrupt(what, Amount(2)))
    assert (data(plan), plan.wire, plan.ending) == (b"".join(CHAT[:3]), wire, Ending.TRUNCATED)
    assert plan.announced is None


def test_broken_framing_of_a_body() -> None:
    chunked = injected(body(b"{}"), Corrupt(What.CHUNK))
    assert (chunked.streamed, chunked.wire) == (True, Wire.BAD_CHUNK)
    short = injected(body(b"{}"), Corrupt(What.LENGTH))
    assert (short.streamed, short.wire, short.announced) == (False, Wire.BAD_LENGTH, 1)


def test_a_checksum_is_wrong_and_all_else_right() -> None:
    broken = data(injected(stream(FRAME, FRAME), Corrupt(What.CRC)))
    assert broken[: len(FRAME) - 1] == FRAME[:-1]
    with pytest.raises(ValueError, match="checksum"):
        decode_frame(broken[: len(FRAME)])
    assert broken[len(FRAME) :] == FRAME


@pytest.mark.parametrize(
    ("what", "payload"),
    [(What.JSON, '{"a":"é"'.encode()), (What.UTF8, '{"a":"é'.encode() + b'\xff"}')],
)
def test_a_frame_with_a_broken_payload_is_sound(what: What, payload: bytes) -> None:
    headers = (FrameHeader(":event-type", HeaderKind.STRING, "chunk"),)
    frame = encode_frame(Frame(headers, '{"a":"é"}'.encode()))
    broken = data(injected(stream(frame, FRAME), Corrupt(what)))
    assert decode_frame(broken[: -len(FRAME)]) == Frame(headers, payload)
    assert broken.endswith(FRAME)


def test_only_frames_have_checksums() -> None:
    injection = fired(Corrupt(What.CRC))
    assert data(injection.onto(stream(*CHAT))) == b"".join(CHAT)
    assert injection.missing == ("r: the answer is no AWS event stream",)


def test_the_event_with_the_point_is_broken() -> None:
    inside = data(injected(stream(*CHAT), Corrupt(What.JSON, Amount(len(CHAT[0]) + 9, Unit.BYTES))))
    assert inside == CHAT[0] + CHAT[1][:-3] + b"\n\n" + b"".join(CHAT[2:])
    before = data(injected(stream(*CHAT), Corrupt(What.JSON, Before(Ahead.END))))
    assert before == b"".join(CHAT[:5]) + b"data: [DONE\n\n"


def test_comments_are_passed_over() -> None:
    plan = stream(b": hi\n\n", CHAT[0], b": ping\n\n", CHAT[1])
    assert data(injected(plan, Corrupt(What.JSON))) == (
        b": hi\n\n" + CHAT[0][:-3] + b"\n\n: ping\n\n" + CHAT[1]
    )
    assert data(injected(plan, Corrupt(What.JSON, Amount(1)))) == (
        b": hi\n\n" + CHAT[0] + b": ping\n\n" + CHAT[1][:-3] + b"\n\n"
    )


def test_what_is_not_there_is_told() -> None:
    injection = fired(Corrupt(What.JSON, Amount(9)))
    assert data(injection.onto(stream(*CHAT))) == b"".join(CHAT)
    assert injection.missing == ("r: the answer has 6 events",)
    assert str(Corrupt(What.JSON, Amount(9))) == "corrupt json after 9 events"
