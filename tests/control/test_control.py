"""The control API as a whole: every operation is told of, and none does what it does not say."""

from __future__ import annotations

import re
from copy import deepcopy
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import orjson
import pytest

from llmreplay import __version__
from llmreplay.control.page import STYLE
from llmreplay.control.page import page as page_of
from tests.control.asking import Asking, entry, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from llmreplay.core.dialect import Json

DOCUMENT = Asking().document
OPERATIONS = [
    f"{method.upper()} {path}" for path, methods in DOCUMENT["paths"].items() for method in methods
]


def test_there_is_what_there_is() -> None:
    assert OPERATIONS == [
        "GET /health",
        "GET /cassettes",
        "GET /stats",
        "GET /metrics",
        "GET /ca.pem",
        "GET /openapi.json",
        "GET /docs",
        "GET /sessions",
        "DELETE /sessions",
        "PUT /sessions/{name}",
        "GET /sessions/{name}",
        "DELETE /sessions/{name}",
        "POST /sessions/{name}/reset",
        "GET /sessions/{name}/verify",
        "GET /journal",
        "DELETE /journal",
        "GET /journal/stream",
        "GET /journal/{number}",
        "GET /rules",
        "POST /rules",
        "DELETE /rules",
        "GET /rules/{name}",
        "PUT /rules/{name}",
        "PATCH /rules/{name}",
        "DELETE /rules/{name}",
    ]


def test_the_documentation_lists_the_same() -> None:
    text = (Path(__file__).parents[2] / "docs" / "control-api.md").read_text()
    assert re.findall(r"^\| `([A-Z]+ /\S+)` \|", text, re.MULTILINE) == OPERATIONS


def references(value: Json) -> set[str]:
    """All that is referred to, at any depth."""
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*map(references, value.values()))
    return set().union(*map(references, value)) if isinstance(value, list | tuple) else set()


def test_all_that_is_referred_to_is_there_and_the_other_way_round() -> None:
    named = {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]}
    assert references(DOCUMENT) == named


