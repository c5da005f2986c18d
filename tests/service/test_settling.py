"""Settings become values for those who answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llmreplay.cassettes import Library
from llmreplay.core.hosts import Hosts
from llmreplay.core.policy import Mode
from llmreplay.core.routing import Upstreams
from llmreplay.service.settling import mode_of, settled_of, setup_of
from llmreplay.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

HOSTS = Hosts(Upstreams(), covers=lambda _host: True, forwards=False)


@pytest.mark.parametrize(
    ("written", "on_miss", "mode"),
    [
        ("replay", "fail", Mode.REPLAY),
        ("replay", "record", Mode.NEW),
        ("replay", "forward", Mode.FORWARD),
        ("all", "fail", Mode.ALL),
        ("new", "fail", Mode.NEW),
        ("once", "fail", Mode.ALL),
    ],
)
def test_a_mode_is_settled(tmp_path: Path, written: str, on_miss: str, mode: Mode) -> None:
    settings = Settings(mode=written, on_miss=on_miss)  # type: ignore[arg-type]  # words
    assert mode_of(settings, Library(tmp_path)) is mode


def test_once_replays_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "default.yaml").touch()
    assert mode_of(Settings(mode="once"), Library(tmp_path)) is Mode.REPLAY


def test_sessions_that_nobody_set_up_are_as_the_run() -> None:
    settings = Settings(seed=7, cassette="mine")
    settled, setup = settled_of(settings, Mode.NEW, HOSTS), setup_of(settings, Mode.NEW)
    assert (settled.mode, settled.cassette, settled.seed) == (Mode.NEW, "mine", 7)
    assert (setup.mode, setup.record_into, setup.seed) == (Mode.NEW, "mine", 7)
    assert (setup.timing, setup.after_last) == (settled.timing, settled.after_last)
    assert (setup.strictness, setup.cassettes) == (settled.match.strictness, None)
