"""TLS with a client whose first bytes have been read already, and what went wrong in words.

Python's TLS reads its own bytes; `secured` gives it those that are here. `greeting` decides
with which certificate.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from collections.abc import Sized

__all__ = ["failed", "secured"]

_NEVER_SECONDS: Final = 3600.0
"""The listener's sweep ends handshakes that stall."""
_GOODBYE_SECONDS: Final = 1.0
"""How long a client may take to say goodbye. Those that keep a connection unread never do."""

_DISTRUST: Final = frozenset(
    {
        "SSLV3_ALERT_BAD_CERTIFICATE",
        "SSLV3_ALERT_CERTIFICATE_UNKNOWN",
        "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE",
        "TLSV1_ALERT_UNKNOWN_CA",
    }
)
"""What clients say of a certificate that they do not accept, as OpenSSL calls it."""


async def secured(
    transport: asyncio.Transport, app: asyncio.Protocol, context: ssl.SSLContext, read: bytes
) -> asyncio.Transport:
    """`transport` under TLS. `app` hears what comes inside, perhaps before this returns.

    Raises `OSError` if nothing comes of it. `app` hears of an end only after the handshake.
    """
    starting = asyncio.create_task(
        asyncio.get_running_loop().start_tls(
            transport,
            app,
            context,
            server_side=True,
            ssl_handshake_timeout=_NEVER_SECONDS,
            ssl_shutdown_timeout=_GOODBYE_SECONDS,
        )
    )
    try:
        await asyncio.sleep(0)  # TLS has taken the transport over
        await asyncio.sleep(0)  # and begun to expect the client's hello
        _feed(transport.get_protocol(), read)
        under_tls = await starting
    finally:
        starting.cancel()
    if under_tls is None or under_tls.is_closing():
        # asyncio takes a connection that is lost without an error for one that was made.
        raise ConnectionResetError("it left")
    return under_tls


def failed(error: OSError, host: str) -> str:
    """What to say of a handshake that failed, with a client that wants to reach `host`."""
    reason = getattr(error, "reason", None) if isinstance(error, ssl.SSLError) else None
    if reason in _DISTRUST:
        return f"a client did not trust the CA for {host}: see `llmreplay ca`"
    if isinstance(error, ConnectionError | ssl.SSLEOFError):
        return (
            f"a client left in the middle of the TLS handshake for {host}; if it does not trust "
            "the CA, see `llmreplay ca`"
        )
    told = reason.replace("_", " ").lower() if reason else "no TLS that can be understood"
    return f"no TLS with a client that wants to reach {host}: {told}"


def _feed(protocol: asyncio.BaseProtocol, data: bytes) -> None:
    """Give `data` to a protocol as if its transport had read it."""
    buffered = cast("asyncio.BufferedProtocol", protocol)
    while data:
        buffer = cast("memoryview", buffered.get_buffer(len(data)))
        size = min(len(data), len(cast("Sized", buffer)))
        buffer[:size] = data[:size]
        buffered.buffer_updated(size)
        data = data[size:]
