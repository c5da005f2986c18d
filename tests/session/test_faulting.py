"""Rules where requests are answered: on recordings, on live answers, in place of either."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from llmreplay.core.exchange import Ending
from llmreplay.core.faults import FAULT_HEADER, Arrival, AtConnection, Overlay
from llmreplay.core.faults.reading import read_rules
from llmreplay.core.journal import Outcome
from llmreplay.core.plan import Wire
from llmreplay.core.policy import Mode
from llmreplay.core.tape import Tape
from llmreplay.session import Answerer, Faulted, Faults, Ready, Settled
from tests.fakes.clock import FakeClock
from tests.fakes.far_side import FakeAnswer, FakeForwarder, FakeRecorder
from tests.session.made import OPENAI, Played, chat, reaching, recorded, tape_of

if TYPE_CHECKING:
    from llmreplay.core.dialect import Json
    from llmreplay.session import Call

SSE = (("content-type", "text/event-stream"),)
EVENTS = (b'data: {"a":1}\n\n', b'data: {"b":2}\n\n', b"data: [DONE]\n\n")


def overlay(*rules: Json) -> Overlay:
    read = read_rules({"rules": list(rules)}, "test")
    assert read.mistakes == ()
    return Overlay(read.rules)


def replaying(tape: Tape, *rules: Json) -> Answerer[Played]:
    clock = FakeClock()
    faults = Faults(overlay(*rules), clock=clock)
    settled = Settled(hosts=reaching(OPENAI))
    return Answerer(tape, settled, clock=clock, prepare=Played, faults=faults)


async def ready(one: Answerer[Played], call: Call) -> Ready[Played]:
    answer = await one.answer(call)
    assert isinstance(answer, Ready)
    return answer


async def test_a_fault_may_be_the_whole_answer_and_uses_no_recording_up() -> None:
    tape = tape_of(recorded(1, "hi", "first"), recorded(2, "hi", "second"))
    rule = {"name": "busy", "when": {"first": 1}, "fault": "rate_limit"}
    one = replaying(tape, rule)
    answer = await ready(one, chat("hi"))
    entry = answer.entry(elapsed_ms=1.0)
    assert answer.prepared.plan.status == 429
    assert (entry.outcome, entry.status, entry.upstream, entry.faults) == (
        Outcome.FAULT,
        429,
        "openai",
        ("busy: error rate_limit",),
    )
    after = [json.loads((await ready(one, chat("hi"))).prepared.body)["say"] for _ in range(2)]
    assert after == ["first", "second"]


async def test_a_fault_changes_what_is_replayed_and_says_so() -> None:
    tape = tape_of(recorded(1, "hi", "hello"))
    one = replaying(tape, {"name": "slow", "fault": {"delay": {"before": "5ms"}}})
    answer = await ready(one, chat("hi"))
    plan = answer.prepared.plan
    assert [step.at_ms for step in plan.steps] == [5]
    assert dict(plan.headers)[FAULT_HEADER] == "slow (delay)"
    entry = answer.entry(elapsed_ms=1.0)
    assert (entry.outcome, entry.source, len(entry.faults)) == (Outcome.HIT, "default#1", 1)
    # Nothing with rules about it is answered before they were asked.
    assert one.at_once(chat("hi")) is None


async def test_rules_see_the_upstream_of_what_is_recorded() -> None:
    tape = tape_of(recorded(1, "hi", "hello"))
    one = replaying(tape, {"name": "down", "match": {"upstream": "openai"}, "fault": "unavailable"})
    for path in ("/v1/chat/completions", "/openai/v1/chat/completions"):
        assert (await ready(one, chat("hi", path=path))).prepared.plan.status == 503


@pytest.mark.parametrize("path", ["/v1/other", "/openai/v1/other"])
async def test_a_miss_stays_a_miss_unless_a_fault_answers(path: str) -> None:
    slow = {"name": "slow", "fault": {"delay": {"before": "5ms"}}}
    one = replaying(Tape(), slow)
    assert (await ready(one, chat("hi", path=path))).prepared.plan.status == 470
    one.change_rules(overlay({"name": "all", "fault": "server_error"}))
    assert (await ready(one, chat("hi", path=path))).prepared.plan.status == 500
    one.change_rules(Overlay())
    assert (await ready(one, chat("hi", path=path))).prepared.plan.status == 470


async def test_a_request_without_json_is_seen_without_a_body() -> None:
    one = replaying(Tape(), {"name": "all", "fault": "server_error"})
    answer = await ready(one, chat("hi")._replace(body=b"no json"))
    assert answer.prepared.plan.status == 500


def recording(*rules: Json) -> tuple[Answerer[Played], FakeRecorder]:
    clock = FakeClock()
    live = FakeAnswer(clock, [(0.1, event) for event in EVENTS], headers=SSE)
    recorder = FakeRecorder()
    one = Answerer(
        Tape(),
        Settled(mode=Mode.ALL, hosts=reaching(OPENAI, forwards=True)),
        clock=clock,
        prepare=Played,
        forwarder=FakeForwarder(live),
        recorder=recorder,
        faults=Faults(overlay(*rules), clock=clock),
    )
    return one, recorder


async def test_a_live_answer_is_cut_for_the_client_and_stored_whole() -> None:
    one, recorder = recording({"name": "cut", "fault": {"cut": {"at": 1, "how": "reset"}}})
    live = await one.answer(chat("hi"))
    assert isinstance(live, Faulted)
    assert dict(live.headers)[FAULT_HEADER] == "cut (cut)"
    sent = [step.data async for step, _ in live.steps()]
    assert b"".join(sent) == EVENTS[0]
    assert (live.end.ending, live.end.wire) == (Ending.RESET, Wire.SOUND)
    await live.settled()
    [(_, exchange)] = recorder.stored
    assert exchange.response.body == b"".join(EVENTS)
    assert exchange.response.headers == SSE
    assert (live.entry.outcome, live.entry.faults) == (
        Outcome.RECORDED,
        ("cut: cut after 1 event, reset",),
    )


async def test_a_live_answer_that_nothing_ends_comes_whole() -> None:
    one, recorder = recording({"name": "slow", "fault": {"delay": {"before": "1s"}}})
    live = await one.answer(chat("hi"))
    assert isinstance(live, Faulted)
    steps = [step async for step, _ in live.steps()]
    assert b"".join(step.data for step in steps) == b"".join(EVENTS)
    assert min(step.at_ms for step in steps) >= 1000
    live.client_left()
    await live.settled()
    assert live.end.ending is Ending.COMPLETE
    assert len(recorder.stored) == 1


async def test_what_was_never_begun_is_settled() -> None:
    one, _ = recording({"name": "slow", "fault": {"delay": {"before": "1s"}}})
    live = await one.answer(chat("hi"))
    assert isinstance(live, Faulted)
    await live.settled()


async def test_rules_see_headers_as_they_were_sent() -> None:
    tape = tape_of(recorded(1, "hi", "hello"))
    rule = {"name": "canary", "match": {"headers": {"x-canary": "yes"}}, "fault": "server_error"}
    one = replaying(tape, rule)
    assert (await ready(one, chat("hi"))).prepared.plan.status == 200
    canary = chat("hi", headers=(("X-Canary", "yes"),))
    assert (await ready(one, canary)).prepared.plan.status == 500
    assert (await ready(one, chat("hi"))).prepared.plan.status == 200


async def test_a_live_answer_that_is_given_up_is_not_stored() -> None:
    one, recorder = recording({"name": "slow", "fault": {"delay": {"before": "1s"}}})
    live = await one.answer(chat("hi"))
    assert isinstance(live, Faulted)
    live.give_up()  # nothing has been read yet
    async for _ in live.steps():
        live.give_up()
        break
    with pytest.raises(asyncio.CancelledError):
        await live.settled()
    assert recorder.stored == []


def test_connections_are_counted_as_requests_are() -> None:
    down = {"name": "down", "when": {"first": 1}, "fault": "connection_refused"}
    faults = Faults(overlay(down), clock=FakeClock())
    told = [faults.arriving(Arrival("default")) for _ in range(2)]
    assert told == [(AtConnection.REFUSED, "down: connection refused"), None]
