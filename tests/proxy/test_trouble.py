"""What ends a connection before there is a request, and what does not."""

from __future__ import annotations

import asyncio

import pytest

from llmreplay.core.faults import AtConnection
from llmreplay.core.journal import Entry, Outcome
from llmreplay.proxy.trouble import Trouble, cut_short

ALERT = b"\x15\x03\x03\x00\x02\x02\x28"


class Wire(asyncio.Transport):
    """Notes what is done to it."""

    def __init__(self) -> None:
        super().__init__()
        self.did: list[object] = []

    def is_closing(self) -> bool:
        return False

    def abort(self) -> None:
        self.did.append("abort")

    def close(self) -> None:
        self.did.append("close")

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.did.append(bytes(data))


def trouble(at: AtConnection) -> Trouble:
    entry = Entry("default", Outcome.FAULT, "-", "-", 0, faults=(f"down: connection {at}",))
    return Trouble(at, entry, ("x-llmreplay-fault", "down (connection)"))


@pytest.mark.parametrize(
    ("at", "with_tls", "expected"),
    [
        (AtConnection.REFUSED, False, (True, ["abort"], [])),
        (AtConnection.REFUSED, True, (True, ["abort"], [])),
        (AtConnection.RESET_EARLY, False, (True, ["abort"], [])),
        (AtConnection.TLS_ABORT, False, (False, [], [])),
        (AtConnection.TLS_ABORT, True, (True, [], [ALERT, "close"])),
        (AtConnection.EXPIRED_CERTIFICATE, True, (False, [], [])),
        (AtConnection.WRONG_HOST, True, (False, [], [])),
    ],
)
def test_what_is_cut_short(
    at: AtConnection,
    with_tls: bool,  # noqa: FBT001  # from the table
    expected: tuple[bool, list[object], list[object]],
) -> None:
    wire, tls = Wire(), Wire()
    is_cut = cut_short(trouble(at), wire, tls if with_tls else None)
    assert (is_cut, wire.did, tls.did) == expected


def test_what_it_is_called() -> None:
    assert trouble(AtConnection.TLS_ABORT).told == "down: connection tls_abort"
