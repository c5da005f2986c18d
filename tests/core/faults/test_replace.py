"""A given answer."""

from __future__ import annotations

from llmreplay.core.faults.replace import Replace
from llmreplay.core.plan import Plan, Step
from llmreplay.core.streams import Framing
from tests.core.faults.given import fired


def test_a_body_and_its_type() -> None:
    plan = fired(Replace(201, (("x-a", "b"),), b"{}")).answer
    assert plan == Plan(
        201,
        "Created",
        (("content-type", "application/json"), ("x-a", "b"), ("x-llmreplay-fault", "r (replace)")),
        (Step(0.0, b"{}"),),
    )


def test_a_stream_in_events() -> None:
    plan = fired(Replace(body=b"data: 1\n\ndata: 2\n\n", framing=Framing.SSE)).answer
    assert plan is not None
    assert (plan.streamed, len(plan.steps)) == (True, 2)
    assert plan.headers[0] == ("content-type", "text/event-stream")


def test_nothing_is_of_no_type_and_a_given_type_stays() -> None:
    empty = fired(Replace(204)).answer
    typed = fired(Replace(headers=(("Content-Type", "text/csv"),), body=b"a")).answer
    assert empty is not None
    assert typed is not None
    assert [name for name, _ in empty.headers] == ["x-llmreplay-fault"]
    assert typed.headers[0] == ("Content-Type", "text/csv")
    assert str(Replace(204)) == "replace by status 204, 0 bytes"
