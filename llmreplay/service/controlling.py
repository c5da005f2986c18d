"""What the control API is told of a run: its cassettes, what their answers used up, its CA."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from llmreplay.control import Control, Shelved, operations
from llmreplay.dialects.registry import recognise
from llmreplay.errors import LlmreplayError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from llmreplay.cassettes import Library, Loaded
    from llmreplay.certificates import Authority
    from llmreplay.control import Rulebook, Stats
    from llmreplay.core.dialect import Usage
    from llmreplay.core.exchange import Exchange
    from llmreplay.core.policy import Mode
    from llmreplay.session import Journal, Sessions

__all__ = ["Controlled", "control_of"]


def control_of(  # noqa: PLR0913  # all that can be asked about
    run: Controlled,
    sessions: Sessions[Any],
    journal: Journal,
    rules: Rulebook,
    stats: Stats,
    *,
    settle: Callable[[], None],
    is_here: Callable[[str, int], bool],
    password: str,
) -> Control:
    """The control API of a run."""
    table = operations(sessions, journal, rules, stats, run)
    return Control(table, settle=settle, is_here=is_here, password=password)


class Controlled:
    """A run of `mode` that replays `loaded` and records into `library`. Implements `Run`."""

    def __init__(self, mode: Mode, loaded: Loaded, library: Library, authority: Authority) -> None:
        self.mode = mode
        self._loaded = loaded
        self._library = library
        self._authority = authority

    def cassettes(self) -> Sequence[Shelved]:
        """What is loaded."""
        return [Shelved(one.name, len(one.recordings)) for one in self._loaded.cassettes]

    def usages(self, sources: Sequence[str]) -> Mapping[str, Usage]:
        """Tokens of exchanges that can be read."""
        wanted = defaultdict[str, set[str]](set)
        for source in sources:
            wanted[source.rpartition("#")[0]].add(source)
        return {
            source: recognise(exchange.request, None).reply(exchange.response).usage
            for name, those in wanted.items()
            for source, exchange in self._exchanges(name, those)
        }

    def ca_pem(self) -> str:
        """The certificate of the local CA."""
        return self._authority.pem

    def _exchanges(self, name: str, sources: set[str]) -> Iterator[tuple[str, Exchange]]:
        """Those exchanges of a cassette; it is read whole, unless it is loaded."""
        known: dict[str, Callable[[], Exchange]] = {
            recording.source: recording.load
            for cassette in self._loaded.cassettes
            if cassette.name == name
            for recording in cassette.recordings
        }
        try:
            if not known:
                for exchange in self._library.exchanges(name):
                    if (source := f"{name}#{exchange.number}") in sources:
                        yield source, exchange
                return
            for source in sources & known.keys():
                yield source, known[source]()
        except LlmreplayError:
            return  # it has changed since: what it used up is not known
