"""Who may use the control API: shown for every operation that there is."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

import pytest

from llmreplay.control.answers import ProblemError
from llmreplay.control.guard import Arrival, Guard
from tests.control.asking import Asking, running

if TYPE_CHECKING:
    from llmreplay.control.operations import Operation

OPERATIONS = {f"{one.method} {one.path}": one for one in Asking().table}
WRITES = {name: one for name, one in OPERATIONS.items() if one.method != "GET"}


def address(operation: Operation) -> str:
    """Where one would ask for an operation, all its names filled in."""
    query = "&".join(f"{one.name}=a" for one in operation.queries if one.required)
    path = re.sub(r"\{number\}", "1", operation.path)
    return f"{operation.method} {re.sub('{.*?}', 'a', path)}{'?' if query else ''}{query}"


HOSTS = ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "localhost.evil:{port}"]
FORMS = ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data"]
FOREIGN = [
    {"origin": "https://evil.example"},
    {"origin": "http://127.0.0.1:3000"},
    {"origin": "null"},
    {"sec_fetch_site": "cross-site"},
    {"sec_fetch_site": "same-site"},
]


@pytest.mark.parametrize("name", OPERATIONS)
async def test_a_wrong_host_is_refused(name: str) -> None:
    async with running() as ask:
        for host in HOSTS:
            answered = await ask(address(OPERATIONS[name]), host=host.format(port=ask.port))
            assert answered.status == 421, host


@pytest.mark.parametrize("name", OPERATIONS)
async def test_pages_of_other_sites_are_refused(name: str) -> None:
    async with running() as ask:
        for headers in FOREIGN:
            answered = await ask(address(OPERATIONS[name]), **headers)
            assert answered.status == 403, headers
            assert not [one for one in answered.headers if one.startswith("access-control")]


@pytest.mark.parametrize("name", WRITES)
async def test_a_form_is_refused(name: str) -> None:
    async with running() as ask:
        for media_type in FORMS:
            asked = address(WRITES[name])
            answered = await ask(asked, b'{"on": true}', **{"content-type": media_type})
            assert answered.status == 415


@pytest.mark.parametrize("name", OPERATIONS)
async def test_what_came_through_the_proxy_is_refused(name: str) -> None:
    async with running(proxied=True) as ask:
        answered = await ask(address(OPERATIONS[name]))
    assert answered.status == 403
    assert "clients of the proxy" in answered.value["detail"]


@pytest.mark.parametrize("name", OPERATIONS)
async def test_where_there_is_a_password_it_is_needed(name: str) -> None:
    operation = OPERATIONS[name]
    async with running(password="hush") as ask:
        without = await ask(address(operation))
        wrong = await ask(address(operation), authorization="Bearer hash")
    if operation.for_all:
        assert (without.status, wrong.status) == (200, 200)
    else:
        assert (without.status, wrong.status) == (401, 401)
        assert without.headers["www-authenticate"].startswith("Basic ")


@pytest.mark.parametrize(
    "authorization",
    ["Bearer hush", f"Basic {base64.b64encode(b'anybody:hush').decode()}"],
    ids=["bearer", "basic"],
)
async def test_the_password_opens(authorization: str) -> None:
    async with running(password="hush") as ask:
        answered = await ask("GET /sessions", authorization=authorization)
    assert answered.status == 200


@pytest.mark.parametrize("authorization", ["Basic ???", "Basic YQ==", "Digest hush", "hush"])
async def test_what_is_no_password_does_not(authorization: str) -> None:
    async with running(password="hush") as ask:
        answered = await ask("GET /sessions", authorization=authorization)
    assert answered.status == 401


async def test_its_own_pages_may_ask() -> None:
    async with running() as ask:
        own = f"http://127.0.0.1:{ask.port}"
        answered = await ask("GET /sessions", origin=own, sec_fetch_site="same-origin")
        by_name = await ask(
            "GET /sessions", host=f"localhost:{ask.port}", origin=f"http://localhost:{ask.port}"
        )
    assert (answered.status, by_name.status) == (200, 200)


async def test_every_answer_says_what_browsers_may_do_with_it() -> None:
    async with running() as ask:
        for asked in ("GET /health", "GET /nothing", "POST /sessions"):
            answered = await ask(asked)
            assert answered.headers["x-content-type-options"] == "nosniff"
            assert answered.headers["cache-control"] == "no-store"
            assert answered.headers["content-security-policy"].startswith("default-src 'none'")
            assert answered.headers["cross-origin-resource-policy"] == "same-origin"


def refused(arrival: Arrival, password: str = "") -> int | None:
    """The status with which something is refused, or None."""
    guard = Guard(lambda host, port: (host, port) == ("localhost", 8787), password)
    try:
        guard.check(arrival)
    except ProblemError as error:
        return error.status
    return None


LOCAL = Arrival("GET", ("localhost:8787",))


@pytest.mark.parametrize(
    ("arrival", "status"),
    [
        (LOCAL, None),
        (LOCAL._replace(local=False), 403),
        (LOCAL._replace(hosts=()), 421),
        (LOCAL._replace(hosts=("localhost:8787", "localhost:8787")), 421),
        (LOCAL._replace(hosts=("localhost:8787@evil.example",)), 421),
        (LOCAL._replace(hosts=("user@localhost:8787",)), 421),
        (LOCAL._replace(hosts=("localhost:8787/x",)), 421),
        (LOCAL._replace(hosts=("[::1",)), 421),
        (LOCAL._replace(hosts=("localhost:x",)), 421),
        (LOCAL._replace(hosts=("10.0.0.5:8787",), arrived_at=("10.0.0.5", 8787)), None),
        (LOCAL._replace(secure=True, origins=("https://localhost:8787",)), None),
        (LOCAL._replace(secure=True, origins=("http://localhost:8787",)), 403),
        (LOCAL._replace(origins=("http://localhost:8787", "http://evil.example")), 403),
        (LOCAL._replace(method="POST"), None),
        (LOCAL._replace(method="POST", has_body=True), 415),
        (LOCAL._replace(method="POST", content_type="application/octet-stream"), None),
        (LOCAL._replace(method="POST", content_type="text/plain"), 415),
        (LOCAL._replace(method="PUT", has_body=True, content_type="Application/JSON; x"), None),
    ],
)  # fmt: skip
def test_what_is_looked_at(arrival: Arrival, status: int | None) -> None:
    assert refused(arrival) == status


def test_other_machines_may_come_with_a_password() -> None:
    away = LOCAL._replace(local=False)
    assert refused(away._replace(authorization="Bearer hush"), "hush") is None
    assert refused(away, "hush") == 401
