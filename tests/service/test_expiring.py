"""Idle sessions go, what they recorded stays, and is told."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp

from llmreplay.core.policy import Mode
from llmreplay.service import Service
from llmreplay.service.expiring import retire
from llmreplay.session import Setup
from tests.service.test_serving import ASKED, PATH, Told, provider, settings

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


async def ask(url: str, session: str) -> int:
    async with (
        aiohttp.ClientSession() as client,
        client.post(f"{url}/_s/{session}{PATH}", json=ASKED) as answer,
    ):
        await answer.read()
        return answer.status


async def test_what_idle_sessions_recorded_is_closed_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Told()
    async with (
        provider() as address,
        Service(settings(tmp_path, mode="new", upstreams={"mine": address}), told) as service,
    ):
        await service.sessions.put("a", Setup(mode=Mode.ALL))
        await service.sessions.put("unused", Setup(mode=Mode.ALL))
        assert [await ask(service.url, name) for name in ("a", "b")] == [200, 200]
        await asyncio.sleep(0.05)  # a live answer is told when its client has it
        await retire(service.sessions, told)
        assert service.sessions.names() == ("a", "b", "unused")

        monkeypatch.setattr(service.sessions, "idle", service.sessions.names)
        await retire(service.sessions, told)
        assert service.sessions.names() == ()
        assert told.notes == [f"{tmp_path / 'a.yaml'}: 1 new"]

        await service.sessions.put("a", Setup(mode=Mode.ALL))
        await ask(service.url, "a")
        (tmp_path / "a.yaml").unlink()
        await retire(service.sessions, told)
        assert "a.yaml: something else changed" in told.warnings[0]
    assert told.notes[-1] == f"{tmp_path / 'b.yaml'}: 1 new"
