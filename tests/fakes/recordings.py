"""Recordings made in one line, for tests of what finds and compares them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmreplay.core.canonical import MatchSettings, Strictness, canonical
from llmreplay.core.exchange import Exchange, Request, Response
from llmreplay.core.fingerprint import features, fingerprint
from llmreplay.core.tape import Asked, Recording, Tape
from tests.fakes.dialects import CHAT

if TYPE_CHECKING:
    from llmreplay.core.dialect import Dialect

__all__ = ["asked_of", "recording", "recording_of", "tape_of"]

PLAIN = MatchSettings()


def recording(
    name: str,
    upstream: str | None = "openai",
    *,
    source: str = "",
    route: tuple[str, str] = ("POST", "/v1/chat"),
    strictness: Strictness = Strictness.EXACT,
) -> Recording:
    """A recording that nothing is known of but how it is found; it cannot be loaded."""

    def load() -> Exchange:
        raise AssertionError(f"{name} was loaded")

    method, path = route
    return Recording(name.encode(), (), upstream, method, path, source or name, load, strictness)


def recording_of(
    request: Request,
    source: str,
    *,
    dialect: Dialect = CHAT,
    settings: MatchSettings = PLAIN,
    strictness: Strictness = Strictness.EXACT,
) -> Recording:
    """The recording of `request`, as it would be loaded from `source` under `settings`."""
    form = canonical(request, dialect, settings)
    number = int(source.rpartition("#")[2])
    exchange = Exchange(number, request.upstream or "", request, Response(200))
    return Recording(
        fingerprint(form),
        features(form, dialect),
        request.upstream,
        form.method,
        form.path,
        source,
        lambda: exchange,
        strictness,
    )


def asked_of(name: str, upstream: str | None = "openai", path: str = "/v1/chat") -> Asked:
    """What `recording(name)` is found by."""
    return Asked(name.encode(), "POST", path, upstream)


def tape_of(*recordings: Recording) -> Tape:
    """A tape with these."""
    tape = Tape()
    for one in recordings:
        tape.add(one)
    return tape
