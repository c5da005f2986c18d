"""The file that a report goes to: looked at before the run, written after it, whole or not."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from llmreplay.errors import LlmreplayError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Place"]

_MODE: Final = 0o644


class Place:
    """A path that a report can be written to.

    Raises:
        UsageError: it cannot, and why.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        # What a link leads to is written, not the link.
        self._real = Path(os.path.realpath(path))
        if self._real.is_dir():
            raise UsageError(f"report: {path} is a folder; name a file in it: {path}/report.json")
        if not self._real.parent.is_dir():
            raise UsageError(f"report: there is no folder {path.parent}; make it first")
        try:
            with self._aside():
                pass
        except OSError as error:
            raise UsageError(
                f"report: {path} cannot be written ({error.strerror}); name another file"
            ) from error

    def write(self, data: bytes) -> None:
        """Put `data` there, in one step. Raises LlmreplayError."""
        try:
            with self._aside() as (descriptor, name):
                with open(descriptor, "wb", closefd=False) as file:
                    file.write(data)
                os.fsync(descriptor)
                name.replace(self._real)
        except OSError as error:
            raise LlmreplayError(
                f"report: {self.path} could not be written ({error.strerror})"
            ) from error

    @contextlib.contextmanager
    def _aside(self) -> Iterator[tuple[int, Path]]:
        """A file beside it, which is gone afterwards unless it was renamed."""
        folder = self._real.parent
        descriptor, name = tempfile.mkstemp(prefix=f".{self._real.name}.", dir=folder)
        try:
            os.fchmod(descriptor, _MODE & ~_umask())
            yield descriptor, Path(name)
        finally:
            os.close(descriptor)
            Path(name).unlink(missing_ok=True)


def _umask() -> int:
    """What the user takes from the rights of new files. It can only be asked for by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
