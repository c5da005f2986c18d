"""The corpus of recorded traffic: where it is, what its manifest says, its exchanges.

It is not part of the repository. It is looked for in the folder that `LLMREPLAY_CORPUS` names,
else in `../shared/corpus` beside the repository.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from llmreplay.interop import read_any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmreplay.core.exchange import Exchange
    from llmreplay.interop import Imported

__all__ = ["Corpus", "Row", "Taken", "corpus_folder"]

_BESIDE_THE_REPOSITORY = Path(__file__).resolve().parents[3] / "shared" / "corpus"


def corpus_folder() -> Path:
    """Where the corpus is, or would be."""
    named = os.environ.get("LLMREPLAY_CORPUS")
    return Path(named) if named else _BESIDE_THE_REPOSITORY


@dataclass(frozen=True, slots=True)
class Row:
    """A file, as the manifest describes it. `interactions` counts them, of whatever kind."""

    path: str
    format: str
    replayable: bool
    interactions: int


@dataclass(frozen=True, slots=True)
class Taken:
    """An exchange and where it was taken from."""

    source: str
    exchange: Exchange

    def __str__(self) -> str:
        return f"{self.source}#{self.exchange.number}"


@dataclass(frozen=True, slots=True)
class Corpus:
    """The corpus in `folder`."""

    folder: Path
    rows: tuple[Row, ...]

    @classmethod
    def load(cls, folder: Path) -> Corpus:
        """The corpus that is described by the manifest in `folder`."""
        manifest = json.loads((folder / "manifest.json").read_bytes())
        return cls(
            folder,
            tuple(
                Row(row["path"], row["format"], row["replayable_http"], row["interactions"] or 0)
                for row in manifest
            ),
        )

    def read(self, row: Row) -> Imported:
        """What a file holds."""
        return read_any(self.folder / row.path)

    def exchanges(self) -> Iterator[Taken]:
        """Every exchange of every file that holds HTTP, in the manifest's order."""
        for row in self.rows:
            if row.replayable:
                for exchange in self.read(row).exchanges:
                    yield Taken(row.path, exchange)
