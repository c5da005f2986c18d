"""A recorded response becomes a plan: steps, times, hints to wait."""

from dataclasses import replace

from llmreplay.core.exchange import Chunk, Ending, Response
from llmreplay.core.plan import Plan, Step, Wire, plan_replay, reason_phrase
from llmreplay.core.timing import INSTANT, parse_timing

LEAST = {"retry-after-ms": "1"}
STREAM = Response(
    200,
    (("content-type", "text/event-stream"),),
    (Chunk(b"data: 1\n\n", 400), Chunk(b"data: 2\n\n", 20)),
)


def test_instant_streams_keep_their_steps_and_lose_their_waits() -> None:
    plan = plan_replay(STREAM, INSTANT, LEAST)
    assert plan == Plan(
        200,
        "OK",
        STREAM.headers,
        (Step(0, b"data: 1\n\n"), Step(0, b"data: 2\n\n")),
        streamed=True,
    )
    assert plan.instant


def test_recorded_waits_become_times_from_the_start() -> None:
    plan = plan_replay(STREAM, parse_timing("recorded*0.5"), LEAST)
    assert [step.at_ms for step in plan.steps] == [200, 210]
    assert not plan.instant


def test_a_stream_of_one_event_is_a_stream() -> None:
    one = Response(200, STREAM.headers, STREAM.chunks[:1])
    assert plan_replay(one, INSTANT, LEAST).streamed


def test_an_answer_is_none() -> None:
    answer = Response(200, (("content-type", "application/json"),), (Chunk(b"[1]"),))
    assert not plan_replay(answer, INSTANT, LEAST).streamed
    assert not plan_replay(Response(204), INSTANT, LEAST).streamed


def test_hints_to_wait_are_the_least_when_nothing_waits() -> None:
    limited = Response(429, (("Retry-After", "20"), ("x-request-id", "req_1")))
    assert plan_replay(limited, INSTANT, LEAST).headers == (
        ("x-request-id", "req_1"),
        ("retry-after-ms", "1"),
    )
    assert plan_replay(limited, parse_timing("recorded"), LEAST).headers == limited.headers


def test_no_hint_is_made_up_and_none_is_touched_on_success() -> None:
    assert plan_replay(Response(500), INSTANT, LEAST).headers == ()
    waiting = Response(202, (("retry-after", "3"),))
    assert plan_replay(waiting, INSTANT, LEAST).headers == waiting.headers


def test_endings_and_unknown_statuses_pass_through() -> None:
    broken = Response(599, ending=Ending.RESET)
    assert plan_replay(broken, INSTANT, LEAST) == Plan(599, "", (), (), ending=Ending.RESET)
    assert reason_phrase(404) == "Not Found"


def test_an_answer_whose_wire_is_not_sound_is_not_instant() -> None:
    plan = plan_replay(STREAM, INSTANT, LEAST)
    assert not replace(plan, wire=Wire.STALL).instant
    assert not replace(plan, announced=9).instant
