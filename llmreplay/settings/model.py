"""The `Settings` value: everything a person can set, parsed, checked and frozen.

It knows no file, variable or flag; `load` fills it from those. `service` builds the parts from
it, and hands each part only what concerns it.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, field
from hashlib import blake2b
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeAlias

import platformdirs

from llmreplay import __version__
from llmreplay.core.canonical import MatchSettings
from llmreplay.core.matching import AfterLast
from llmreplay.core.timing import INSTANT, Timing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmreplay.core.proxies import Proxy

__all__ = ["Limits", "LogFormat", "Mode", "OnMiss", "Settings"]

Mode: TypeAlias = Literal["all", "new", "once", "replay"]
OnMiss: TypeAlias = Literal["fail", "record", "forward"]
LogFormat: TypeAlias = Literal["text", "json"]

MIB = 2**20


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client, or one upstream, can make this process hold or wait for."""

    max_connections: int = 1_024
    max_header_bytes: int = 64 * 1_024
    """Request line and headers together."""
    max_body_bytes: int = 64 * MIB
    """A request or response body as it travels."""
    max_decoded_bytes: int = 256 * MIB
    """The same body after its content encoding is taken off."""
    header_timeout_ms: float = 10_000
    """From the first byte of a request to the end of its headers."""
    body_timeout_ms: float = 60_000
    """The longest silence within a request body."""
    idle_timeout_ms: float = 75_000
    """The longest silence between requests of one connection."""
    connect_timeout_ms: float = 10_000
    """To reach an upstream."""
    upstream_timeout_ms: float = 600_000
    """The longest silence of an upstream: SDKs wait 10 minutes for one that thinks."""
    drain_timeout_ms: float = 120_000
    """How long a recording goes on reading after its client has left."""


def _ca_folder() -> Path:
    """Beside what else belongs to the user, never to a project."""
    return platformdirs.user_data_path("llmreplay") / "ca"


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of one run.

    `upstreams` are the added or redirected ones by name, `upstream` what the bare path
    reaches. `gateways` are addresses that a command's own variables lead to: they stand in for a
    provider by base URL only, so that no key for its real host goes there. `mode` is `replay` for
    `serve`; `on_miss` counts for `serve` only. `cassette` is the one that the default session
    records into. `allow_hosts` are hosts that clients may ask for through the proxy besides the
    known ones, with a port or None for 80 and 443. `report` is written at the end, as JSON, or as
    JUnit's XML if its name ends so. `upstream_proxy` leads out of here: None for that of the
    environment, False for none.
    """

    cassettes: Path = Path("cassettes")
    cassette: str = "default"
    host: str = "127.0.0.1"
    port: int = 8787
    allow_remote: bool = False
    allow_hosts: tuple[tuple[str, int | None], ...] = ()
    proxy_password: str = field(default="", repr=False)
    ca_dir: Path = field(default_factory=_ca_folder)
    upstream: str | None = None
    upstreams: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    gateways: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    upstream_proxy: Proxy | Literal[False] | None = None
    mode: Mode = "all"
    fresh: bool = False
    keep_errors: bool = False
    on_miss: OnMiss = "fail"
    after_last: AfterLast = AfterLast.REPEAT
    timing: Timing = INSTANT
    overlays: tuple[Path, ...] = ()
    match: MatchSettings = field(default_factory=MatchSettings)
    miss_status: int = 470
    log_format: LogFormat = "text"
    quiet: bool = False
    report: Path | None = None
    seed: int = 0
    limits: Limits = field(default_factory=Limits)

    @property
    def match_digest(self) -> str:
        """A name for all that fingerprints depend on but the requests: 32 hex digits.

        The same settings in the same version give the same one, on any machine.
        """
        told = repr((__version__, astuple(self.match)))
        return blake2b(told.encode(), digest_size=16).hexdigest()
