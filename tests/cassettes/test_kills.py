"""Nothing that was reported as stored is lost, whenever the process is killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from llmreplay.cassettes import Take
from tests.cassettes.making import an_exchange, index, no_secrets

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmreplay.cassettes import Library

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_a_kill_at_any_step_loses_nothing(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    found = subprocess.run(  # noqa: S603  # our own script
        [sys.executable, ROOT / "tests" / "cassettes" / "kills.py", tmp_path],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert found.stderr == ""
    result = json.loads(found.stdout)
    assert result["losses"] == []
    assert result["kills"] >= 200
    record_property("counted", f"{result['kills']} kills of a recording, nothing lost")


def test_what_is_on_disk_is_so_before_it_has_a_name(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut loses what was not synced: content first, then the name, then its folder."""
    calls: list[str] = []

    def traced(name: str, really: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **keywords: Any) -> Any:  # noqa: ANN401  # any of `os`
            calls.append(name)
            return really(*arguments, **keywords)

        return call

    for name in ("write", "fsync", "link", "unlink", "replace", "fchmod"):
        monkeypatch.setattr(os, name, traced(name, getattr(os, name)))

    def of(act: Callable[[], object]) -> list[str]:
        calls.clear()
        act()
        return calls.copy()

    library.folder.mkdir()
    take = Take.open(library, "a", no_secrets)
    assert of(lambda: take.append(an_exchange(1, "q1"))) == [
        *("write", "fsync", "link", "unlink", "fsync")
    ]
    assert of(lambda: take.append(an_exchange(2, "q2"))) == ["write", "fsync"]
    assert of(lambda: take.close(index)) == ["write", "fchmod", "fsync", "replace", "fsync"]
