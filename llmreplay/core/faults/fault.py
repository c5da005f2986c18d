"""What a fault is: a value that, when its rule fires, becomes a whole answer or a stage.

Each kind is a file beside this one, and a line in `kinds`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from llmreplay.core.faults.ledger import Ledger
    from llmreplay.core.faults.request import Asked
    from llmreplay.core.faults.stage import Stage
    from llmreplay.core.plan import Plan

__all__ = ["AtConnection", "Fault", "Firing"]


class AtConnection(StrEnum):
    """What becomes of a connection before it brings a request.

    One to this port itself says only with its request for whom it is; RST is then as good.
    """

    REFUSED = "refused"
    """RST as soon as its first bytes show that it is no CONNECT; that is answered with 502."""
    RESET_EARLY = "reset_early"
    """RST when its first bytes are here, unread."""
    TLS_ABORT = "tls_abort"
    """A fatal alert (`handshake_failure`) in answer to its TLS greeting."""
    EXPIRED_CERTIFICATE = "expired_certificate"
    """TLS with a certificate for the right host, whose time is over."""
    WRONG_HOST = "wrong_host"
    """TLS with a certificate for another host."""

    @property
    def can_wait(self) -> bool:
        """Whether a client meets the same if it is done when the request is here."""
        return self in {AtConnection.REFUSED, AtConnection.RESET_EARLY}


@dataclass(frozen=True, slots=True)
class Firing:
    """The circumstances in which a fault fires.

    What it chooses by chance follows from `key`. `now_s` is the given clock's, `epoch_s` the
    time of day.
    """

    asked: Asked
    rule: str
    key: bytes
    ledger: Ledger
    now_s: float = 0.0
    epoch_s: float = 0.0


class Fault:
    """One fault, as written. Its text (`str`) says what it does, in a few words."""

    __slots__ = ()

    kind: ClassVar[str]
    """Its name in a rule."""
    is_answer: ClassVar[bool] = False
    """Whether it always gives the whole answer, so that nothing can come after it."""

    @property
    def at_connection(self) -> AtConnection | None:
        """What it does before there is a request; None for nearly all."""
        return None

    def begin(self, firing: Firing) -> Plan | Stage:
        """The answer that it gives, or what it does to the one that comes."""
        raise NotImplementedError
