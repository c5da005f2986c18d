"""The proof that a cassette gives back what was recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmreplay.cassettes.library import Library

__all__ = ["prove"]


def prove(library: Library, name: str) -> tuple[str, ...]:
    """Everything wrong with a cassette, each as `path:line: what, remedy`; empty if it is right.

    It is read, and for each exchange load(dump(x)) == x and dump is the same twice.
    """
    raise NotImplementedError
