"""What one request's rules do to its answer: onto a plan at once, or piece by piece as it comes.

`overlay` makes these. The session puts one onto what it would have answered; where the answer is
live, `Injected` changes what passes, and what is stored never comes by here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from llmreplay.core.exchange import Ending, Headers, header
from llmreplay.core.faults.injected import Injected
from llmreplay.core.faults.stage import Chain, End, Opening, Piece, Stage
from llmreplay.core.plan import Plan, Step, Wire
from llmreplay.core.streams import Framing, framing_of, parser_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmreplay.core.faults.fault import Fault

__all__ = ["FAULT_HEADER", "Injection", "Note"]

FAULT_HEADER = "x-llmreplay-fault"

_HEAD_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Note:
    """One fault of one rule; `stage` is what it became, None if it gave the whole answer."""

    rule: str
    fault: Fault
    stage: Stage | None = None

    def __str__(self) -> str:
        missing = self.stage.missing if self.stage is not None else ""
        return f"{self.rule}: {self.fault}" + (f" (not done: {missing})" if missing else "")


class Injection:
    """The faults of one request, to be used once.

    `answer` is the plan that a fault gave in place of any other; then no recording is looked for
    and no provider asked. `told` and `missing` are whole when the answer has ended.
    """

    def __init__(self, notes: tuple[Note, ...], decided: Plan | None = None) -> None:
        self.notes = notes
        self._decided = decided

    @cached_property
    def answer(self) -> Plan | None:
        """The whole answer, if a fault gave one."""
        return self.onto(self._decided) if self._decided is not None else None

    @property
    def told(self) -> tuple[str, ...]:
        """What was injected, for the log and the journal: `rule: what`."""
        return tuple(map(str, self.notes))

    @property
    def missing(self) -> tuple[str, ...]:
        """What a rule asked for and this answer has no place for: `rule: why`."""
        return tuple(
            f"{note.rule}: {note.stage.missing}"
            for note in self.notes
            if note.stage is not None and note.stage.missing
        )

    @property
    def header(self) -> tuple[str, str]:
        """`x-llmreplay-fault`: each rule's name and the fault's kind, as a header may say it."""
        names = ", ".join(
            f"{note.rule} ({note.fault.kind}{_undone(note.stage)})" for note in self.notes
        )
        return FAULT_HEADER, names.encode("unicode_escape").decode()

    def onto(self, plan: Plan) -> Plan:
        """`plan` with the faults in it."""
        body = b"".join(step.data for step in plan.steps)
        framing = framing_of(plan.headers, body[:_HEAD_BYTES], length_known=not plan.streamed)
        opening = Opening(plan.status, plan.reason, plan.headers, plan.streamed, len(body))
        chain = Chain(self._stages, opening, framing)
        pieces = [out for piece in _pieces(plan, framing) for out in chain.feed(piece)]
        pieces += chain.finish(End(plan.ending, plan.wire))
        steps = [Step(piece.at_ms, piece.raw) for piece in pieces if piece.raw]
        held_ms = chain.opening.held_ms
        if not steps and held_ms > 0:
            steps = [Step(held_ms, b"")]  # a head alone can be late, too
        return self._planned(plan, chain, tuple(steps), len(body))

    def live(
        self, status: int, reason: str, headers: Headers, length: int | None, limit_bytes: int
    ) -> Injected:
        """The faults at work on an answer whose head is here and whose body is on its way.

        `length` is the content length that was announced. At most `limit_bytes` are decoded.
        """
        framing = framing_of(headers, b"", length_known=length is not None)
        total = length if header(headers, "content-encoding") is None else None
        opening = Opening(status, reason, headers, True, total, live=True)  # noqa: FBT003  # a field
        return Injected(
            Chain(self._stages, opening, framing), self.header, length is not None, limit_bytes
        )

    @property
    def _stages(self) -> list[Stage]:
        return [note.stage for note in self.notes if note.stage is not None]

    def _planned(self, plan: Plan, chain: Chain, steps: tuple[Step, ...], total: int) -> Plan:
        opening, end = chain.opening, chain.end or End()
        return replace(
            plan,
            status=opening.status,
            reason=opening.reason,
            headers=(*opening.headers, self.header),
            steps=steps,
            streamed=opening.streamed,
            ending=end.ending,
            wire=end.wire,
            announced=plan.announced
            if opening.streamed
            else _announced(sum(len(step.data) for step in steps), total, end),
        )


def _pieces(plan: Plan, framing: Framing) -> Iterator[Piece]:
    """The events of a plan, each due with the step that completes it."""
    parser = parser_for(framing)
    at_ms = 0.0
    for step in plan.steps:
        at_ms = step.at_ms
        for event in parser.feed(step.data):
            yield Piece(event, at_ms)
    for event in parser.finish():
        yield Piece(event, at_ms)


def _announced(sent: int, total: int, end: End) -> int | None:
    """The length to announce where it is not what is sent: that of the whole, always more."""
    if end.wire is Wire.BAD_LENGTH:
        return sent - 1
    if end.ending is Ending.COMPLETE and end.wire is Wire.SOUND:
        return None
    return max(total, sent + 1)


def _undone(stage: Stage | None) -> str:
    return ", not done" if stage is not None and stage.missing else ""
