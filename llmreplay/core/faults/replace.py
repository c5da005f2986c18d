"""`replace`: a given answer in place of any other. Nobody is asked for one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from llmreplay.core.exchange import Headers, header
from llmreplay.core.faults.fault import Fault
from llmreplay.core.plan import Plan, Step, reason_phrase
from llmreplay.core.streams import Framing, split

if TYPE_CHECKING:
    from llmreplay.core.faults.fault import Firing

__all__ = ["Replace"]

_TYPES = {
    Framing.NONE: "application/json",
    Framing.SSE: "text/event-stream",
    Framing.NDJSON: "application/x-ndjson",
}


@dataclass(frozen=True, slots=True)
class Replace(Fault):
    """An answer: its `body`, a stream if `framing` says so. Its content type may be given."""

    status: int = 200
    headers: Headers = ()
    body: bytes = b""
    framing: Framing = Framing.NONE
    kind: ClassVar[str] = "replace"
    is_answer: ClassVar[bool] = True

    def begin(self, firing: Firing) -> Plan:  # noqa: ARG002  # `Fault`'s signature
        """See `Fault`."""
        typed = header(self.headers, "content-type") is not None or not self.body
        own = () if typed else (("content-type", _TYPES[self.framing]),)
        return Plan(
            self.status,
            reason_phrase(self.status),
            (*own, *self.headers),
            tuple(Step(0.0, event.raw) for event in split(self.framing, self.body)),
            streamed=self.framing is not Framing.NONE,
        )

    def __str__(self) -> str:
        return f"replace by status {self.status}, {len(self.body):,} bytes"
