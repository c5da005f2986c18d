"""RST in place of FIN: at once, or as soon as the client has what was sent before it.

`deliver` ends answers so that broke or are to break, `greeting` connections that a rule is about.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from fcntl import ioctl
from termios import TIOCOUTQ
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from llmreplay.proxy.connection import Connection

__all__ = ["reset", "reset_after_all"]

_FLUSH_SECONDS: Final = 5.0
"""How long a reset waits until the client has what was sent before it."""
_READ_SECONDS: Final = 0.02
"""And then, until the client has read it: libuv, which finds data and a reset at once, reports
the data and an ordinary end (1.46, `uv__stream_io`), so that Node would never see the reset."""
_LOOK_SECONDS: Final = 0.001

_AT_ONCE: Final = struct.pack("ii", 1, 0)


def reset(wire: asyncio.Transport) -> None:
    """Send RST now; what the system has not sent yet is lost (SO_LINGER with no seconds)."""
    if wire.is_closing():  # its number may be another's by now
        return
    sock: socket.socket | None = wire.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    wire.abort()


async def reset_after_all(connection: Connection) -> None:
    """Send RST when the client has got what was sent."""
    wire = connection.wire
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_FLUSH_SECONDS):
            while connection.unsent_bytes or _unacknowledged(wire):  # noqa: ASYNC110  # the kernel has no event for it
                await asyncio.sleep(_LOOK_SECONDS)
    await asyncio.sleep(_READ_SECONDS)
    reset(wire)


def _unacknowledged(wire: asyncio.Transport) -> bool:
    """Whether the client's system has not yet got all that was sent."""
    sock: socket.socket | None = wire.get_extra_info("socket")
    if sock is None or wire.is_closing():
        return False
    nothing = bytes(struct.calcsize("i"))
    return ioctl(sock.fileno(), TIOCOUTQ, nothing) != nothing
