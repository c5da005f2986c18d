"""Shells for the tests of the commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.shell import HELLO, REFUSED, Shell

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    monkeypatch.chdir(tmp_path)
    return Shell(tmp_path, capsys)


@pytest.fixture
def stocked(shell: Shell) -> Shell:
    """A shell with two cassettes."""
    shell.write("chat/hello", HELLO, REFUSED)
    shell.write("empty")
    return shell
