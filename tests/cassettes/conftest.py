from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llmreplay.cassettes import Library

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where cassettes will be; it is not there yet."""
    return tmp_path / "cassettes"


@pytest.fixture
def library(folder: Path) -> Library:
    return Library(folder)
