"""All real traffic there is, recorded by `llmreplay record` and given back by `llmreplay serve`."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

import pytest

from llmreplay.core.exchange import header
from tests.corpus.round_trip import (
    SECRET,
    WAIT_HINTS,
    Case,
    Origins,
    ask_all,
    cases_of,
    in_sequences,
    lost_on_record,
    lost_on_replay,
    redacted,
)
from tests.fakes.manners import seeded
from tests.scenarios.process import Running

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.corpus.client import Received
    from tests.corpus.corpus import Taken

pytestmark = pytest.mark.timeout(300)


async def test_every_exchange_comes_back_as_the_provider_sent_it(
    exchanges: list[Taken], tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    cases = cases_of(exchanges)

    async with Origins(cases) as origins:
        recorded = await record(tmp_path, origins, in_sequences(cases, seeded(1)))
    replayed = await replay(tmp_path, in_sequences(cases, seeded(2)))

    assert origins.failures == []
    assert [path for path in files(tmp_path) if SECRET.encode() in path.read_bytes()] == []
    lost = {str(case.taken): lost_on_record(case, recorded[case.number]) for case in cases}
    assert {name: what for name, what in lost.items() if what} == {}
    assert origins.asked == len(cases)
    with_secrets = {
        case.number: str(case.taken) for case in cases if redacted(case).body != case.response.body
    }
    lost = {
        str(case.taken): lost_on_replay(
            case, replayed[case.number], redaction=case.number in with_secrets
        )
        for case in cases
    }
    assert {name: what for name, what in lost.items() if what} == {}
    identical = len(cases) - len(with_secrets)
    streams = [case for case in cases if case.is_stream]
    record_property(
        "counted",
        f"{identical} of {len(cases)} identical, {len(streams)} of them "
        f"streams of {sum(len(case.pieces) for case in streams)} events",
    )
    for name in with_secrets.values():
        record_property("counted", f"identical but for a secret that is not stored: {name}")


async def test_hints_to_wait_come_back_as_recorded_with_recorded_timing(
    exchanges: list[Taken], tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    cases = [case for case in cases_of(exchanges) if hints(case)]

    async with Origins(cases) as origins:
        await record(tmp_path, origins, in_sequences(cases, seeded(1)))
    replayed = await replay(tmp_path, in_sequences(cases, seeded(2)), "--timing", "recorded")

    lost = {
        str(case.taken): lost_on_replay(case, replayed[case.number], wait_hints=True)
        for case in cases
    }
    assert {name: what for name, what in lost.items() if what} == {}
    record_property("counted", f"{len(cases)} of {len(cases)} hints to wait as recorded")


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def hints(case: Case) -> list[str]:
    return [name for name in WAIT_HINTS if header(case.response.headers, name) is not None]


async def record(
    folder: Path, origins: Origins, sequences: list[list[Case]]
) -> dict[int, Received]:
    """What the client gets while `llmreplay record` writes into `folder`."""
    # Some recorded errors are followed by a success; they are to stay.
    with Running("record", "--cassettes", folder, "--keep-errors", *origins.flags) as recording:
        received = await ask_all(recording.url, sequences)
        finished = await asyncio.to_thread(recording.stop, signal.SIGTERM)
    assert (finished.status, finished.errors) == (0, "")
    return received


async def replay(folder: Path, sequences: list[list[Case]], *flags: str) -> dict[int, Received]:
    """What the client gets from `llmreplay serve`, with no provider anywhere."""
    with Running("serve", "--cassettes", folder, *flags) as serving:
        received = await ask_all(serving.url, sequences)
        finished = await asyncio.to_thread(serving.stop, signal.SIGTERM)
    assert (finished.status, finished.errors) == (0, "")
    return received
