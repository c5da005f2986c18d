from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING, TypeAlias

import pytest

from llmreplay.errors import CassetteError
from llmreplay.interop import Imported, read_any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Reads: TypeAlias = Callable[[str | bytes], Imported]
    Refuses: TypeAlias = Callable[[str | bytes], str]


@pytest.fixture
def reads(tmp_path: Path) -> Reads:
    """What a file with this content gives."""

    def read(content: str | bytes) -> Imported:
        path = tmp_path / "recording"
        path.write_bytes(dedent(content).encode() if isinstance(content, str) else content)
        return read_any(path)

    return read


@pytest.fixture
def refuses(reads: Reads) -> Refuses:
    """The message about a file with this content, from its line number on."""

    def refuse(content: str | bytes) -> str:
        with pytest.raises(CassetteError) as caught:
            reads(content)
        return str(caught.value).partition("recording:")[2]

    return refuse
