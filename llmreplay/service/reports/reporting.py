"""The report of one run, from before its first request to after its last.

It reads what is kept anyway (figures, journal, verdicts) once, when the run has stopped listening
and its cassettes are still as they were recorded. It shows what the control API shows: no body and
no credential. `running` makes one.
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final

import orjson

from llmreplay import __version__
from llmreplay.control import figures, mode_word
from llmreplay.core.journal import Outcome
from llmreplay.service.reports.gathered import Gathered
from llmreplay.service.reports.junit import junit
from llmreplay.service.reports.place import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from llmreplay.control import Stats
    from llmreplay.core.dialect import Json, Usage
    from llmreplay.core.journal import Entry
    from llmreplay.core.policy import Mode
    from llmreplay.session import ClosedTake, Journal, SessionInfo, Sessions, Verdict

__all__ = ["Reporting"]

FORMAT: Final = "llmreplay-report"
VERSION: Final = 1
MOST_FAILURES: Final = 100
MOST_TUNNELS: Final = 100
MOST_READ: Final = 5_000
"""Exchanges whose tokens are looked up: about a millisecond each."""


class Reporting:
    """A report that will be written to `path`; raises UsageError if it cannot be.

    `command` is `record` or `serve`, `program` what is run with it.
    """

    def __init__(self, path: Path, command: str, program: Sequence[str]) -> None:
        self._place = Place(path)
        self._gathered = Gathered()
        # The rest of the command line may hold a key.
        self._program = PurePath(program[0]).name if program else None
        self._command = command
        self._started_s = time.time()
        self._clock_s = time.perf_counter()
        self._figures: dict[str, Json] = {}
        self._cassettes: list[dict[str, Json]] = []

    def session_over(self, info: SessionInfo, verdict: Verdict) -> None:
        """A session has ended before the run has."""
        self._gathered.add(info, verdict)

    def closed(self, cassette: str, take: ClosedTake) -> None:
        """A recording has ended."""
        counts = {name: getattr(take, name) for name in ("new", "replaced", "unchanged", "dropped")}
        for known in self._cassettes:
            if known["name"] == cassette:
                known.update({name: known[name] + count for name, count in counts.items()})
                return
        if any(counts.values()):
            self._cassettes.append({"name": cassette, **counts})

    async def read(  # noqa: PLR0913  # all that is told of a run
        self,
        sessions: Sessions[Any],
        journal: Journal,
        *,
        mode: Mode,
        stats: Stats,
        usages: Callable[[Sequence[str]], Mapping[str, Usage]],
        tunnels: Mapping[str, int],
    ) -> None:
        """The run has answered its last request: read what there is to tell."""
        for name in sessions.names():
            info, verdict = sessions.get(name), sessions.verify(name)
            if info is not None and verdict is not None:
                self._gathered.add(info, verdict)
        told = await figures(stats, usages, MOST_READ)
        failures = [
            noted
            for outcome in (Outcome.FAILED, Outcome.REFUSED)
            for noted in journal.newest(MOST_FAILURES, outcome=outcome)
        ]
        shown = sorted(failures, key=lambda noted: noted.number)[-MOST_FAILURES:]
        count = told["outcomes"][Outcome.FAILED] + told["outcomes"][Outcome.REFUSED]
        passed_by = [*tunnels.items()]
        self._figures = {
            "mode": mode_word(mode),
            **told,
            "sessions": self._gathered.sessions,
            "sessions_left_out": self._gathered.left_out,
            "failures": [_failure(noted.at_s, noted.entry) for noted in shown],
            "failures_left_out": max(0, count - len(shown)),
            "not_recorded": dict(passed_by[:MOST_TUNNELS]),
        }

    def write(self, *, stored: bool, program_status: int | None) -> None:
        """Write it. `stored` is whether all was that was to be. Raises LlmreplayError."""
        report = {
            "format": FORMAT,
            "version": VERSION,
            "llmreplay": __version__,
            "command": self._command,
            "program": self._program,
            "program_status": program_status,
            "started": _utc(self._started_s),
            "ended": _utc(time.time()),
            "duration_s": round(time.perf_counter() - self._clock_s, 3),
            "stored": stored,
            **self._figures,
            "cassettes": self._cassettes,
        }
        is_xml = self._place.path.suffix == ".xml"
        self._place.write(junit(report) if is_xml else _json(report))


def _failure(at_s: float, entry: Entry) -> dict[str, Json]:
    return {
        "at": _utc(at_s),
        "session": entry.session,
        "outcome": str(entry.outcome),
        "method": entry.method,
        "target": entry.target,
        "status": entry.status,
        "upstream": entry.upstream,
        "model": entry.model,
        "detail": entry.detail,
    }


def _json(report: dict[str, Json]) -> bytes:
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    try:
        return orjson.dumps(report, option=options)
    except orjson.JSONEncodeError:
        # A lone surrogate: the bytes of a path that were no UTF-8.
        return json.dumps(report, indent=2, default=list).encode() + b"\n"


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
