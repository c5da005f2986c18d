"""What an overlay would do to a recorded exchange, in words. `overlay explain` prints it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from llmreplay.cli.terminal import cut, printable
from llmreplay.cli.units import duration_shown, size_shown
from llmreplay.core.canonical import MatchSettings
from llmreplay.core.exchange import Ending
from llmreplay.core.faults import Asked, Ledger, Overlay
from llmreplay.core.plan import Wire, plan_replay
from llmreplay.core.timing import INSTANT
from llmreplay.session.understanding import understand

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from llmreplay.core.exchange import Exchange
    from llmreplay.core.faults import Injection, Rule
    from llmreplay.core.plan import Plan

__all__ = ["explained"]

_MOST_STEPS = 40
_MOST_CHARACTERS = 100
_ENDS = {
    Ending.COMPLETE: "the end",
    Ending.TRUNCATED: "the connection is closed, the answer not whole",
    Ending.RESET: "RST",
}
_WIRES = {
    Wire.STALL: "silence: nothing more comes, and nothing ends",
    Wire.BAD_CHUNK: "the last of it in a chunk whose size is no number; the connection is closed",
    Wire.BAD_LENGTH: "its length announced as one byte less; the connection is closed",
    Wire.SILENCE: "silence: not even a head comes",
    Wire.HANG_UP: "RST, without a byte of an answer",
}
_BEFORE_THE_HEAD = {Wire.SILENCE, Wire.HANG_UP}


def explained(
    rules: Sequence[Rule], exchange: Exchange, *, nth: int = 1, session: str = "default"
) -> Iterator[str]:
    """Lines about the `nth` time that this request comes in `session`."""
    meant = understand(exchange.request, MatchSettings())
    asked = Asked(
        session,
        exchange.upstream,
        exchange.request.method,
        exchange.request.parts.path,
        exchange.request.headers,
        _json(exchange.request.body),
        meant.dialect,
        meant.asked.fingerprint.hex(),
        by_base_url=True,
    )
    overlay, ledger = Overlay(rules), Ledger()
    candidates = overlay.candidates(asked)
    injection: Injection | None = None
    for _ in range(nth):
        injection = overlay.fire(candidates, asked, ledger)
    recorded = plan_replay(exchange.response, INSTANT, meant.dialect.least_wait)
    plan = recorded if injection is None else injection.answer or injection.onto(recorded)
    yield "rules\n"
    for rule in rules:
        yield f"  {printable(rule.name)}: {_verdict(rule, candidates, injection)}\n"
    for told in injection.told if injection is not None else ():
        yield f"  > {printable(told)}\n"
    yield "\nwhat the client receives\n"
    yield from (f"  {line}\n" for line in _received(plan))


def _verdict(rule: Rule, candidates: Sequence[Rule], injection: Injection | None) -> str:
    if rule.at_connection is not None and rule not in candidates:
        told = f"is about connections ({rule.at_connection}), not about requests"
        return f"{told}, and only about those to the proxy" if rule.reminder else told
    if rule not in candidates:
        return "does not match"
    fired = [note.rule for note in injection.notes] if injection is not None else []
    if rule.name in fired:
        return f"matches, fires ({rule.when})"
    decided = injection is not None and injection.answer is not None
    last = next((each for each in candidates if decided and each.name == fired[-1]), None)
    if last is not None and candidates.index(rule) > candidates.index(last):
        return f'matches, is not reached: "{printable(last.name)}" gives the whole answer'
    return f"matches, does not fire ({rule.when})"


def _received(plan: Plan) -> Iterator[str]:
    if plan.wire not in _BEFORE_THE_HEAD:
        yield f"{plan.status} {plan.reason}".rstrip()
        yield from (printable(f"{name}: {value}") for name, value in plan.headers)
        if plan.announced is not None:
            yield f"content-length: {plan.announced}"
    for number, step in enumerate(plan.steps):
        if number == _MOST_STEPS:
            yield f"… {len(plan.steps) - number} more"
            break
        text = cut(printable(step.data.decode("utf-8", "backslashreplace")), _MOST_CHARACTERS)
        yield f"{duration_shown(step.at_ms):>8}  {size_shown(len(step.data)):>7}  {text}"
    yield _WIRES.get(plan.wire) or _ENDS[plan.ending]


def _json(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
