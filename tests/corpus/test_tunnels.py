"""All real traffic once more, through CONNECT to the providers' real hosts."""

from __future__ import annotations

import signal
import ssl
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.corpus.client import Proxy
from tests.corpus.round_trip import (
    SECRET,
    Origins,
    cases_of,
    in_sequences,
    lost_on_record,
    lost_on_replay,
    redacted,
)
from tests.corpus.tunnels import TUNNELS, address, allowed_hosts, as_asked, ask_all, is_known
from tests.fakes.manners import seeded
from tests.scenarios.process import Running, command, environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.corpus.client import Received
    from tests.corpus.corpus import Taken
    from tests.corpus.round_trip import Case

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


async def test_every_exchange_comes_back_through_tunnels(
    exchanges: list[Taken], tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    cases = cases_of(map(as_asked, exchanges))

    async with Origins(cases) as origins:
        recorded = await record(tmp_path, origins, in_sequences(cases, seeded(1)))
    replayed = await replay(tmp_path, in_sequences(cases, seeded(2)))

    assert origins.failures == []
    stored = [path for path in (tmp_path / "cassettes").rglob("*") if path.is_file()]
    assert [path for path in stored if SECRET.encode() in path.read_bytes()] == []
    lost = {str(case.taken): lost_on_record(case, recorded[case.number]) for case in cases}
    assert {name: what for name, what in lost.items() if what} == {}
    assert origins.asked == len(cases)
    with_secrets = {case.number for case in cases if redacted(case).body != case.response.body}
    lost = {
        str(case.taken): lost_on_replay(
            case, replayed[case.number], redaction=case.number in with_secrets
        )
        for case in cases
    }
    assert {name: what for name, what in lost.items() if what} == {}
    streams = [case for case in cases if case.is_stream]
    record_property(
        "counted",
        f"{len(cases) - len(with_secrets)} of {len(cases)} identical through CONNECT, "
        f"{len(streams)} of them streams, {TUNNELS} tunnels at once to "
        f"{len(set(map(address, cases)))} hosts",
    )


async def record(
    folder: Path, origins: Origins, sequences: list[list[Case]]
) -> dict[int, Received]:
    """What the client gets while `llmreplay record` writes; it asks for real hosts."""

    def asked(case: Case) -> str:
        return address(case) if is_known(case) else f"https://{origins.address(case)}"

    with running(folder, "record", "--keep-errors", hosts=origins.flags) as proxy:
        return await ask_all(proxy, sequences, asked)


async def replay(folder: Path, sequences: list[list[Case]]) -> dict[int, Received]:
    """What the client gets from `llmreplay serve`, with no provider anywhere."""
    hosts = allowed_hosts(case for sequence in sequences for case in sequence)
    with running(folder, "serve", hosts=hosts) as proxy:
        return await ask_all(proxy, sequences, address)


@contextmanager
def running(folder: Path, *line: str, hosts: list[str]) -> Iterator[Proxy]:
    """`llmreplay` in `folder`, which has to end well."""
    hosts = ["--ca-dir", str(folder / "ca"), *hosts]
    trusted = ssl.create_default_context(cadata=certificate(hosts))
    with Running(*line, "--cassettes", folder / "cassettes", *hosts) as process:
        yield Proxy(process.url, trusted)
        finished = process.stop(signal.SIGTERM)
    assert (finished.status, finished.errors) == (0, "")


def certificate(hosts: list[str]) -> str:
    """The CA that vouches for these hosts."""
    return subprocess.run(  # noqa: S603  # our own command
        command("ca", "--pem", *hosts),
        env=environment(),
        check=True,
        capture_output=True,
        text=True,
    ).stdout