@pytest.mark.parametrize("name", DOCUMENT["components"]["schemas"])
def test_schemas_are_schemas(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(DOCUMENT["components"]["schemas"][name])


@pytest.mark.parametrize("asked", OPERATIONS)
def test_what_is_told_of_each(asked: str) -> None:
    method, path = asked.split()
    told = DOCUMENT["paths"][path][method.lower()]
    in_path = {one["name"] for one in told.get("parameters", ()) if one["in"] == "path"}
    assert all(one["description"] for one in told.get("parameters", ()))
    assert {f"{{{name}}}" for name in in_path} == {
        step for step in path.split("/") if step.startswith("{")
    }
    assert {"400", "401", "403", "421"} <= {*told["responses"]}
    assert ("415" in told["responses"]) is (method != "GET")


def test_no_id_is_given_twice() -> None:
    ids = [one["operationId"] for path in DOCUMENT["paths"].values() for one in path.values()]
    assert len({*ids}) == len(ids)


async def test_the_documents() -> None:
    async with running() as ask:
        document = await ask("GET /openapi.json")
        page = await ask("GET /docs")
    assert document.value == orjson.loads(orjson.dumps(DOCUMENT))
    assert STYLE in page.headers["content-security-policy"]
    text = page.value.decode()
    assert all(path in text for path in DOCUMENT["paths"])
    assert "<script" not in text
    assert "://" not in text.replace("http://127.0.0.1:8787", "")


class Nesting(HTMLParser):
    """The elements that are open; every end ends the last of them."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002  # the parser's
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_well_formed_and_whatever_is_told_is_text() -> None:
    document = deepcopy(DOCUMENT)
    document["info"]["description"] = document["paths"]["/stats"]["get"]["summary"] = "<b>&</i>"
    nesting = Nesting()
    nesting.feed(page_of(document))
    assert nesting.open == []


async def test_what_runs() -> None:
    async with running() as ask:
        health = await ask("GET /health")
        cassettes = await ask("GET /cassettes")
        pem = await ask("GET /ca.pem")
        ask.house.ca_is_there = False
        none = await ask("GET /ca.pem")
    assert health.value == {"status": "ok", "version": __version__, "mode": "replay"}
    assert cassettes.value == {"cassettes": [{"name": "checkout", "exchanges": 3}]}
    assert (pem.status, pem.value[:10]) == (200, b"-----BEGIN")
    assert (none.status, none.value["detail"]) == (409, "the folder cannot be written")


async def test_metrics() -> None:
    async with running() as ask:
        ask.tell(
            entry(elapsed_ms=5, first_byte_ms=1),
            entry(model='a"b', faults=("slow: delay",)),
        )
        told = (await ask("GET /metrics")).value.decode()
    labels = 'model="gpt-4o-mini",upstream="openai"'
    lines = set(told.splitlines())
    assert {
        f'llmreplay_info{{version="{__version__}"}} 1.0',
        "llmreplay_sessions 1.0",
        'llmreplay_requests_total{model="gpt-4o-mini",outcome="hit",upstream="openai"} 1.0',
        'llmreplay_requests_total{model="a\\"b",outcome="hit",upstream="openai"} 1.0',
        f'llmreplay_request_duration_seconds_bucket{{le="+Inf",{labels}}} 1.0',
        f'llmreplay_request_duration_seconds_bucket{{le="0.01",{labels}}} 1.0',
        f'llmreplay_request_duration_seconds_bucket{{le="0.001",{labels}}} 0.0',
        f"llmreplay_request_duration_seconds_sum{{{labels}}} 0.005",
        f"llmreplay_first_byte_seconds_count{{{labels}}} 1.0",
        'llmreplay_faults_total{fault="slow: delay"} 1.0',
    } - lines == set()


@pytest.mark.parametrize(
    ("asked", "status", "says"),
    [
        ("GET /", 404, "/_llmreplay/docs"),
        ("GET /nothing", 404, "/_llmreplay/docs"),
        ("GET /sessions/a/b/c", 404, "/_llmreplay/docs"),
        ("GET /rules/", 404, "/_llmreplay/docs"),
        ("POST /health", 405, "GET"),
        ("OPTIONS /sessions", 405, "GET, DELETE"),
        ("TRACE /rules/a", 405, "GET, PUT, PATCH, DELETE"),
        ("PUT /journal/stream", 405, "GET"),
    ],
)
async def test_what_is_not_there(asked: str, status: int, says: str) -> None:
    async with running() as ask:
        method, path = asked.split()
        async with ask.client.request(method, f"{ask.url}{path}") as answer:
            told = await answer.json(content_type=None)
    assert (answer.status, told["status"], answer.content_type) == (
        status,
        status,
        "application/problem+json",
    )
    assert says in told["detail"]
    assert answer.headers.get("allow") == (says if status == 405 else None)


async def test_a_head_is_that_of_a_get() -> None:
    async with running() as ask, ask.client.head(f"{ask.url}/health") as answer:
        assert (answer.status, await answer.read()) == (200, b"")
        assert int(answer.headers["content-length"]) > 0


@pytest.mark.parametrize(
    ("asked", "body", "status", "says"),
    [
        ("PUT /sessions/a", b"{", 400, "no JSON"),
        ("PUT /sessions/a", b"", 400, "no JSON"),
        ("PUT /sessions/a", b"[" * 200_000, 400, "no JSON"),
        ("POST /sessions/a/reset", b'{"a": 1}', 400, "no body"),
        ("DELETE /rules", b"[1]", 400, "no body"),
    ],
    ids=["torn", "empty", "deep", "needless", "needless, too"],
)
async def test_bodies(asked: str, body: bytes, status: int, says: str) -> None:
    async with running() as ask:
        answered = await ask(asked, body)
    assert (answered.status, says in answered.value["detail"]) == (status, True)


async def test_a_body_has_its_limit() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(17):
            yield b" " * 2**16

    async with running() as ask:
        json = {"content-type": "application/json"}
        sent = ask.client.put(f"{ask.url}/sessions/a", data=pieces(), headers=json)
        async with sent as answer:
            told = await answer.json(content_type=None)
    assert (answer.status, told["detail"]) == (413, "the body is larger than 1,048,576 bytes")


@pytest.mark.parametrize(
    ("target", "takes"),
    [
        ("/_llmreplay", True),
        ("/_llmreplay/", True),
        ("/_llmreplay?x", True),
        ("/_llmreplay/sessions/a?x=1", True),
        ("http://127.0.0.1:8787/_llmreplay/health", True),
        ("https://api.openai.com/_llmreplay", True),
        ("/_llmreplays", False),
        ("/v1/_llmreplay/", False),
        ("/_s/a/_llmreplay/health", False),
        ("http://127.0.0.1:8787", False),
        ("http://127.0.0.1:8787/v1?/_llmreplay/", False),
        ("*", False),
        ("", False),
    ],
)
def test_what_is_for_it(target: str, takes: object) -> None:
    assert Asking().control.takes(target) is takes
