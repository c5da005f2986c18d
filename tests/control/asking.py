"""A control API over fakes, served on a port: ask it, and each answer is held against OpenAPI."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import aiohttp
import jsonschema
import orjson
from aiohttp.test_utils import RawTestServer
from yarl import URL

from llmreplay.control import Control, Rulebook, Shelved, Stats, operations
from llmreplay.control.openapi import document
from llmreplay.core.canonical import Strictness
from llmreplay.core.dialect import Usage
from llmreplay.core.faults import Overlay
from llmreplay.core.faults.reading import read_rules
from llmreplay.core.journal import Entry, Outcome
from llmreplay.core.matching import AfterLast
from llmreplay.core.policy import Mode
from llmreplay.core.timing import INSTANT
from llmreplay.errors import CassetteError, UsageError
from llmreplay.session import Answerer, Faults, Found, Journal, Sessions, Settled, Setup
from tests.fakes.clock import FakeClock
from tests.session.made import OPENAI, Played, reaching, recorded, tape_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from aiohttp import web

    from llmreplay.core.dialect import Json
    from llmreplay.core.faults import Rule

__all__ = ["Answered", "Asking", "House", "entry", "made", "running"]

NOON = 1_800_000_000.0
FIELDS = {
    "session": "a",
    "outcome": Outcome.HIT,
    "method": "POST",
    "target": "/openai/v1/chat/completions",
    "status": 200,
    "upstream": "openai",
    "model": "gpt-4o-mini",
}


def entry(**changes: object) -> Entry:
    """An entry of the journal."""
    return Entry(**{**FIELDS, **changes})  # type: ignore[arg-type]  # any of its fields


def made(*rules: Json) -> tuple[Rule, ...]:
    """Rules as a file has them."""
    read = read_rules({"rules": [*rules]}, "flaky")
    assert read.mistakes == ()
    return read.rules


class Taken(NamedTuple):
    """A recording that was closed."""

    new: int = 2
    replaced: int = 1
    unchanged: int = 0
    dropped: int = 0


class Shelf:
    """Cassettes of a run that can replay and record, but not forward. `closed` is what was."""

    def __init__(self) -> None:
        self.closed: list[tuple[str, bool, bool]] = []

    async def find(self, cassettes: tuple[str, ...] | None, mode: Mode) -> Found:
        if cassettes == ("broken",):
            raise CassetteError("broken.yaml:1: no cassette")
        names = ("whole",) if cassettes is None else cassettes
        missing = tuple(name for name in names if name != "whole")
        hosts = reaching(OPENAI, forwards=mode is not Mode.REPLAY)
        return Found(tape_of(recorded(1, "hi", "hello")), hosts, "cassettes/", missing)

    async def close(self, cassette: str, *, keep: bool, fresh: bool) -> Taken | None:
        self.closed.append((cassette, keep, fresh))
        if cassette == "full":
            raise CassetteError("full.yaml: no space left")
        return Taken() if cassette.startswith("rec") else None

    def check(self, mode: Mode, record_into: str) -> None:
        del record_into
        if mode is Mode.FORWARD:
            raise UsageError("this run only replays")


class House:
    """What a run tells of itself."""

    mode = Mode.REPLAY

    def __init__(self) -> None:
        self.ca_is_there = True
        self.looked_up: list[str] = []

    def cassettes(self) -> Sequence[Shelved]:
        return [Shelved("checkout", 3)]

    def usages(self, sources: Sequence[str]) -> dict[str, Usage]:
        self.looked_up += sources
        return {one: Usage(1_000, 100) for one in sources if one.startswith("checkout")}

    def ca_pem(self) -> str:
        if not self.ca_is_there:
            raise UsageError("the folder cannot be written")
        return "-----BEGIN CERTIFICATE-----\n"


class Answered(NamedTuple):
    """An answer, read."""

    status: int
    value: Any
    headers: dict[str, str]


class Asking:
    """A control API that runs, and its parts."""

    def __init__(self, *rules: Json, password: str = "") -> None:
        self.clock = FakeClock()
        self.shelf, self.house = Shelf(), House()
        self.journal, self.stats = Journal(lambda: NOON), Stats()
        of_files = made(*rules)
        default = Answerer(
            tape_of(recorded(1, "hi", "hello")),
            Settled(hosts=reaching(OPENAI)),
            clock=self.clock,
            prepare=Played,
            faults=Faults(Overlay(of_files), clock=self.clock),
        )
        run = Setup(
            mode=Mode.REPLAY,
            record_into="default",
            seed=7,
            timing=INSTANT,
            after_last=AfterLast.REPEAT,
            strictness=Strictness.EXACT,
        )
        self.sessions = Sessions(default, run, self.shelf, clock=self.clock)
        self.in_force = [rule.name for rule in of_files]
        self.rules = Rulebook(of_files, self._change)
        self.table = operations(self.sessions, self.journal, self.rules, self.stats, self.house)
        self.document = document(self.table)
        self.control = Control(self.table, is_here=self._is_here, password=password)
        self.port = 0
        self.url = ""
        self.client: aiohttp.ClientSession

    def tell(self, *entries: Entry) -> None:
        """Requests were answered."""
        for one in entries:
            self.sessions.tell(one)
            self.journal.add(one)
            self.stats.add(one)

    async def __call__(self, asked: str, body: Json = None, **headers: str) -> Answered:
        """The answer to `GET /sessions`, which is as the document says."""
        method, path = asked.split(" ", 1)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None and "content-type" not in given:
            given["content-type"] = "application/json"
        send = partial(
            self.client.request, method, URL(f"{self.url}{path}", encoded=True), headers=given
        )
        data = body if isinstance(body, bytes) else _json(body)
        async with send(data=data, allow_redirects=False) as answer:
            read = await answer.read()
            told = {name.lower(): value for name, value in answer.headers.items()}
            value = await answer.json(content_type=None) if "json" in told["content-type"] else read
            self._hold(method, path.partition("?")[0], answer.status, told["content-type"], value)
            return Answered(answer.status, value, told)

    def _hold(self, method: str, path: str, status: int, media_type: str, value: Json) -> None:
        """Whether the document knows of such an answer."""
        try:
            operation, _ = self.control.operations.find(method, path)
        except Exception:  # noqa: BLE001  # nothing is promised of what is not there
            return
        told = self.document["paths"][operation.path][operation.method.lower()]
        response = told["responses"][str(status)]
        (known, content), *_ = response["content"].items()
        assert media_type.startswith(known)
        if "json" in media_type:
            schema = {"$ref": "#/schema", "schema": content["schema"], **self.document}
            jsonschema.Draft202012Validator(schema).validate(value)

    def _is_here(self, host: str, port: int) -> bool:
        return host in {"127.0.0.1", "localhost"} and port == self.port

    def _change(self, rules: tuple[Rule, ...]) -> None:
        self.in_force = [rule.name for rule in rules]
        self.sessions.change_rules(Overlay(rules))


@asynccontextmanager
async def running(*rules: Json, password: str = "", proxied: bool = False) -> AsyncIterator[Asking]:
    """A control API on a port; `proxied`: all that comes came through the proxy."""
    asking = Asking(*rules, password=password)

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        assert asking.control.takes(request.raw_path)
        return await asking.control(request, proxied=proxied)

    async with RawTestServer(handle, host="127.0.0.1") as server, aiohttp.ClientSession() as client:
        asking.port = server.port or 0
        asking.url = f"http://127.0.0.1:{asking.port}/_llmreplay"
        asking.client = client
        yield asking
        asking.control.close()


def _json(body: Json) -> bytes | None:
    return None if body is None else orjson.dumps(body)
