"""What rules do to connections before there is a request: RST, or an end to TLS.

Which rules, is behind the `Gate`; when to ask and to do it, `greeting`'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from llmreplay.core.faults import AtConnection
from llmreplay.proxy.reset import reset

if TYPE_CHECKING:
    import asyncio

    from llmreplay.core.journal import Entry

__all__ = ["Trouble", "cut_short"]

_HANDSHAKE_FAILURE: Final = b"\x15\x03\x03\x00\x02\x02\x28"
"""A fatal alert (RFC 8446 §6.2), in a record as any version of TLS has it."""


class Trouble(NamedTuple):
    """What a rule does to a connection, what the journal has of it, and a header that says so."""

    at: AtConnection
    entry: Entry
    header: tuple[str, str]

    @property
    def told(self) -> str:
        """`rule: what`."""
        return "; ".join(self.entry.faults)


def cut_short(
    trouble: Trouble, wire: asyncio.Transport, tls: asyncio.Transport | None = None
) -> bool:
    """Cut a connection whose first bytes are here, if `trouble` is of that kind.

    `tls` is what a client has begun to speak TLS on. Certificates are for the handshake.
    """
    match trouble.at:
        case AtConnection.REFUSED | AtConnection.RESET_EARLY:
            reset(wire)
        case AtConnection.TLS_ABORT if tls is not None:
            tls.write(_HANDSHAKE_FAILURE)
            tls.close()
        case _:
            return False
    return True
