"""Errors in the middle of a stream, in each framing."""

from __future__ import annotations

import orjson

from llmreplay.core.exchange import Ending
from llmreplay.core.failure import Problem
from llmreplay.core.faults.error_event import ErrorEvent
from llmreplay.core.plan import Plan, Step
from llmreplay.core.streams.event_stream import Frame, decode_frame, encode_frame
from llmreplay.dialects.anthropic import ANTHROPIC
from llmreplay.dialects.plain import PLAIN
from tests.core.faults.given import CHAT, body, data, fired, injected, stream

ERROR = ErrorEvent(Problem.OVERLOADED, 2)


def test_server_sent_events() -> None:
    plan = injected(stream(*CHAT), ERROR)
    before, told = data(plan).split(b'data: {"error"')
    assert before == b"".join(CHAT[:2])
    assert orjson.loads(b'{"error"' + told)["error"]["type"] == "server_error"
    assert (plan.ending, told[-2:]) == (Ending.COMPLETE, b"\n\n")


def test_named_events() -> None:
    plan = injected(
        stream(b'event: ping\ndata: {"type":"ping"}\n\n'), ErrorEvent(), dialect=ANTHROPIC
    )
    assert data(plan).endswith(
        b'event: error\ndata: {"type":"error","error":{"details":null,"type":"overloaded_error",'
        b'"message":"Overloaded"}}\n\n'
    )


def test_the_responses_api_goes_on_counting() -> None:
    event = b'event: response.created\ndata: {"type":"response.created","sequence_number":4}\n\n'
    plan = injected(stream(event, event), ErrorEvent(Problem.RATE_LIMIT, 1), path="/v1/responses")
    told = [orjson.loads(each.split(b"data: ")[1]) for each in data(plan).split(b"\n\n")[1:-1]]
    assert [(each["type"], each["sequence_number"]) for each in told] == [
        ("error", 5),
        ("response.failed", 6),
    ]
    assert told[1]["response"]["error"]["code"] == "rate_limit_exceeded"


def test_lines_of_json() -> None:
    typed = (("content-type", "application/x-ndjson"),)
    plan = Plan(200, "OK", typed, (Step(0, b'{"a":1}\n'), Step(0, b'{"a":2}\n')), streamed=True)
    assert data(injected(plan, ErrorEvent(after=1), dialect=PLAIN)) == (
        b'{"a":1}\n{"error":"The model is overloaded. Please try again later."}\n'
    )


def test_an_array_is_closed_behind_it() -> None:
    typed = (("content-type", "application/json"),)
    plan = Plan(200, "OK", typed, (Step(0, b'[{"a":1}\n'), Step(0, b',{"a":2}]')), streamed=True)
    after = orjson.loads(data(injected(plan, ErrorEvent(after=1), dialect=PLAIN)))
    assert [*after[0], *after[1]] == ["a", "error"]
    at_once = orjson.loads(data(injected(plan, ErrorEvent(after=0), dialect=PLAIN)))
    assert [*at_once[0]] == ["error"]


def test_a_frame_is_an_exception() -> None:
    frame = encode_frame(Frame((), b'{"a":1}'))
    told = data(injected(stream(frame, frame), ErrorEvent(Problem.RATE_LIMIT), dialect=PLAIN))
    exception = decode_frame(told[len(frame) :])
    assert [exception.text(name) for name in (":message-type", ":exception-type")] == [
        "exception",
        "throttlingException",
    ]


def test_only_streams_have_events() -> None:
    injection = fired(ErrorEvent())
    assert data(injection.onto(body(b"{}"))) == b"{}"
    assert injection.missing == ("r: the answer is no stream",)


def test_comments_do_not_count_and_a_short_stream_is_told() -> None:
    injection = fired(ERROR)
    plan = stream(b": hi\n\n", CHAT[0])
    assert data(injection.onto(plan)) == data(plan)
    assert injection.missing == ("r: the answer has 1 event",)
    assert str(ERROR) == "error event overloaded after 2 events"
