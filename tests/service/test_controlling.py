"""The control API of a whole run, over real sockets."""

from __future__ import annotations

import asyncio
import base64
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from llmreplay.service import Service
from tests.service.test_serving import ASKED, PATH, Told, provider, settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from llmreplay.settings import Settings

ANSWER = b'{"model": "m", "choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 2}}'


class Run:
    """A service that runs, and a client for it."""

    def __init__(self, service: Service, client: aiohttp.ClientSession) -> None:
        self.service = service
        self._client = client

    async def chat(self, model: str = "m", *, session: str = "") -> int:
        """The status that a chat gets."""
        url = f"{self.service.url}{f'/_s/{session}' if session else ''}{PATH}"
        async with self._client.post(url, json={**ASKED, "model": model, "stream": False}) as one:
            await one.read()
            return one.status

    async def __call__(self, asked: str, body: object = None) -> Any:  # noqa: ANN401  # JSON
        """The answer of the control API, read."""
        method, path = asked.split(" ", 1)
        url = f"{self.service.url}/_llmreplay{path}"
        async with self._client.request(method, url, json=body) as answer:
            return await answer.json(content_type=None)


@asynccontextmanager
async def answering() -> AsyncIterator[str]:
    """An upstream that says how many tokens it took; its address."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"content-type: application/json\r\ncontent-length: {len(ANSWER)}\r\n"
        writer.write(f"HTTP/1.1 200 OK\r\n{head}connection: close\r\n\r\n".encode() + ANSWER)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@asynccontextmanager
async def running(known: Settings) -> AsyncIterator[Run]:
    async with Service(known, Told()) as service, aiohttp.ClientSession() as client:
        yield Run(service, client)


@asynccontextmanager
async def recorded(folder: Path, **changes: object) -> AsyncIterator[Run]:
    """A run that replays one chat."""
    async with (
        answering() as address,
        running(settings(folder, upstreams={"mine": address})) as run,
    ):
        await run.chat()
    async with running(settings(folder, mode="replay", **changes)) as run:
        yield run


async def test_a_run_tells_what_it_does(tmp_path: Path) -> None:
    async with recorded(tmp_path) as run:
        statuses = [await run.chat(), await run.chat(), await run.chat("other", session="b")]
        health, cassettes = await run("GET /health"), await run("GET /cassettes")
        journal, sessions = await run("GET /journal?requests=true"), await run("GET /sessions")
        stats, verdict = await run("GET /stats"), await run("GET /sessions/b/verify")
    assert statuses == [200, 200, 470]
    assert health["mode"] == "replay"
    assert cassettes == {"cassettes": [{"name": "default", "exchanges": 1}]}
    assert [(one["session"], one["outcome"]) for one in journal["entries"]] == [
        ("default", "hit"),
        ("default", "hit"),
        ("b", "miss"),
    ]
    assert journal["entries"][2]["request"]["json"]["model"] == "other"
    assert sessions == {"sessions": ["b", "default"]}
    assert (stats["requests"], stats["outcomes"]["hit"]) == (3, 2)
    assert (stats["saved"]["input_tokens"], stats["saved"]["output_tokens"]) == (14, 4)
    assert "model differs" in verdict["misses"][0]["detail"]


async def test_what_was_recorded_just_now_is_counted(tmp_path: Path) -> None:
    async with (
        answering() as address,
        running(settings(tmp_path, upstreams={"mine": address})) as run,
    ):
        await run.chat()
        stats = await run("GET /stats")
    assert (stats["spent"]["input_tokens"], stats["spent"]["output_tokens"]) == (7, 2)
    assert stats["saved"]["input_tokens"] == 0


async def test_a_cassette_that_is_gone_leaves_its_tokens_unknown(tmp_path: Path) -> None:
    async with recorded(tmp_path) as run:
        await run.chat()
        (tmp_path / "default.yaml").unlink()
        stats = await run("GET /stats")
    assert stats["saved"]["unknown_answers"] == 1


async def test_a_rule_that_is_added_holds_at_once_and_until_it_is_removed(tmp_path: Path) -> None:
    async with recorded(tmp_path) as run:
        statuses = [await run.chat()]
        await run("PUT /rules/down", {"fault": "rate_limit"})
        statuses.append(await run.chat())
        await run("PATCH /rules/down", {"on": False})
        statuses.append(await run.chat())
        await run("DELETE /rules/down")
        statuses.append(await run.chat())
    assert statuses == [200, 429, 200, 200]


async def test_a_session_has_rules_and_cassettes_of_its_own(tmp_path: Path) -> None:
    async with recorded(tmp_path) as run:
        await run("PUT /sessions/a", {"rules": [{"fault": "rate_limit"}]})
        await run("PUT /sessions/b", {"cassettes": ["none"]})
        statuses = [await run.chat(session=name) for name in ("a", "b", "c")]
        refused = await run("PUT /sessions/d", {"mode": "record"})
    assert statuses == [429, 470, 200]
    assert "llmreplay record" in refused["detail"]


async def test_it_is_not_there_for_clients_of_the_proxy(tmp_path: Path) -> None:
    async with recorded(tmp_path) as run:
        place = run.service.url.removeprefix("http://")
        reader, writer = await asyncio.open_connection(*place.split(":"))
        statuses = []
        for target in (f"{run.service.url}/_llmreplay/health", "http://api.openai.com/_llmreplay/"):
            writer.write(f"GET {target} HTTP/1.1\r\nhost: {place}\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].split()[0])
            await reader.readexactly(length)
            statuses.append(head.split()[1])
        writer.close()
        entries = (await run("GET /journal"))["entries"]
    assert statuses == [b"403", b"403"]
    assert entries == []


async def test_it_is_there_over_tls(tmp_path: Path) -> None:
    async with recorded(tmp_path, ca_dir=tmp_path / "ca") as run:
        url = run.service.url.replace("http:", "https:")
        async with (
            aiohttp.ClientSession() as client,
            client.get(f"{url}/_llmreplay/health", ssl=False, headers={"origin": url}) as answer,
        ):
            assert answer.status == 200


@pytest.mark.parametrize("password", ["hush", ""])
async def test_the_proxys_password_is_its_own(tmp_path: Path, password: str) -> None:
    async with recorded(tmp_path, proxy_password="hush") as run:
        given = base64.b64encode(f"me:{password}".encode()).decode()
        url = f"{run.service.url}/_llmreplay/sessions"
        headers = {"authorization": f"Basic {given}"}
        async with aiohttp.ClientSession() as client, client.get(url, headers=headers) as answer:
            assert answer.status == (200 if password else 401)


async def test_a_run_does_not_wait_for_those_who_follow_it(tmp_path: Path) -> None:
    async with aiohttp.ClientSession() as client:
        async with recorded(tmp_path) as run:
            answer = await client.get(f"{run.service.url}/_llmreplay/journal/stream")
            await run.chat()
            assert await answer.content.readline() == b"id: 1\n"
            started = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - started < 5
        assert b'"outcome":"hit"' in await answer.content.read()


async def test_overlay_files_and_the_api_side_by_side(tmp_path: Path) -> None:
    overlay = tmp_path / "flaky.yaml"
    overlay.write_text("rules: [{name: down, fault: rate_limit}]\n")
    async with recorded(tmp_path / "cassettes", overlays=(overlay,)) as run:

        async def names() -> list[str]:
            return [one["name"] for one in (await run("GET /rules"))["rules"]]

        listed = (await run("GET /rules"))["rules"]
        await run("PATCH /rules/down", {"on": False})
        off = await run.chat()
        overlay.write_text("rules: [{name: broken, fault: overloaded}]\n")
        async with asyncio.timeout(10):
            while (after := await names()) == ["down"]:  # noqa: ASYNC110  # as files change
                await asyncio.sleep(0.05)
    assert [(one["name"], one["origin"]) for one in listed] == [("down", "file")]
    assert (off, after) == (200, ["broken"])


async def test_it_can_be_asked_while_a_stream_goes_on(tmp_path: Path) -> None:
    async with (
        provider() as address,
        running(settings(tmp_path, upstreams={"mine": address})) as run,
        aiohttp.ClientSession() as client,
        client.post(f"{run.service.url}{PATH}", json=ASKED) as answer,
    ):
        assert (await run("GET /health"))["mode"] == "record"
        assert (await answer.read()).endswith(b"[DONE]\n\n")
