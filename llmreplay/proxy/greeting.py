"""The first look at every connection: TLS, a tunnel, or HTTP as it is; then it hands it on.

Decides what is spoken by the first bytes, and opens what CONNECT asks for: TLS with a
certificate for the host, plain HTTP, or a blind `relay`. Knows nothing of requests, which are
`connection`'s; the gate says which hosts are whose. The listener makes one for each client.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Final, cast

from llmreplay.core.faults import AtConnection
from llmreplay.core.hosts import Way
from llmreplay.errors import LlmreplayError, UpstreamError
from llmreplay.proxy.connect import (
    Came,
    Client,
    Opening,
    admit,
    meant_here,
    meant_inside,
    opening,
    read_head,
    refused,
)
from llmreplay.proxy.connection import Connection
from llmreplay.proxy.destination import HTTPS, Destination
from llmreplay.proxy.handshake import failed, secured
from llmreplay.proxy.hello import TLS_HANDSHAKE, is_whole, server_name
from llmreplay.proxy.ourselves import local_peer
from llmreplay.proxy.refusal import Refusal, too_many
from llmreplay.proxy.relay import Relay
from llmreplay.proxy.trouble import cut_short

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Coroutine

    from aiohttp import web

    from llmreplay.proxy.connect import Gate
    from llmreplay.proxy.shared import Shared
    from llmreplay.proxy.trouble import Trouble

__all__ = ["Greeting"]

_CONNECT: Final = b"CONNECT "
_ESTABLISHED: Final = b"HTTP/1.1 200 Connection Established\r\n\r\n"
_END_OF_HEAD: Final = b"\r\n\r\n"
_BARE_LINE_END: Final = re.compile(rb"(?<!\r)\n")
_LINGER_SECONDS: Final = 10.0
_TURNED_AWAY_AT_ONCE: Final = 64
"""So many more connections than allowed are told why; those beyond are just closed."""


class Greeting(asyncio.Protocol):
    """A connection until it is known what is spoken on it.

    `_next` is called whenever there are new bytes in `_data`, and decides on them as far as
    they go; while `_task` awaits something, nothing is read. `_until` is how long the client
    has for what is to come next.
    """

    __slots__ = (
        "_came",
        "_data",
        "_leaf",
        "_next",
        "_server",
        "_shared",
        "_task",
        "_transport",
        "_trouble",
        "_tunnel",
        "_turned_away",
        "_until",
        "_wire",
    )

    def __init__(self, server: web.Server, shared: Shared) -> None:
        self._server = server
        self._shared = shared
        self._came = Came()
        self._data = b""
        self._next: Callable[[], None] = self._look
        self._task: asyncio.Task[None] | None = None
        self._tunnel: tuple[Destination, Opening] | None = None
        self._leaf: tuple[str, ssl.SSLContext] | None = None
        """What a tunnel was opened with: a name, and TLS with a certificate for it."""
        self._trouble: Trouble | None = None
        """What a rule still has to do to this connection."""
        self._turned_away = False
        self._until: float | None = None
        self._transport: asyncio.Transport
        """What is spoken on now: `_wire`, or TLS over it."""
        self._wire: asyncio.Transport

    # -- what the transport tells ---------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let the client in, unless there are too many."""
        self._wire = self._transport = cast("asyncio.Transport", transport)
        shared = self._shared
        surplus = len(shared.open) - shared.max_connections
        if surplus >= 0:
            shared.counts.turned_away += 1
            if surplus >= _TURNED_AWAY_AT_ONCE:
                self._wire.abort()
                return
            self._turned_away = True
        shared.counts.accepted += 1
        shared.enter(self)
        limits = shared.limits
        self._expect(limits.header_timeout_ms if self._turned_away else limits.idle_timeout_ms)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forget the client. A handshake ends by itself, and knows why."""
        del exc
        if self._task is not None and self._next is not _wait:
            self._task.cancel()
        self._shared.leave(self)

    def data_received(self, data: bytes) -> None:
        """Look at what there is now."""
        self._data += data
        self._next()

    # -- what is spoken -------------------------------------------------------------------------

    def _look(self) -> None:
        """The first bytes of a client, in the clear or under TLS with this port itself."""
        if self._shared.gate is None:
            self._hand_on()
        elif self._data[0] == TLS_HANDSHAKE and self._transport is self._wire:
            self._begin(self._read_hello)
        elif self._data.startswith(_CONNECT[: len(self._data)]):
            self._begin(self._read_head)
        else:
            self._hand_on()

    def _look_inside(self) -> None:
        """The first bytes in a tunnel."""
        destination, what = cast("tuple[Destination, Opening]", self._tunnel)
        if self._cut_short():
            return
        if self._data[0] != TLS_HANDSHAKE:
            origin = destination.origin(secure=False)
            self._came = self._came._replace(origin=origin)
            self._hand_on()
        elif what.secure:
            self._begin(self._read_hello)
        else:
            self._shared.counts.refused += 1
            told = f"llmreplay: TLS in this tunnel is refused: {what.reason}"
            self._gate.refused(self._came.session, destination, 0, told)
            self._wire.abort()

    def _read_head(self) -> None:
        """A CONNECT head, or as much of it as there is."""
        data, limit = self._data, self._shared.limits.max_header_bytes
        if not data.startswith(_CONNECT[: len(data)]):
            self._hand_on()  # another method that begins like it
            return
        head, end, rest = data.partition(_END_OF_HEAD)
        if _BARE_LINE_END.search(head):
            self._refuse(refused(400, "the CONNECT request is not valid HTTP/1.1"))
        elif len(head) > limit:
            wrong = f"the CONNECT request's head is larger than {limit:,} bytes"
            self._refuse(refused(431, f"{wrong}; raise limits.max_header in llmreplay.yaml"))
        elif end:
            self._data = rest
            self._connect(head + end)

    def _read_hello(self) -> None:
        """What a TLS client says first, or as much of it as there is."""
        if self._turned_away:
            self._wire.abort()
        elif is_whole(self._data):
            name, origin = self._meant()
            if self._tunnel is None:
                meant = Destination(name, HTTPS) if origin else None
                self._trouble = self._gate.trouble(None, meant)
            if not self._cut_short(self._transport):
                self._await(self._encrypt(name, origin))

    def _hand_on(self) -> None:
        """From here on it is HTTP."""
        shared, transport = self._shared, self._transport
        if transport is self._wire and not (
            self._tunnel or self._turned_away or shared.gate is None
        ):
            self._trouble = shared.gate.trouble(None, None, secure=False)
        if self._cut_short():
            return
        if self._trouble is not None:
            shared.say(f"fault not done: {self._trouble.told}: the client speaks no TLS")
        connection = Connection(
            self._server,
            shared,
            wire=self._wire,
            came=self._came,
            turned_away=self._turned_away,
        )
        shared.replace(self, by=connection)
        transport.set_protocol(connection)
        connection.connection_made(transport)
        connection.data_received(self._data)

    # -- tunnels --------------------------------------------------------------------------------

    def _connect(self, head: bytes) -> None:
        """Do what CONNECT asks for, if it may be done."""
        asked = read_head(head)
        if isinstance(asked, Refusal):
            self._refuse(asked)
            return
        if self._turned_away:
            self._refuse(too_many(self._shared.max_connections))
            return
        client = Client(local_peer(self._wire), asked.authorization)
        session = admit(self._gate, client)
        if isinstance(session, Refusal):
            self._refuse(session)
            return
        what = opening(self._gate, self._shared.ourselves, asked.destination)
        self._came = Came(session=session, admitted=True)
        self._tunnel = asked.destination, what
        if what.way is Way.REFUSE:
            self._refuse(refused(403, what.reason))
            return
        if what.way is Way.INTERCEPT:
            self._trouble = self._gate.trouble(session, asked.destination, secure=what.secure)
        trouble = self._trouble
        if trouble is not None and trouble.at is AtConnection.REFUSED:
            self._gate.troubled(trouble, status=502)
            told = f"{asked.destination} refuses connections, as a rule has it: {trouble.told}"
            self._answer(refused(502, told, trouble.header))
            return
        tunnel = self._pass_by if what.way is Way.TUNNEL else self._intercept
        self._await(tunnel(asked.destination))

    async def _intercept(self, destination: Destination) -> None:
        """Open a tunnel that ends here."""
        if cast("tuple[Destination, Opening]", self._tunnel)[1].secure:
            # Now, while there is a way to say what is wrong with the CA.
            self._leaf = destination.host, await self._gate.secure(destination.host)
        self._transport.write(_ESTABLISHED)
        self._next = self._look_inside
        self._expect(self._shared.limits.idle_timeout_ms)
        self._transport.resume_reading()
        if self._data:
            self._next()

    async def _pass_by(self, destination: Destination) -> None:
        """Open a tunnel to where the client wants to go."""
        shared = self._shared
        relay = Relay(shared)
        far = await self._gate.reach(*destination, lambda: relay.far)
        peer, own = far.get_extra_info("peername"), far.get_extra_info("sockname")
        if peer is not None and shared.ourselves.reached(peer[:2], own[0]):
            far.abort()
            self._refuse(refused(403, f"{destination} leads to llmreplay itself"))
            return
        shared.counts.tunnels += 1
        self._gate.tunnelled(*destination)
        shared.replace(self, by=relay)
        self._transport.write(_ESTABLISHED)
        relay.join(self._transport, self._data)

    # -- TLS ------------------------------------------------------------------------------------

    async def _encrypt(self, name: str, origin: str) -> None:
        """Speak TLS, with a certificate for `name`, or what a rule has in its place."""
        self._came = self._came._replace(origin=origin)
        trouble, self._trouble = self._trouble, None
        if trouble is not None:
            context = await self._gate.secure(name, trouble.at)
            self._gate.troubled(trouble)
        elif self._leaf is not None and self._leaf[0] == name:
            context = self._leaf[1]
        else:
            context = await self._gate.secure(name)
        self._expect(self._shared.limits.header_timeout_ms)
        hello, self._data = self._data, b""
        self._next = _wait
        try:
            self._transport = await secured(self._transport, self, context, hello)
        except OSError as error:
            self._shared.leave(self)
            if trouble is None:  # else that was to be expected
                self._shared.say(failed(error, name))
            return
        except BaseException:
            self._shared.leave(self)  # TLS does not tell of connections that end before it
            raise
        self._expect(self._shared.limits.idle_timeout_ms)
        self._next = self._hand_on if origin else self._look
        if self._data:
            self._next()

    def _meant(self) -> tuple[str, str]:
        """The host to vouch for and the origin of what comes, as the client's hello has it."""
        shared, named = self._shared, server_name(self._data)
        if self._tunnel is not None:
            return meant_inside(self._gate, self._tunnel[0], named)
        own = self._wire.get_extra_info("sockname")
        return meant_here(self._gate, shared.ourselves, named, own[0] if own else "")

    def _cut_short(self, tls: asyncio.Transport | None = None) -> bool:
        """Whether it ends here, as a rule has it."""
        trouble = self._trouble
        if trouble is None or not cut_short(trouble, self._wire, tls):
            return False
        self._next = self._ignore
        self._gate.troubled(trouble)
        return True

    # -- waiting --------------------------------------------------------------------------------

    def _begin(self, step: Callable[[], None]) -> None:
        """Something has begun that has to come to its end soon."""
        self._next = step
        self._expect(self._shared.limits.header_timeout_ms)
        step()

    def _expect(self, milliseconds: float) -> None:
        self._until = self._shared.clock.now() + milliseconds / 1000

    def _await(self, work: Coroutine[None, None, None]) -> None:
        """Do what takes time, and read nothing meanwhile."""
        self._until = None
        self._transport.pause_reading()
        self._task = asyncio.create_task(self._awaited(work))

    async def _awaited(self, work: Coroutine[None, None, None]) -> None:
        """`work`, and what is to be said if it fails."""
        try:
            await work
        except LlmreplayError as error:
            if self._next == self._read_head:
                status = 502 if isinstance(error, UpstreamError) else 500
                self._refuse(refused(status, str(error)))
            else:  # nobody at the other end would understand it
                self._shared.say(str(error))
                self._wire.abort()
        except Exception as error:  # noqa: BLE001  # the last to hear of it
            self._shared.counts.failed += 1
            self._shared.say(f"a tunnel failed here, with {error!r}; please report it")
            self._wire.abort()
        finally:
            if self._task is asyncio.current_task():  # and no other has followed
                self._task = None

    def _refuse(self, refusal: Refusal) -> None:
        """Say what is wrong, here and there. Where to it was to lead is known if he may ask."""
        self._shared.counts.refused += 1
        if self._tunnel is not None:
            place = self._tunnel[0]
            self._gate.refused(self._came.session, place, refusal.status, refusal.message)
        else:
            self._shared.say(f"refused a tunnel: {refusal.message}")
        self._answer(refusal)

    def _answer(self, refusal: Refusal) -> None:
        """Tell the client, and wait for it to go: else it may never hear of it."""
        self._next = self._ignore
        transport = self._transport
        if transport.is_closing():
            return
        transport.write(refusal.wire)
        if transport.can_write_eof():
            transport.write_eof()
            transport.resume_reading()
            self._expect(_LINGER_SECONDS * 1000)
        else:
            transport.close()

    def _ignore(self) -> None:
        """What comes after a refusal."""
        self._data = b""

    def sweep(self, now: float) -> None:
        """Give up a client that takes too long."""
        if self._until is None or now <= self._until:
            return
        self._until = None
        if self._next == self._read_head:
            self._shared.counts.slow += 1
            wrong = "the CONNECT request's head is too slow; see limits.header_timeout"
            self._refuse(refused(408, f"{wrong} in llmreplay.yaml"))
            return
        if self._next in {self._read_hello, _wait}:
            self._shared.counts.slow += 1
            self._shared.say(
                "a client is too slow with TLS; see limits.header_timeout in llmreplay.yaml"
            )
        self._wire.abort()

    def retire(self) -> None:
        """Nothing was asked for yet."""
        self.cut()

    def cut(self) -> None:
        """Close now."""
        if self._task is not None:
            self._task.cancel()
        self._wire.abort()

    @property
    def _gate(self) -> Gate:
        return cast("Gate", self._shared.gate)


def _wait() -> None:
    """Keep what comes until there is somebody to look at it."""
