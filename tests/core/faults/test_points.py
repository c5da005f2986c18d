"""Points: each is where it says, and one that is not there says why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llmreplay.core.faults.cut import Cut, How
from llmreplay.core.faults.points import (
    Ahead,
    Amount,
    Before,
    Inside,
    Place,
    Point,
    Unit,
    parse_amount,
)
from llmreplay.core.streams.event_stream import Frame, FrameHeader, HeaderKind, encode_frame
from llmreplay.dialects.anthropic import ANTHROPIC
from llmreplay.dialects.plain import PLAIN
from tests.core.faults.given import CHAT, body, data, fired, injected, stream
from tests.fakes.dialects import SILENT

if TYPE_CHECKING:
    from llmreplay.core.plan import Plan

ARGUMENTS = (
    b'data: {"choices":[{"delta":{"tool_calls":[{"function":{"name":"f","arguments":""}}]}}]}\n\n',
    b'data: {"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"{\\"a"}}]}}]}\n\n',
    b'data: {"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"\\":1}"}}]}}]}\n\n',
)
AT_ONCE = (
    b'data: {"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"{\\"a\\":1}"}}]}}]}\n\n'
)

CUSTOM = b'data: {"choices":[{"delta":{"tool_calls":[{"custom":{"input":"SELECT"}}]}}]}\n\n'


def sent(plan: Plan, point: Point) -> bytes:
    return data(injected(plan, Cut(point, How.CLOSE)))


def missing(plan: Plan, point: Point, **given: object) -> str:
    injection = fired(Cut(point, How.CLOSE), **given)
    assert data(injection.onto(plan)) == data(plan)
    (told,) = injection.missing
    return told.removeprefix("r: ")


@pytest.mark.parametrize(
    ("text", "amount", "told"),
    [
        (3, Amount(3), "after 3 events"),
        ("1", Amount(1), "after 1 event"),
        ("512B", Amount(512, Unit.BYTES), "after 512 bytes"),
        ("2 kB", Amount(2000, Unit.BYTES), "after 2000 bytes"),
        ("40%", Amount(40, Unit.PER_CENT), "at 40 %"),
        ("12.5%", Amount(12.5, Unit.PER_CENT), "at 12.5 %"),
        ("120c", Amount(120, Unit.CHARACTERS), "after 120 characters of text"),
    ],
)
def test_amounts_as_they_are_written(text: object, amount: Amount, told: str) -> None:
    assert parse_amount(text) == amount
    assert str(amount) == told


@pytest.mark.parametrize("text", ["", "3.5", "-1", "1.5B", "101%", "3 events", True, None, "1e9"])
def test_what_is_no_amount(text: object) -> None:
    with pytest.raises(ValueError, match=r"is no point|more than all"):
        parse_amount(text)


def test_after_events_comments_do_not_count() -> None:
    plan = stream(b": hello\n\n", CHAT[0], b": ping\n\n", CHAT[1])
    assert sent(plan, Amount(1)) == b": hello\n\n" + CHAT[0]
    assert sent(plan, Amount(0)) == b""


def test_after_bytes() -> None:
    plan = stream(*CHAT)
    assert sent(plan, Amount(0, Unit.BYTES)) == b""
    assert sent(plan, Amount(100, Unit.BYTES)) == data(plan)[:100]
    assert sent(plan, Amount(len(CHAT[0]), Unit.BYTES)) == CHAT[0]
    assert missing(plan, Amount(1000, Unit.BYTES)) == f"the answer has {len(data(plan))} bytes"
    assert missing(stream(b"x"), Amount(2, Unit.BYTES)) == "the answer has 1 byte"


def test_at_a_part_of_it() -> None:
    plan = body(b"0123456789")
    assert sent(plan, Amount(45, Unit.PER_CENT)) == b"0123"
    assert sent(plan, Amount(100, Unit.PER_CENT)) == b"0123456789"


def test_after_characters_whole_characters_are_there_and_no_more() -> None:
    plan = stream(*CHAT)
    assert sent(plan, Amount(0, Unit.CHARACTERS)) == b""
    assert sent(plan, Amount(2, Unit.CHARACTERS)).endswith(b'{"content":"He')
    assert sent(plan, Amount(3, Unit.CHARACTERS)) == CHAT[0] + CHAT[1]
    assert sent(plan, Amount(8, Unit.CHARACTERS)).endswith('"lo wö'.encode())
    assert missing(plan, Amount(12, Unit.CHARACTERS)) == "the answer has 11 characters of text"


def test_characters_in_a_body() -> None:
    plan = body(
        b'{"choices":[{"message":{"role":"assistant","content":"a\\n\\u00e9\\ud83d\\ude00b"}}]}'
    )
    assert sent(plan, Amount(2, Unit.CHARACTERS)).endswith(b'"content":"a\\n')
    assert sent(plan, Amount(4, Unit.CHARACTERS)).endswith(b'"a\\n\\u00e9\\ud83d\\ude00')
    assert sent(plan, Amount(5, Unit.CHARACTERS)).endswith(b"b")


def test_characters_that_the_dialect_knows_nothing_of() -> None:
    assert missing(stream(*CHAT), Amount(1, Unit.CHARACTERS), dialect=SILENT) == (
        "no text is known in it (dialect silent)"
    )


def test_characters_that_are_not_spelled_out() -> None:
    """Bedrock wraps what is said into base64."""
    frame = encode_frame(
        Frame(
            (FrameHeader(":event-type", HeaderKind.STRING, "chunk"),),
            b'{"bytes":"eyJ0ZXh0IjoiSGVsbG8ifQ=="}',
        )
    )
    plan = stream(frame, frame)
    assert missing(plan, Amount(3, Unit.CHARACTERS), dialect=PLAIN) == (
        "character 3 is not spelled out in the bytes of its event"
    )
    assert data(injected(plan, Cut(Amount(5, Unit.CHARACTERS)), dialect=PLAIN)) == frame


def test_inside_arguments_some_of_them_are_there_and_some_not() -> None:
    plan = stream(*ARGUMENTS)
    inside = Inside(Place.TOOL_ARGUMENTS)
    assert sent(plan, inside) == ARGUMENTS[0] + ARGUMENTS[1]
    assert sent(stream(AT_ONCE), inside).endswith(b'"arguments":"{\\"a\\"')
    assert sent(stream(CUSTOM), inside).endswith(b'"input":"SEL')
    assert missing(stream(*CHAT), inside) == (
        "no arguments of a tool call are known in it (dialect openai)"
    )


def test_inside_arguments_that_are_an_object() -> None:
    plan = body(
        b'{"type":"message","content":[{"type":"tool_use","name":"f","input":{"city":"Rome"}}]}'
    )
    cut = injected(plan, Cut(Inside(Place.TOOL_ARGUMENTS)), dialect=ANTHROPIC)
    assert data(cut).endswith(b'"input":{"')


def test_inside_a_character() -> None:
    inside = Inside(Place.UTF8)
    assert sent(stream(*CHAT), inside).endswith(b"lo w\xc3")
    assert missing(stream(*CHAT[:2]), inside) == "no character in it has more than one byte"
    assert missing(stream(b": \xc3\xa4\n\n"), inside).startswith("no character")
    assert missing(stream(b"data: {\ndata: \xc3\xa4}\n\n"), inside).startswith("no character")


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (b"event: x\ndata: {}\n\n", b"event: x\n"),
        (b"data: {}\r\n\r\n", b"data: {}\r\n"),
        (b'{"a": 12}\n', b'{"a":'),
        (b'{"a": 12}', b'{"a"'),
    ],
)
def test_inside_an_event_between_its_lines_or_in_its_middle(event: bytes, expected: bytes) -> None:
    assert sent(stream(event), Inside(Place.EVENT)) == expected


def test_inside_a_frame_in_its_middle() -> None:
    frame = encode_frame(Frame((), b'{"a":"\\n"}\n\n{}'))
    assert sent(stream(frame, frame), Inside(Place.EVENT, 1)) == frame + frame[: len(frame) // 2]


def test_inside_a_later_event() -> None:
    plan = stream(CHAT[0], b": ping\n\n", CHAT[1])
    assert sent(plan, Inside(Place.EVENT, 1)) == CHAT[0] + b": ping\n\n" + CHAT[1][:-1]
    assert missing(plan, Inside(Place.EVENT, 2)) == "the answer has 2 events"
    assert missing(stream(CHAT[0]), Inside(Place.EVENT, 2)) == "the answer has 1 event"


def test_before_usage_and_before_the_end() -> None:
    plan = stream(*CHAT)
    assert sent(plan, Before(Ahead.USAGE)) == b"".join(CHAT[:4])
    assert sent(plan, Before(Ahead.END)) == b"".join(CHAT[:5])
    assert missing(stream(*CHAT[:2]), Before(Ahead.END)) == "no end marker is known in it (openai)"
    assert missing(body(b'{"usage":{"a":1}}'), Before(Ahead.USAGE)) == (
        "no usage is known in it (openai)"
    )


def test_points_say_which() -> None:
    points = (Inside(Place.EVENT, 2), Inside(Place.UTF8), Before(Ahead.USAGE))
    assert [str(point) for point in points] == ["inside event 3", "inside utf8", "before usage"]
