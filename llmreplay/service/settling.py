"""The settings of a run as values for those who answer. Pure but for one look at `once`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmreplay.core.matching import AfterLast
from llmreplay.core.policy import Mode, on_miss
from llmreplay.session import Settled, Setup, index_request

if TYPE_CHECKING:
    from llmreplay.cassettes import Index, Library
    from llmreplay.core.exchange import Request
    from llmreplay.core.hosts import Hosts
    from llmreplay.core.tape import Indexed
    from llmreplay.settings import Settings

__all__ = ["index_by", "mode_of", "settled_of", "setup_of"]


def mode_of(settings: Settings, library: Library) -> Mode:
    """The settings' words as one mode. `once` is settled here: record if there is no cassette."""
    if settings.mode == "replay":
        return on_miss(settings.on_miss)
    if settings.mode == "once":
        return Mode.REPLAY if library.path(settings.cassette).exists() else Mode.ALL
    return Mode(settings.mode)


def settled_of(settings: Settings, mode: Mode, hosts: Hosts) -> Settled:
    """How calls are answered in this run."""
    return Settled(
        mode=mode,
        hosts=hosts,
        match=settings.match,
        after_last=AfterLast(settings.after_last),
        timing=settings.timing,
        miss_status=settings.miss_status,
        cassette=settings.cassette,
        seed=settings.seed,
        cassettes_shown=f"{settings.cassettes}/",
        max_decoded_bytes=settings.limits.max_decoded_bytes,
        after_client_seconds=settings.limits.drain_timeout_ms / 1000,
    )


def setup_of(settings: Settings, mode: Mode) -> Setup:
    """How sessions are answered that nobody set up."""
    return Setup(
        mode=mode,
        record_into=settings.cassette,
        seed=settings.seed,
        timing=settings.timing,
        after_last=AfterLast(settings.after_last),
        strictness=settings.match.strictness,
    )


def index_by(settings: Settings) -> Index:
    """What recorded requests are found by under these settings."""

    def index(request: Request, base_path: str) -> Indexed:  # noqa: ARG001  # the URL has it whole
        return index_request(request, settings.match)

    return index
