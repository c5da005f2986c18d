"""Runs every case with every SDK: records what they ask, then serves it with the faults."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from llmreplay.service.hosts import authority_of
from llmreplay.settings import Settings
from tests.fakes.provider import FakeProvider
from tests.fakes.provider_fixed import FakeFixed
from tests.sdks.faults.asking import Job
from tests.sdks.faults.cases import CASES, PATIENCE_S, Case, overlay_of
from tests.sdks.faults.clients import PROGRAMS, Process
from tests.sdks.faults.servers import Seen, Server, Servers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["Ran", "play"]

_DEADLINE_S = 100.0
_USUAL = "usual"
_SHAPES = ("answer", "stream", "tools")
_UPSTREAMS = ("openai", "anthropic", "gemini", "bedrock", "mistral", "cohere", "ollama", "groq")


@dataclass(frozen=True, slots=True)
class Ran:
    """A case with an SDK: what it heard, without the fault (`usual`) and with it."""

    case: Case
    sdk: str
    usual: Mapping[str, Any]
    heard: Mapping[str, Any] | None
    """None if it still waited after `PATIENCE_S`."""
    requests: tuple[Seen, ...]

    @property
    def waits_s(self) -> tuple[float, ...]:
        """From the end of each answer, or the client's patience, to the next request."""
        requests = self.requests[self.case.times - 1 :]
        return tuple(
            later.began - min(earlier.ended, earlier.began + self.case.timeout_s)
            for earlier, later in pairwise(requests)
        )


def play(folder: Path, pairs: Sequence[tuple[Case, str]]) -> list[Ran]:
    """Each case with its SDK; what is written goes below `folder`."""
    folder.mkdir(exist_ok=True)
    settings = Settings(cassettes=folder / "cassettes", ca_dir=folder / "ca", port=0)
    wanted = {sdk for _, sdk in pairs}
    programs = [program for program in PROGRAMS if wanted.intersection(program.sdks)]
    processes = [Process(program, _trust(settings)) for program in programs]
    try:
        _record(settings, processes)
        return _serve(settings, folder, processes, pairs)
    finally:
        for process in processes:
            process.end()


def _record(settings: Settings, processes: Sequence[Process]) -> None:
    with _Fixed() as provider, Servers() as servers:
        upstreams = dict.fromkeys(_UPSTREAMS, provider.openai_url)
        (recorder,) = servers.start([replace(settings, mode="all", upstreams=upstreams)])
        for process in processes:
            jobs = [
                Job(f"{_USUAL}-{shape}", sdk, recorder.url, shape)
                for sdk in process.sdks
                for shape in _SHAPES
            ]
            process.ask(jobs)
        for process in processes:
            process.wait(time.monotonic() + _DEADLINE_S)


def _serve(
    settings: Settings,
    folder: Path,
    processes: Sequence[Process],
    pairs: Sequence[tuple[Case, str]],
) -> list[Ran]:
    alone = [pair for pair in pairs if pair[0].own_server]
    shared_cases = [case for case in CASES if not case.own_server]
    with Servers() as servers:
        every = [_overlaid(settings, folder / "all.yaml", shared_cases)]
        every += [_overlaid(settings, folder / f"{case.name}.yaml", [case]) for case, _ in alone]
        shared, *others = servers.start(every)
        places = {pair: (shared, _session(*pair)) for pair in pairs}
        places |= {pair: (server, "") for pair, server in zip(alone, others, strict=True)}
        for process in processes:
            process.ask([_job(*pair, *places[pair]) for pair in pairs if pair[1] in process.sdks])
        begun = time.monotonic()
        for process in processes:
            process.wait(begun + _DEADLINE_S)
        for process in processes:
            process.wait(begun + PATIENCE_S, whole=False)
        # Before the servers stop, and wake who still waits.
        heard = {key: value for process in processes for key, value in process.heard.items()}
    return [
        Ran(
            case,
            sdk,
            heard[f"{_USUAL}-{case.shape}", sdk],
            heard.get((case.name, sdk)),
            _requests(*places[case, sdk]),
        )
        for case, sdk in pairs
    ]


def _overlaid(settings: Settings, path: Path, cases: list[Case]) -> Settings:
    path.write_text(overlay_of(cases), encoding="utf-8")
    return replace(settings, mode="replay", overlays=(path,))


def _session(case: Case, sdk: str) -> str:
    return f"{case.name}.{re.sub(r'[^a-z0-9]+', '-', sdk.lower())}"


def _job(case: Case, sdk: str, server: Server, session: str) -> Job:
    url = server.url.replace("http:", "https:") if case.tls else server.url
    url = f"{url}/_s/{session}" if session else url
    return Job(case.name, sdk, url, case.shape, case.timeout_s, case.times, case.may_hang)


def _requests(server: Server, session: str) -> tuple[Seen, ...]:
    return server.requests(session or "default")


def _trust(settings: Settings) -> dict[str, str]:
    """Variables by which clients trust the servers."""
    files = authority_of(settings).files()
    names = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE")
    return dict.fromkeys(names, str(files.bundle)) | {"NODE_EXTRA_CA_CERTS": str(files.ca)}


class _Fixed(FakeProvider):
    """All providers at one address."""

    async def _start(self) -> tuple[str, str]:
        url = await self._serve(FakeFixed())
        return url, url
