"""Tests that run: the servers of this worker, and for each test its session, from setup to verdict.

Imported when the first test asks for llmreplay. What is chosen and what is judged is decided in
`choosing` and `judging`; here it is done.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from llmreplay.cassettes import Library
from llmreplay.core.faults.glob import Glob
from llmreplay.core.journal import Outcome
from llmreplay.core.routing import DEFAULT_SESSION
from llmreplay.environment import upstreams_of
from llmreplay.errors import LlmreplayError, UsageError
from llmreplay.pytest_plugin.judging import (
    failure_told,
    never_fired_told,
    not_stored,
    sum_of,
    tally,
    unused_told,
)
from llmreplay.pytest_plugin.naming import cassette_name, session_name
from llmreplay.replay.remote import Remote
from llmreplay.replay.server import Server
from llmreplay.replay.session import Session
from llmreplay.replay.variables import Variables
from llmreplay.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from llmreplay.pytest_plugin.choosing import Choice
    from llmreplay.replay import Application

__all__ = ["Case", "Place", "Servers", "library_of", "words_of"]

_MOST_SHOWN = 20_000
"""Of what an application has printed, in a report."""
_PART = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")


class Place:
    """Where a test stands: its node id, its file, and what it is called there."""

    __slots__ = ("classes", "file", "function", "node_id")

    def __init__(self, node_id: str, file: Path, classes: Sequence[str], function: str) -> None:
        self.node_id = node_id
        self.file = file
        self.classes = tuple(classes)
        self.function = function


def library_of(root: Path, folder: Path) -> tuple[Path, str]:
    """The library that a cassettes folder is in, and what the names of its cassettes begin with.

    That is the root of the project, so that one server answers for all of it; or the folder
    itself, where its path can be no part of a name.
    """
    with suppress(ValueError):
        parts = folder.relative_to(root).parts
        if all(map(_PART.fullmatch, parts)):
            return root, "".join(f"{part}/" for part in parts)
    return folder, ""


def words_of(choice: Choice, own: str, library: Library, prefix: str) -> dict[str, Any]:
    """The session that a test has chosen, in the words of the control API.

    `own` is the test's cassette. Raises UsageError for a folder that cannot be read.
    """
    named = [one for name in choice.cassettes for one in _matching(name, library, prefix)]
    first = next((prefix + name for name in choice.cassettes if "*" not in name), own)
    return {
        "mode": choice.mode,
        "cassettes": named if choice.cassettes else [own],
        "record_into": first,
        "rules": [dict(rule) for rule in choice.rules],
        **choice.settings,
    }


def _matching(name: str, library: Library, prefix: str) -> list[str]:
    """The cassettes that are meant by a name or glob below the cassettes folder of a test.

    A glob that means none stays one, for messages.
    """
    if "*" not in name:
        return [prefix + name]
    beside = Library(library.folder / prefix)
    there = beside.names() if beside.folder.is_dir() else ()
    return [prefix + one for one in filter(Glob(name).matches, there)] or [prefix + name]


class Servers:
    """The servers of one worker, by the library that they answer from. Started when needed."""

    def __init__(self, root: Path, *, mode: str, reaches_out: bool) -> None:
        """`mode` is what most tests run in; unless `reaches_out`, none of them leaves replay."""
        self.root = root
        self._reaches_out = reaches_out
        self._mode = mode
        self._settings: Settings | None = None
        self._running: dict[Path, Server] = {}
        self._variables = Variables()
        self.lead_here = False
        """Whether the environment leads here, for the whole run."""
        self.cases: list[Case] = []
        """Those that have begun and not ended."""
        self.shared: Session | None = None
        """The session of whatever lives longer than a test, once there is such."""

    def of(self, library: Path) -> Server:
        """The server that answers from `library`. Raises UsageError or CassetteError."""
        server = self._running.get(library)
        if server is None:
            settings = replace(self._whole_settings(), cassettes=library)
            server = Server(settings, reaches_out=self._reaches_out, loads=False)
            server.start()
            self._running[library] = server
        return server

    def lead(self) -> None:
        """Set the environment for the whole run. Raises UsageError or CassetteError."""
        server = self.of(self.root)
        self._variables.set(server.environment(None, os.environ))
        self.lead_here = True

    def share(self) -> Session:
        """The session whose name each test has that shares it. Raises UsageError, CassetteError."""
        self.shared = self.shared or Session(
            self.of(self.root), DEFAULT_SESSION, environ=self.environ
        )
        return self.shared

    def environ(self) -> dict[str, str]:
        """The variables as they are without what was set for tests."""
        environ = dict(os.environ)
        for one in (*(case.variables for case in self.cases), self._variables):
            environ = one.undone(environ)
        return environ

    def saved(self) -> dict[str, float]:
        """The tokens, and the USD where prices are known, that replayed answers have not cost."""
        told = [Remote(one.url, self._whole_settings()).saved() for one in self._running.values()]
        return sum_of(told)

    def stop(self) -> None:
        """End them. What a test has recorded that was interrupted is not kept."""
        for case in [*self.cases]:
            case.passed = False
            case.end()
        if self.shared is not None:
            self.shared.applications.stop()
        self._variables.restore()
        for server in self._running.values():
            server.stop()
        self._running.clear()

    def _whole_settings(self) -> Settings:
        """The project's settings, less what is each test's own affair."""
        if self._settings is None:
            found = load_settings(environ=os.environ, folder=self.root)
            # Where tests are recorded, hosts that are no provider's are passed by.
            live: Any = "replay" if self._mode == "replay" else "off"
            self._settings = replace(
                found,
                mode=live,
                on_miss="fail",
                host="127.0.0.1",
                port=0,
                allow_remote=False,
                gateways=upstreams_of(os.environ),
            )
        return self._settings


class Case:
    """One test that runs with llmreplay, from before its fixtures until after them.

    `passed` is whether it did, as far as it has come.
    """

    def __init__(
        self, servers: Servers, choice: Choice, place: Place, folder: str, *, shares: bool = False
    ) -> None:
        """Its session is set up, and the environment leads there.

        If it `shares`, that is the one that whatever outlives a test is led into.

        Raises:
            UsageError, CassetteError: what is wrong with its marker, settings or cassettes.
        """
        self.passed = False
        self._choice = choice
        self._place = place
        root, prefix = library_of(servers.root, place.file.parent / folder)
        own = prefix + cassette_name(place.file.stem, place.classes, place.function)
        shares = shares or servers.lead_here
        if shares and root != servers.root:
            raise UsageError(
                f"{place.file.parent / folder}: no cassette below {servers.root} can have this "
                "path; rename its folders, or do without llmreplay_run, and without "
                "llmreplay_variables = run in the ini file"
            )
        self._server = servers.of(root)
        self._seen_until = self._server.last_number
        name = DEFAULT_SESSION if shares else session_name(place.node_id)
        words = words_of(choice, own, Library(root), prefix)
        self.variables = Variables()
        opened = self._server.put(name, words)
        self.session = Session(self._server, name, opened, servers.environ)
        self._shares = shares
        self._servers = servers
        self._printed = {one: one.printed_bytes for one in self._applications()}
        servers.cases.append(self)
        if not servers.lead_here:
            self.variables.set(self.session.env())

    def complaint(self) -> str:
        """Why this test fails, of what has come since this was asked last; mostly empty."""
        noted = self._server.noted(self._seen_until)
        if not noted:
            return ""
        self._seen_until = noted[-1].number
        entries = [one.entry for one in noted]
        missed = [entry for entry in entries if entry.outcome is Outcome.MISS]
        failed = [*missed, *not_stored(entries)]
        if not failed:
            return ""
        told = failure_told(len(missed), failed, self._place.node_id)
        strays = {entry.session for entry in failed} - {self.session.name}
        return f"{told}\n{_stray_told(strays)}" if strays else told

    def never_fired(self) -> str:
        """Which of the test's own faults did not happen so far; mostly empty."""
        if not self._choice.rules:
            return ""
        rules = self.session.verify().never_fired
        return never_fired_told(rules) if rules else ""

    def printed(self) -> list[tuple[str, str]]:
        """What each application has printed in this test, and since this was asked last."""
        found = []
        for one in self._applications():
            text = one.output_from(self._printed.get(one, 0))
            self._printed[one] = one.printed_bytes
            found.append((str(one), text[-_MOST_SHOWN:]))
        return [(command, text) for command, text in found if text]

    def close(self) -> None:
        """End what was started in this test. Raises UsageError."""
        self.session.applications.stop()

    def end(self) -> tuple[str, dict[str, int]]:
        """Put the environment back, close the cassette; what is wrong at the end, and the tally.

        Of a test that did not pass, nothing is kept.
        """
        self.close()
        self.variables.restore()
        self._servers.cases.remove(self)
        name = self.session.name
        outcomes, checked = self._server.tally(name), self.session.verify()
        counts = tally(
            outcomes,
            faults=sum(count for _, count in checked.fired),
            drift=checked.drifted,
            unused=len(checked.unused) if self._counts_unused else 0,
        )
        complaint = ""
        if self.passed and checked.unused and self._choice.unused == "fail" and self._counts_unused:
            complaint = unused_told(checked.unused, self._place.node_id)
            self.passed = False
        is_whole = self._choice.mode == "record" and not self._choice.cassettes
        try:
            self._server.end(name, keep=self.passed, fresh=is_whole)
        except LlmreplayError as error:
            complaint = "\n".join(filter(None, (complaint, f"llmreplay: {error}")))
        return complaint, counts

    def _applications(self) -> tuple[Application, ...]:
        shared = self._servers.shared if self._shares else None
        return (*(shared.applications if shared is not None else ()), *self.session.applications)

    @property
    def _counts_unused(self) -> bool:
        """While recording anew, nothing that is recorded is asked for."""
        return self._choice.unused != "ignore" and self._choice.mode in {"replay", "auto", "once"}


def _stray_told(sessions: set[str]) -> str:
    shown = ", ".join(sorted(sessions))
    return (
        f"Of these, some came for {shown}, which is not this test's session: a client that was "
        "made before this test goes on using the address it got then; make it within each test, "
        "or in a fixture of function scope"
    )
