from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from llmreplay.core.exchange import Chunk, Exchange, Request, Response
from llmreplay.core.timing import parse_timing
from llmreplay.session import Settled
from llmreplay.session.replaying import Replays
from tests.session.made import JSON, Played, recorded, recording

if TYPE_CHECKING:
    from llmreplay.core.tape import Recording

STREAM = (("content-type", "text/event-stream"),)


def conversation(call_id: str) -> bytes:
    """What a client sends after its tool was called."""
    call = {"id": call_id, "type": "function", "function": {"name": "f", "arguments": "{}"}}
    return json.dumps(
        {
            "model": "m",
            "messages": [
                {"role": "user", "content": "hi"},
                {"role": "assistant", "tool_calls": [call]},
                {"role": "tool", "tool_call_id": call_id, "content": "1"},
            ],
        }
    ).encode()


def echoing(call_id: str) -> Exchange:
    """A streamed answer that names the call it is about."""
    url = "https://api.openai.com/v1/chat/completions"
    events = (b'data: {"about":"%b"}\n\n' % call_id.encode(), b"data: [DONE]\n\n")
    response = Response(200, STREAM, (Chunk(events[0], 40), Chunk(events[1], 20)))
    return Exchange(7, "openai", Request("POST", url, JSON, conversation(call_id)), response)


def counting(one: Recording) -> tuple[Recording, list[str]]:
    """`one`, and a list that grows each time it is loaded."""
    loads: list[str] = []

    def load() -> Exchange:
        loads.append(one.source)
        return one.load()

    return replace(one, load=load), loads


def test_a_recording_is_made_ready_once() -> None:
    one, loads = counting(recording(recorded(1, "hi", "hello")))
    replays = Replays(Settled(), Played)
    first = replays.of(one, ())
    assert first.answer.body == b'{"say": "hello"}'
    assert (first.ids, first.plan.status, first.streamed) == ((), 200, False)
    assert first.answer.plan.headers == (*JSON, ("x-llmreplay-exchange", "default#1"))
    assert replays.of(one, ()) is first
    assert loads == ["default#1"]


def test_the_clients_own_ids_come_back_to_it() -> None:
    one, loads = counting(recording(echoing("call_recorded")))
    replays = Replays(Settled(), Played)
    for call_id in ("call_recorded", "call_live_1", "call_live_2"):
        kept = replays.of(one, (call_id,))
        assert kept.answer.body == b'data: {"about":"%b"}\n\ndata: [DONE]\n\n' % call_id.encode()
        assert kept.streamed
    # Ids that a client makes anew each time are not kept, nor do they displace what is.
    assert replays.of(one, ("call_recorded",)).ids == ("call_recorded",)
    assert len(loads) == 3


def test_answers_come_at_the_times_that_are_set() -> None:
    one = recording(echoing("call_recorded"))
    settled = Settled(timing=parse_timing("recorded"))
    plan = Replays(settled, Played).of(one, ("call_recorded",)).answer.plan
    assert [step.at_ms for step in plan.steps] == [40, 60]
