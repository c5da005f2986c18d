"""Every cut on every recorded stream: a prefix up to the point, or word of why there is none."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from llmreplay.core.exchange import Ending
from llmreplay.core.faults import Asked, Ledger, Overlay, Rule
from llmreplay.core.faults.cut import Cut, How
from llmreplay.core.faults.points import (
    Ahead,
    Amount,
    Before,
    Inside,
    Place,
    Point,
    parse_amount,
)
from llmreplay.core.plan import Plan, Wire, plan_replay
from llmreplay.core.streams import Event, framing_of, split
from llmreplay.core.timing import INSTANT
from llmreplay.dialects.registry import recognise

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmreplay.core.dialect import Dialect
    from llmreplay.core.faults import Injection
    from tests.corpus.corpus import Taken

pytestmark = pytest.mark.timeout(300)

POINTS: list[Point] = [
    *map(parse_amount, ("0", "1", "3", "1000", "512B", "40%", "12c", "120c", "100000c")),
    *map(Inside, Place),
    Inside(Place.EVENT, 2),
    *map(Before, Ahead),
]
HOWS = {
    How.TRUNCATE: (Ending.COMPLETE, Wire.SOUND),
    How.CLOSE: (Ending.TRUNCATED, Wire.SOUND),
    How.RESET: (Ending.RESET, Wire.SOUND),
    How.STALL: (Ending.COMPLETE, Wire.STALL),
}


class Stream:
    """A recorded stream, whole."""

    def __init__(self, taken: Taken, dialect: Dialect, plan: Plan) -> None:
        self.name = str(taken)
        self.dialect = dialect
        self.plan = plan
        self.body = b"".join(step.data for step in plan.steps)
        framing = framing_of(plan.headers, self.body, length_known=False)
        self.events = split(framing, self.body)
        self._asked = Asked("s", None, "POST", "/", (), None, dialect, "f")

    def injection(self, point: Point, how: How) -> Injection:
        found = Overlay().fire((Rule("r", (Cut(point, how),)),), self._asked, Ledger())
        assert found is not None
        return found

    def behind(self, length: int) -> tuple[tuple[Event, ...], int]:
        """The events that are whole in the first `length` bytes, and how many bytes more."""
        for count, event in enumerate(self.events):
            if len(event.raw) > length:
                return self.events[:count], length
            length -= len(event.raw)
        return self.events, length

    def said(self, read: Callable[[Event], str], events: tuple[Event, ...]) -> str:
        return "".join(map(read, events))


@pytest.fixture(scope="module")
def streams(exchanges: list[Taken]) -> list[Stream]:
    found = []
    for taken in exchanges:
        plan = plan_replay(taken.exchange.response, INSTANT, {})
        if plan.streamed:
            found.append(Stream(taken, recognise(taken.exchange.request, None), plan))
    assert len(found) > 100
    return found


def is_there(stream: Stream, point: Point, length: int) -> bool:  # noqa: PLR0911  # one a point
    """Whether the first `length` bytes end at `point`, worked out from the whole."""
    whole, more = stream.behind(length)
    following = stream.events[len(whole)] if len(whole) < len(stream.events) else None
    match point:
        case Amount(count, "events"):
            return not more and sum(one.data is not None for one in whole) == count
        case Amount(count, "bytes"):
            return length == count
        case Amount(count, "per cent"):
            return length == int(len(stream.body) * count / 100)
        case Amount(count):
            read = stream.dialect.event_text
            before = len(stream.said(read, whole))
            return before == count or (
                bool(more)
                and following is not None
                and before < count < before + len(read(following))
            )
        case Inside(Place.TOOL_ARGUMENTS):
            read = stream.dialect.tool_arguments
            if more:
                return following is not None and bool(read(following))
            return "" != stream.said(read, whole) != stream.said(read, stream.events)
        case Inside(Place.UTF8):
            last = stream.body[length - 1 : length + 1]
            return last[0] >= 0xC2 and 0x80 <= last[1] < 0xC0
        case Inside(Place.EVENT, after):
            is_inside = bool(more) and following is not None and following.data is not None
            return is_inside and sum(one.data is not None for one in whole) == after
        case Before(Ahead.USAGE):
            return not more and following is not None and stream.dialect.has_usage(following)
        case _:
            return not more and following is not None and stream.dialect.ends_stream(following)


def should_be_there(stream: Stream, point: Point) -> bool | None:  # noqa: PLR0911  # one a point
    """Whether the stream has the point, where that can be told without looking for it."""
    said = len(stream.said(stream.dialect.event_text, stream.events))
    match point:
        case Amount(count, "events"):
            return sum(event.data is not None for event in stream.events) >= count
        case Amount(count, "bytes"):
            return len(stream.body) >= count
        case Amount(_, "per cent"):
            return True
        case Amount(count):
            return False if said < count else None
        case Before(Ahead.END):
            return any(map(stream.dialect.ends_stream, stream.events))
        case Before(Ahead.USAGE):
            return any(map(stream.dialect.has_usage, stream.events))
        case _:
            return None


@pytest.mark.parametrize("point", POINTS, ids=str)
def test_every_stream_is_cut_there_or_says_why_not(
    streams: list[Stream], point: Point, record_property: Callable[[str, object], None]
) -> None:
    wrong: list[str] = []
    counted: Counter[str] = Counter()
    for stream in streams:
        injection = stream.injection(point, How.CLOSE)
        plan = injection.onto(stream.plan)
        sent = b"".join(step.data for step in plan.steps)
        cut = plan.ending is Ending.TRUNCATED and stream.plan.ending is not Ending.TRUNCATED
        expected = should_be_there(stream, point)
        if injection.missing:
            right = sent == stream.body and plan.ending is stream.plan.ending
            counted["missing"] += 1
        else:
            right = stream.body.startswith(sent) and is_there(stream, point, len(sent))
            right = right and (cut or stream.plan.ending is not Ending.COMPLETE)
            counted["cut"] += 1
        if not right or expected is bool(injection.missing):
            wrong.append(f"{stream.name}: {len(sent)} of {len(stream.body)}, {injection.missing}")
    record_property("counts", dict(counted))
    assert wrong == []


@pytest.mark.parametrize("how", How)
def test_every_stream_ends_as_asked(streams: list[Stream], how: How) -> None:
    point = parse_amount("40%")
    ends = set()
    for stream in streams:
        plan = stream.injection(point, how).onto(stream.plan)
        ends.add((plan.ending, plan.wire))
    assert ends == {HOWS[how]}


@pytest.mark.parametrize("point", POINTS, ids=str)
def test_what_arrives_in_any_pieces_is_cut_at_the_same_place(
    streams: list[Stream], point: Point
) -> None:
    wrong: list[str] = []
    for number, stream in enumerate(streams):
        expected = stream.injection(point, How.RESET)
        plan = expected.onto(stream.plan)
        injection = stream.injection(point, How.RESET)
        headers = tuple(
            pair for pair in stream.plan.headers if pair[0].lower() != "content-encoding"
        )
        live = injection.live(200, "OK", headers, None, 1 << 30)
        start, size = 4096, number * 37 % 4096 + 1  # the first piece must tell the framing
        rest = range(start, len(stream.body), size)
        pieces = [stream.body[:start], *(stream.body[at : at + size] for at in rest)]
        steps = [step for place, raw in enumerate(pieces) for step in live.feed(raw, place)]
        steps += live.finish(stream.plan.ending)
        same = b"".join(step.data for step in steps) == b"".join(step.data for step in plan.steps)
        if not same or injection.missing != expected.missing:
            wrong.append(stream.name)
    assert wrong == []
