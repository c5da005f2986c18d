"""Heads of CONNECT, who may use the proxy, and what becomes of what he asks for."""

from __future__ import annotations

import base64
import json

import pytest

from llmreplay.core.hosts import Verdict, Way
from llmreplay.proxy.connect import (
    Aim,
    Asked,
    Came,
    Client,
    Opening,
    admit,
    aim,
    opening,
    read_head,
    refused,
)
from llmreplay.proxy.destination import Destination
from llmreplay.proxy.ourselves import Ourselves
from llmreplay.proxy.refusal import Refusal
from tests.proxy.gates import Judge

HERE = Ourselves("127.0.0.1", ("127.0.0.1",), 8787)
NAMING = (
    "the user name in the proxy's URL cannot name a session: use letters, digits, '.', '_' and "
    "'-', up to 128, with no dot first"
)
PASSWORD = (
    "the proxy's password is missing or wrong: give it in the proxy's URL, "
    "http://NAME:PASSWORD@HOST:PORT"
)


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


def told(answer: object) -> tuple[int, str]:
    """Status and message of a refusal."""
    assert isinstance(answer, Refusal)
    return answer.status, answer.message.removeprefix("llmreplay: ")


# -- heads --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n", None),
        (b"CONNECT a.test:443 HTTP/1.0\r\n\r\n", None),
        (
            b"CONNECT a.test:443 HTTP/1.1\r\nproxy-AUTHORIZATION:\t Basic eA== \r\n\r\n",
            "Basic eA==",
        ),
        (b"CONNECT a.test:443 HTTP/1.1\r\nUser-Agent: \xe9\r\nX:\r\n\r\n", None),
    ],
)
def test_a_head(head: bytes, expected: str | None) -> None:
    assert read_head(head) == Asked(Destination("a.test", 443), expected)


@pytest.mark.parametrize(
    "head",
    [
        b"CONNECT a.test:443\r\n\r\n",
        b"CONNECT a.test:443 HTTP/2.0\r\n\r\n",
        b"CONNECT  a.test:443 HTTP/1.1\r\n\r\n",
        b"CONNECT a.test:443 x HTTP/1.1\r\n\r\n",
        b"CONNECT " + b"a" * 301 + b" HTTP/1.1\r\n\r\n",
        b"CONNECT \xc3\xa9.test:443 HTTP/1.1\r\n\r\n",
        b"CONNECT a.test:443 HTTP/1.1\r\nno header\r\n\r\n",
        b"CONNECT a.test:443 HTTP/1.1\r\nX : y\r\n\r\n",
        b"CONNECT a.test:443 HTTP/1.1\r\nX: y\r\n folded\r\n\r\n",
        b"CONNECT a.test:443 HTTP/1.1\r\nX: a\0b\r\n\r\n",
        b"CONNECT a.test:443 HTTP/1.1\r\nX: a\rb\r\n\r\n",
    ],
)
def test_a_head_that_makes_no_sense(head: bytes) -> None:
    assert told(read_head(head)) == (400, "the CONNECT request is not valid HTTP/1.1")


def test_a_head_without_a_port() -> None:
    assert told(read_head(b"CONNECT a.test HTTP/1.1\r\n\r\n")) == (
        400,
        "CONNECT needs a host and a port, as in api.openai.com:443",
    )


# -- who may ask --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("authorization", "expected"),
    [
        (None, None),
        (basic("alice:"), "alice"),
        (basic("alice"), "alice"),
        (basic("test-1.a_b:whatever"), "test-1.a_b"),
        (basic(":"), None),
        ("basic  " + basic("alice:")[6:], "alice"),
        ("Bearer token", None),
        ("Basic !!!", None),
        ("Basic /w==", None),
    ],
)
def test_the_user_name_is_the_session(authorization: str | None, expected: str | None) -> None:
    assert admit(Judge(), Client(local=True, authorization=authorization)) == expected


@pytest.mark.parametrize("name", [".hidden", "a/b", "a b", "é", "x" * 129])
def test_a_name_that_no_session_can_have(name: str) -> None:
    asks = Client(local=True, authorization=basic(f"{name}:"))
    assert told(admit(Judge(), asks)) == (400, NAMING)


@pytest.mark.parametrize("local", [True, False])
def test_a_password_is_for_everybody(local: bool) -> None:  # noqa: FBT001  # from the table
    gate = Judge(password="pässword")
    right = Client(local, basic("alice:pässword"))
    assert admit(gate, right) == "alice"
    for authorization in (None, basic("alice:"), basic("alice:passwort"), "Bearer pässword"):
        assert told(admit(gate, Client(local, authorization))) == (407, PASSWORD)


