"""One CA as others see it: TLS contexts for hosts, and the files that clients need to trust them.

It decides when a leaf is made anew and notices when another process renewed the CA. It knows
nothing of connections. The proxy asks for contexts, in threads; `service` and `cli` for files.
"""

from __future__ import annotations

import hashlib
import os
import ssl
import tempfile
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Final, TypeAlias

from llmreplay.certificates.keeping import CA_FILE, RENEWED_BEFORE, Keeping, State
from llmreplay.certificates.names import Names, normal
from llmreplay.certificates.roots import folder_of_all, java_store, trusted
from llmreplay.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from llmreplay.certificates.issuing import Issuer

__all__ = ["Authority", "Files", "Flaw"]

_REMADE_AFTER: Final = timedelta(hours=12)
"""Half a leaf's life."""

_MOST_CONTEXTS: Final = 512
"""Suffixes have names without end."""

_OTHER_HOST: Final = "another-host.localhost"
"""A name that the CA may vouch for, so that nothing else is wrong with its leaf, and no host's."""


class Flaw(Enum):
    """What is wrong with a leaf that is to be refused."""

    EXPIRED = "expired"
    """Its time is over."""
    OTHER_HOST = "other host"
    """It is for another host."""


@dataclass(frozen=True, slots=True)
class Files:
    """What clients are pointed at.

    `ca` holds our certificate alone, `bundle` also those that the user's clients trust anyway,
    both in PEM; `java_store` is the bundle as PKCS 12, with the password `changeit`. `folder` is
    where OpenSSL looks up what the system trusts, one by one; None if that is not all that they
    trust.
    """

    ca: Path
    bundle: Path
    java_store: Path
    folder: Path | None


_Wanted: TypeAlias = tuple[str, Flaw | None]


class Authority:
    """The local CA for `hosts`: names, addresses, and suffixes as `*.openai.azure.com`.

    Making one touches nothing: the CA in `folder` is made, or made anew, when it is asked for.
    All methods may be called in any thread. Raises UsageError at once for what is no host, and
    later where the folder cannot be used.
    """

    def __init__(
        self,
        folder: Path,
        hosts: Sequence[str],
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._names = Names.of(hosts)
        self._base = folder
        self._now = now
        self._lock = threading.RLock()
        self._issuer: Issuer | None = None
        self._state: State = None
        self._contexts: OrderedDict[_Wanted, tuple[datetime, ssl.SSLContext]] = OrderedDict()

    def covers(self, host: str) -> bool:
        """Whether `context` can be asked for `host`."""
        return self._names.covers(host)

    def context(self, host: str, flaw: Flaw | None = None) -> ssl.SSLContext:
        """The server side of TLS for `host`, a name or an address.

        A client that asks for another covered name (SNI) is shown that one's leaf. With a
        `flaw` all are shown one that they have to refuse. Raises UsageError for a host that is
        not covered.
        """
        name = normal(host)
        if name is None or not self.covers(name):
            raise UsageError(f"the local CA is not for {host}; to make it so: --allow-host {host}")
        with self._lock:
            issuer, now = self._current(), self._now()
            made, context = self._contexts.get((name, flaw), (None, None))
            if made is None or context is None or not now - _REMADE_AFTER < made <= now:
                context = self._made(_leaf(issuer, name, flaw, now))
                if flaw is None:
                    context.sni_callback = self._asked
                self._contexts[name, flaw] = now, context
            self._contexts.move_to_end((name, flaw))
            if len(self._contexts) > _MOST_CONTEXTS:
                self._contexts.popitem(last=False)
            return context

    def files(self, environ: Mapping[str, str] | None = None) -> Files:
        """The files that clients need, made where they are missing.

        `environ` (the process's own by default) tells which other certificates they trust.
        """
        with self._lock:
            issuer = self._current()
            environ = os.environ if environ is None else environ
            certificates = trusted(environ)
            bundle = b"\n".join((*certificates, issuer.root_pem))
            digest = hashlib.sha256(bundle).hexdigest()[:12]
            # Others may run with other variables at the same time: what differs has another name.
            store = self._keeping.folder / f"trust-{digest}.p12"
            if not store.exists():
                # The same in meaning, but never twice the same in bytes.
                store = self._keeping.put(store.name, java_store((*certificates, issuer.root_pem)))
            return Files(
                ca=self._keeping.put(CA_FILE, issuer.root_pem),
                bundle=self._keeping.put(f"bundle-{digest}.pem", bundle),
                java_store=store,
                folder=folder_of_all(certificates, environ),
            )

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the CA's certificate, in hex with colons."""
        with self._lock:
            return self._current().fingerprint

    @property
    def pem(self) -> str:
        """The CA's certificate."""
        with self._lock:
            return self._current().root_pem.decode()

    @property
    def expires(self) -> datetime:
        """When the CA ends, in UTC. It is made anew a week earlier."""
        with self._lock:
            return self._current().ends

    @property
    def constraints(self) -> tuple[str, ...]:
        """What the CA is permitted to vouch for: addresses, and names with all below them."""
        return self._names.constraints

    @cached_property
    def _keeping(self) -> Keeping:
        return Keeping(self._base, self._names)

    def _current(self) -> Issuer:
        """The CA as it is on disk now. Leaves of another are forgotten."""
        state, now = self._keeping.state(), self._now()
        if (
            self._issuer is None
            or state != self._state
            or not self._issuer.lasts(now, RENEWED_BEFORE)
        ):
            self._issuer, self._state = self._keeping.issuer(now)
            self._contexts.clear()
        return self._issuer

    def _made(self, leaf: bytes) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        # `ssl` reads keys from files only; this one is there for a moment, for the owner's eyes.
        with tempfile.NamedTemporaryFile(dir=self._keeping.folder, prefix="leaf-") as file:
            file.write(leaf)
            file.flush()
            context.load_cert_chain(file.name)
        return context

    def _asked(
        self, connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: ssl.SSLContext
    ) -> int | None:
        """A client has said which name it wants (SNI). What is not covered changes nothing."""
        try:
            if name is not None and self.covers(name):
                connection.context = self.context(name)
        except UsageError:
            return ssl.ALERT_DESCRIPTION_INTERNAL_ERROR
        return None


def _leaf(issuer: Issuer, name: str, flaw: Flaw | None, now: datetime) -> bytes:
    if flaw is Flaw.EXPIRED:
        return issuer.expired_leaf(name, now)
    return issuer.leaf(_OTHER_HOST if flaw is Flaw.OTHER_HOST else name, now)
