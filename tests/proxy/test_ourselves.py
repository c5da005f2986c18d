"""What leads back to this process."""

from __future__ import annotations

import pytest

from llmreplay.proxy.ourselves import Ourselves, loopback

HERE = Ourselves("my-machine", ("127.0.0.1", "192.0.2.7"), 8787)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("app.localhost", True),
        ("my-machine", True),
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("0.0.0.0", True),  # noqa: S104  # not bound to
        ("::", True),
        ("192.0.2.7", True),
        ("192.0.2.8", False),
        ("api.openai.com", False),
        ("notlocalhost", False),
    ],
)
def test_names_and_addresses_of_our_own(host: str, expected: bool) -> None:  # noqa: FBT001  # from the table
    assert HERE.named(host) is expected
    assert HERE.at(host, 8787) is expected
    assert HERE.at(host, 443) is False


def test_a_connection_that_ends_where_it_began() -> None:
    assert HERE.reached(("198.51.100.1", 8787), "198.51.100.1") is True
    assert HERE.reached(("127.0.0.1", 8787), "127.0.0.1") is True
    assert HERE.reached(("198.51.100.2", 8787), "198.51.100.1") is False
    assert HERE.reached(("127.0.0.1", 443), "127.0.0.1") is False


def test_loopback_is_this_machine() -> None:
    hosts = ("127.0.0.1", "::1", "::1%lo", "::ffff:127.0.0.1", "192.0.2.1", "localhost")
    assert [loopback(host) for host in hosts] == [True, True, True, True, False, False]
