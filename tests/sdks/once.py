"""What takes long is made once for all workers of a run, and read by the others."""

from __future__ import annotations

import fcntl
import os
import pickle
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

__all__ = ["once"]

_Made = TypeVar("_Made")


def once(name: str, folders: pytest.TempPathFactory, make: Callable[[Path], _Made]) -> _Made:
    """What `make` makes in a new folder; the first worker that asks for `name` makes it."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return make(folders.mktemp(name))
    kept = folders.getbasetemp().parent / f"{name}.made"
    with kept.open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        if not (data := file.read()):
            data = pickle.dumps(make(folders.mktemp(name)))
            file.write(data)
    made: _Made = pickle.loads(data)  # noqa: S301  # written by another worker of this run
    return made
