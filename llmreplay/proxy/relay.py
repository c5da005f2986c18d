"""A blind tunnel: bytes go both ways, unread, each side as fast as the other takes them.

Decides only when it ends: when both sides have ended, when one breaks, or after too long a
silence. `greeting` opens it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from llmreplay.proxy.shared import Shared

__all__ = ["Relay"]

_SILENT_SECONDS: Final = 600.0
"""As long as an upstream that was asked may think: what is inside cannot be seen."""
_AT_REST_SECONDS: Final = 1.0
"""A tunnel that was silent for so long is closed when the listener is."""


class Relay:
    """A tunnel from its opening to its end, and one among the listener's connections."""

    def __init__(self, shared: Shared) -> None:
        self.joined = False
        self.near = _Side(self)
        self.far = _Side(self)
        self._shared = shared
        self._heard = shared.clock.now()

    def join(self, near: asyncio.Transport, first: bytes) -> None:
        """Open it; the far side is connected. `first` has come from `near` already."""
        self.joined = True
        near.set_protocol(self.near)
        self.near.connection_made(near)
        if first:
            self.far.write(first)
        self.far.give(self.near)
        near.resume_reading()

    def sweep(self, now: float) -> None:
        """End a tunnel that nothing passes through."""
        if now - self._heard > _SILENT_SECONDS:
            self._shared.counts.slow += 1
            self.cut()

    def retire(self) -> None:
        """Close, unless something is passing."""
        if self._shared.clock.now() - self._heard > _AT_REST_SECONDS:
            self.cut()

    def cut(self) -> None:
        """Break it off."""
        self.near.abort()
        self.far.abort()

    @property
    def unsent_bytes(self) -> int:
        """What came from one side, and the other has not taken yet."""
        return self.near.unsent_bytes + self.far.unsent_bytes

    def passed(self) -> None:
        """Something came from either side."""
        self._heard = self._shared.clock.now()

    def ended(self, side: _Side, *, broken: bool = False) -> None:
        """`side` sends no more; so the other gets no more, and when neither sends, it is over."""
        other = self.other(side)
        if broken:
            other.abort()
        elif side.gone or other.has_ended:
            side.close()
            other.close()
        else:
            other.finish()
        if side.gone and other.gone:
            self._shared.leave(self)

    def other(self, side: _Side) -> _Side:
        """The one that gets what comes from `side`."""
        return self.near if side is self.far else self.far


class _Side(asyncio.Protocol):
    """One end: what comes from it goes to the other. Until they are joined, it is held."""

    def __init__(self, relay: Relay) -> None:
        self.gone = False
        self.has_ended = False
        self._relay = relay
        self._transport: asyncio.Transport | None = None
        self._held = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        relay = self._relay
        relay.passed()
        if relay.joined:
            relay.other(self).write(data)
        else:
            self._held += data
            self.pause_reading()

    def eof_received(self) -> bool:
        """The other side may still send: the connection stays open for it."""
        self.has_ended = True
        if self._relay.joined:
            self._relay.ended(self)
        return not self._over_tls

    def connection_lost(self, exc: BaseException | None) -> None:
        self.gone = self.has_ended = True
        if self._relay.joined:
            self._relay.ended(self, broken=exc is not None)

    def pause_writing(self) -> None:
        self._relay.other(self).pause_reading()

    def resume_writing(self) -> None:
        self._relay.other(self).resume_reading()

    def give(self, other: _Side) -> None:
        """Now that they are joined, pass on what was held."""
        if self._held:
            other.write(self._held)
            self._held = b""
            self.resume_reading()
        if self.has_ended:
            self._relay.ended(self)

    def write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def pause_reading(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def finish(self) -> None:
        """Send no more; TLS cannot end one direction alone (in asyncio)."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if transport.can_write_eof():
            transport.write_eof()
        else:
            transport.close()

    @property
    def unsent_bytes(self) -> int:
        transport = self._transport
        return transport.get_write_buffer_size() if transport is not None else 0

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    @property
    def _over_tls(self) -> bool:
        transport = self._transport
        return transport is not None and transport.get_extra_info("ssl_object") is not None
