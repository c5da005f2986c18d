"""`connection`: what goes wrong below HTTP, before a request, after it, or in place of an answer.

What happens before there is a request can be asked for by session and upstream only.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from llmreplay.core.exchange import Ending
from llmreplay.core.faults.fault import AtConnection, Fault
from llmreplay.core.plan import Plan, Wire

if TYPE_CHECKING:
    from llmreplay.core.faults.fault import Firing

__all__ = ["Connection", "Trouble"]


class Trouble(StrEnum):
    """What becomes of the connection."""

    RESET = "reset"
    """RST when the request was read, without a byte of an answer."""
    TIMEOUT = "timeout"
    """The request is read, and nothing ever comes."""
    REFUSED = AtConnection.REFUSED.value
    RESET_EARLY = AtConnection.RESET_EARLY.value
    TLS_ABORT = AtConnection.TLS_ABORT.value
    EXPIRED_CERTIFICATE = AtConnection.EXPIRED_CERTIFICATE.value
    WRONG_HOST = AtConnection.WRONG_HOST.value


@dataclass(frozen=True, slots=True)
class Connection(Fault):
    """`trouble` with the connection."""

    trouble: Trouble
    kind: ClassVar[str] = "connection"
    is_answer: ClassVar[bool] = True

    @property
    def at_connection(self) -> AtConnection | None:
        """What it does before there is a request."""
        is_late = self.trouble in {Trouble.RESET, Trouble.TIMEOUT}
        return None if is_late else AtConnection(self.trouble.value)

    def begin(self, firing: Firing) -> Plan:  # noqa: ARG002  # `Fault`'s signature
        """See `Fault`."""
        if self.trouble is Trouble.TIMEOUT:
            return Plan(0, "", (), (), wire=Wire.SILENCE)
        return Plan(0, "", (), (), ending=Ending.RESET, wire=Wire.HANG_UP)

    def __str__(self) -> str:
        return f"connection {self.trouble}"