def test_a_client_learns_how_to_give_the_password() -> None:
    answer = admit(Judge(password="p"), Client(local=True, authorization=None))
    assert isinstance(answer, Refusal)
    assert b'\r\nproxy-authenticate: Basic realm="llmreplay", charset="UTF-8"\r\n' in answer.wire


def test_without_a_password_the_proxy_is_for_this_machine() -> None:
    assert told(admit(Judge(), Client(local=False, authorization=basic("alice:")))) == (
        403,
        "other machines may use the proxy only with a password: set proxy_password",
    )


# -- what becomes of it -------------------------------------------------------------------------

YES, PAST = Verdict(Way.INTERCEPT), Verdict(Way.TUNNEL)
NO = Verdict(Way.REFUSE, "no")


@pytest.mark.parametrize(
    ("secure", "clear", "port", "expected"),
    [
        (YES, NO, 443, Opening(Way.INTERCEPT)),
        (PAST, YES, 443, Opening(Way.TUNNEL)),
        (NO, NO, 443, Opening(Way.REFUSE, "no")),
        # A host that the CA does not cover: nobody speaks in the clear there.
        (NO, YES, 443, Opening(Way.REFUSE, "no")),
        (NO, YES, 11434, Opening(Way.INTERCEPT, "no", secure=False)),
        (NO, PAST, 80, Opening(Way.INTERCEPT, "no", secure=False)),
        (NO, PAST, 8080, Opening(Way.REFUSE, "no")),
    ],
)
def test_what_becomes_of_a_tunnel(
    secure: Verdict, clear: Verdict, port: int, expected: Opening
) -> None:
    assert opening(Judge(secure, clear), HERE, Destination("a.test", port)) == expected


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_no_tunnel_leads_here(host: str) -> None:
    place = f"[{host}]:8787" if ":" in host else f"{host}:8787"
    assert opening(Judge(YES), HERE, Destination(host, 8787)) == Opening(
        Way.REFUSE,
        f"{place} is llmreplay itself: send requests for it to http://{place} and not through "
        f"the proxy, as NO_PROXY={host} says",
    )


@pytest.mark.parametrize(
    ("target", "came", "authorization", "expected"),
    [
        ("http://a.test/v1?x", Came(), None, Aim("/v1?x", "http://a.test", None)),
        ("http://a.test:81/", Came(), basic("alice:"), Aim("/", "http://a.test:81", "alice")),
        ("https://a.test/", Came(), None, Aim("/", "https://a.test", None)),
        ("http://127.0.0.1:8787/v1", Came(), None, Aim("/v1", "", None)),
        (
            "http://localhost:8787/v1",
            Came("https://b.test"),
            None,
            Aim("/v1", "https://b.test", None),
        ),
        (
            "https://a.test/v1",
            Came("https://a.test", "bob", admitted=True),
            None,
            Aim("/v1", "https://a.test", "bob"),
        ),
    ],
)
def test_a_request_in_absolute_form(
    target: str, came: Came, authorization: str | None, expected: Aim
) -> None:
    asks = Client(local=True, authorization=authorization)
    assert aim(Judge(), HERE, came, target, asks) == expected


def test_one_that_is_for_nobody() -> None:
    asks = Client(local=True, authorization=None)
    assert told(aim(Judge(), HERE, Came(), "ftp://a.test/", asks)) == (
        400,
        "a request's target is a path, or a URL with http:// or https://",
    )


def test_one_without_the_password_and_one_that_came_with_it() -> None:
    gate, asks = Judge(password="p"), Client(local=True, authorization=None)
    assert told(aim(gate, HERE, Came(), "http://a.test/", asks)) == (407, PASSWORD)
    inside = Came("http://a.test", admitted=True)
    assert aim(gate, HERE, inside, "http://a.test/", asks) == Aim("/", "http://a.test", None)
    own = "http://localhost:8787/v1"
    assert aim(gate, HERE, Came(), own, asks) == Aim("/v1", "", None)


def test_what_is_wrong_stands_in_the_status_line() -> None:
    answer = refused(403, "not\r\nX: y, café " + "x" * 500)
    status, _, body = answer.wire.partition(b"\r\n")
    assert status == b"HTTP/1.1 403 llmreplay: not X: y, caf " + b"x" * 275
    told_whole = json.loads(body.partition(b"\r\n\r\n")[2])["error"]["message"]
    assert told_whole == "llmreplay: not\r\nX: y, café " + "x" * 500
