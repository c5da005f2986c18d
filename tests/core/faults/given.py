"""Requests, answers and rules for tests of faults, and what comes out where they meet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmreplay.core.exchange import Ending
from llmreplay.core.faults import Asked, Injection, Ledger, Overlay, Rule
from llmreplay.core.plan import Plan, Step
from llmreplay.dialects.openai import OPENAI

if TYPE_CHECKING:
    from llmreplay.core.faults.fault import Fault
    from llmreplay.core.faults.when import When

__all__ = ["CHAT", "asked", "body", "data", "fired", "injected", "lived", "rule", "stream"]

SSE = (("content-type", "text/event-stream"),)
CHAT = (
    b'data: {"choices":[{"delta":{"role":"assistant","content":""}}]}\n\n',
    b'data: {"choices":[{"delta":{"content":"Hel"}}]}\n\n',
    'data: {"choices":[{"delta":{"content":"lo wörld"}}]}\n\n'.encode(),
    b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n',
    b'data: {"choices":[],"usage":{"prompt_tokens":4,"completion_tokens":3}}\n\n',
    b"data: [DONE]\n\n",
)
"""A stream of OpenAI's."""


def asked(**given: Any) -> Asked:  # noqa: ANN401  # the fields of `Asked`
    """A chat request, but for what is given."""
    usual: dict[str, Any] = {
        "session": "default",
        "upstream": "openai",
        "method": "POST",
        "path": "/v1/chat/completions",
        "headers": (),
        "body": {"model": "gpt-4o"},
        "dialect": OPENAI,
        "fingerprint": "f1",
    }
    return Asked(**(usual | given))


def stream(*events: bytes, every_ms: float = 0.0) -> Plan:
    """An answer in events."""
    steps = tuple(Step(place * every_ms, event) for place, event in enumerate(events))
    return Plan(200, "OK", SSE, steps, streamed=True)


def body(content: bytes) -> Plan:
    """An answer that is no stream."""
    return Plan(200, "OK", (("content-type", "application/json"),), (Step(0.0, content),))


def rule(*faults: Fault, when: When | None = None, name: str = "r") -> Rule:
    """A rule for all requests."""
    return Rule(name, faults) if when is None else Rule(name, faults, when=when)


def fired(*faults: Fault, **given: Any) -> Injection:  # noqa: ANN401  # as for `asked`
    """What rules with `faults` do to a chat request's answer."""
    request = asked(**given)
    injection = Overlay().fire((rule(*faults),), request, Ledger())
    assert injection is not None
    return injection


def injected(plan: Plan, *faults: Fault, **given: Any) -> Plan:  # noqa: ANN401  # the same
    """`plan` with `faults` in it."""
    return fired(*faults, **given).onto(plan)


def lived(
    injection: Injection, *arriving: bytes, length: int | None = None, **headers: str
) -> tuple[list[tuple[float, bytes]], Any]:
    """What becomes of pieces that arrive 10 ms apart: steps and the end."""
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    live = injection.live(200, "OK", named or SSE, length, 1 << 20)
    steps = [
        (step.at_ms, step.data)
        for place, raw in enumerate(arriving)
        for step in live.feed(raw, place * 10.0)
    ]
    steps += [(step.at_ms, step.data) for step in live.finish(Ending.COMPLETE)]
    return steps, live


def data(plan: Plan) -> bytes:
    """The bytes of its body."""
    return b"".join(step.data for step in plan.steps)
