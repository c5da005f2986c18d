"""What a test asks of a server, wherever that runs, and what it is told.

Values and a protocol: `server` is one in this process, `remote` one that is reached by HTTP.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmreplay.core.dialect import Json
    from llmreplay.replay.seen import Seen

__all__ = ["Checked", "Driven", "Opened", "scoped"]


@dataclass(frozen=True, slots=True)
class Opened:
    """A session that was set up: whether nothing of it leaves this machine, and what is missing.

    `recorded` are the upstreams that it has recordings of, as far as that is known.
    """

    replaying: bool
    missing: tuple[str, ...] = ()
    recorded: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Checked:
    """What there is to say of a session so far.

    `missed` requests had no recording; `explanations` are of the first few. `unused` are
    recordings that were never given, `cassette#number`; `live_calls` went to a provider;
    `drifted` were answered by place and differ from what was recorded; `fired` are rules by name
    and how often, `never_fired` those that did not.
    """

    missed: int = 0
    explanations: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    live_calls: int = 0
    drifted: int = 0
    fired: tuple[tuple[str, int], ...] = ()
    never_fired: tuple[str, ...] = ()

    @property
    def is_clean(self) -> bool:
        """Whether all requests were recorded so, all recordings used and all rules fired."""
        return not (self.missed or self.unused or self.drifted or self.never_fired)


class Driven(Protocol):
    """A server that a test drives. All methods wait; they raise UsageError or CassetteError."""

    @property
    def url(self) -> str:
        """The address."""
        ...

    def put(self, name: str, words: Mapping[str, Json]) -> Opened:
        """Set up a session; `words` are as for `PUT sessions/NAME` of the control API."""
        ...

    def end(self, name: str, *, keep: bool, fresh: bool = False) -> None:
        """Forget a session and close its recording; without `keep`, nothing recorded stays."""
        ...

    def reset(self, name: str) -> None:
        """Begin a session anew."""
        ...

    def verify(self, name: str) -> Checked:
        """What there is to say of a session so far."""
        ...

    def requests(
        self,
        *,
        session: str | None = None,
        upstream: str | None = None,
        model: str | None = None,
        outcome: str | None = None,
    ) -> tuple[Seen, ...]:
        """The requests that came, oldest first; what is given are names or globs."""
        ...

    def add_rule(self, session: str | None, rule: Mapping[str, Json]) -> None:
        """Lay one more rule over a session, or over all."""
        ...

    def environment(
        self, session: str | None, environ: Mapping[str, str], opened: Opened | None
    ) -> dict[str, str]:
        """What to set so that a program's requests come here."""
        ...


def scoped(rule: Mapping[str, Json], session: str | None, number: int) -> dict[str, Json]:
    """`rule` as it holds for one session only, by a name of its own."""
    if session is None:
        return {"name": f"added rule {number}", **rule}
    match = {**(rule.get("match") or {}), "session": session}
    return {"name": f"{session} rule {number}", **rule, "match": match}
