"""Files in one folder, by descriptor: no link is followed, nothing but a regular file is opened.

A cassettes folder may come from a pull request, so every step below it is taken under the
descriptor of the step before. Knows names of files and their bytes, not what is in them.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["Folder", "NotRegularError", "read_from", "write_all"]

_FOLDER_FLAGS: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
# Without O_NONBLOCK, opening a pipe that somebody put there would wait for ever.
_FILE_FLAGS: Final = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_CHUNK: Final = 1 << 20


class NotRegularError(OSError):
    """A link, pipe or device where a file should be."""


class Folder:
    """An open folder. Use it in `with`, or `close` it."""

    def __init__(self, descriptor: int, path: Path) -> None:
        """`open` makes one; the descriptor belongs to it."""
        self.descriptor = descriptor
        self.path = path

    @classmethod
    def open(cls, root: Path, parts: Sequence[str] = (), *, create: bool = False) -> Self:
        """The folder `parts` below `root`. Only `root` itself may be reached over links.

        Raises:
            OSError: it is not there (unless it is to be created), or not a folder.
        """
        if create:
            root.mkdir(parents=True, exist_ok=True)
        folder = cls(os.open(root, _FOLDER_FLAGS), root)
        for part in parts:
            with folder:
                folder = cls(folder._enter(part, create=create), folder.path / part)
        return folder

    def _enter(self, part: str, *, create: bool) -> int:
        if create:
            with suppress(FileExistsError):
                os.mkdir(part, dir_fd=self.descriptor)
                self.sync()
        return os.open(part, _FOLDER_FLAGS | os.O_NOFOLLOW, dir_fd=self.descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the descriptor back; once is enough, twice is no error."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def open_file(self, name: str, flags: int, mode: int = 0o600) -> int:
        """A descriptor of the regular file `name`.

        Raises:
            OSError: it cannot be opened; `NotRegularError` if it is no regular file.
        """
        try:
            descriptor = os.open(name, flags | _FILE_FLAGS, mode, dir_fd=self.descriptor)
        except OSError as error:
            if error.errno in {errno.ELOOP, errno.ENXIO}:
                raise NotRegularError(error.errno, "not a regular file", name) from error
            raise
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise NotRegularError(errno.EINVAL, "not a regular file", name)
        return descriptor

    @contextmanager
    def opened(self, name: str, flags: int, mode: int = 0o600) -> Iterator[int]:
        """The same, closed at the end."""
        descriptor = self.open_file(name, flags, mode)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def read(self, name: str, limit_bytes: int) -> bytes:
        """The bytes of the file `name`, at most one more than the limit.

        Raises:
            OSError: it cannot be read.
        """
        with self.opened(name, os.O_RDONLY) as descriptor:
            return read_from(descriptor, 0, limit_bytes + 1)

    def exists(self, name: str) -> bool:
        """Whether there is anything called `name`."""
        return self.inode(name) is not None

    def inode(self, name: str) -> int | None:
        """What tells the file called `name` from others, or None if there is none."""
        try:
            return os.stat(name, dir_fd=self.descriptor, follow_symlinks=False).st_ino
        except FileNotFoundError:
            return None

    def remove(self, name: str) -> None:
        """There is no file `name` afterwards."""
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self.descriptor)

    def give_name(self, name: str, final: str) -> None:
        """Give the file `name` another name, which no file may have yet.

        The old name may stay, or not: remove it.

        Raises:
            FileExistsError: a file has the name.
        """
        here = self.descriptor
        try:
            os.link(name, final, src_dir_fd=here, dst_dir_fd=here, follow_symlinks=False)
        except OSError as error:
            if error.errno not in {errno.EPERM, errno.ENOTSUP, errno.ENOSYS}:
                raise
            # File systems without hard links (FAT, some shared folders).
            if self.exists(final):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), final) from error
            self.replace(name, final)

    def replace(self, name: str, final: str) -> None:
        """Put the file `name` in the place of `final`, in one step."""
        os.replace(name, final, src_dir_fd=self.descriptor, dst_dir_fd=self.descriptor)

    def sync(self) -> None:
        """Names given and taken are durable: without it a rename may be lost with the power."""
        try:
            os.fsync(self.descriptor)
        except OSError as error:
            if error.errno != errno.EINVAL:  # some network file systems have it only for files
                raise


def read_from(descriptor: int, offset: int, length: int) -> bytes:
    """At most `length` bytes from `offset` on."""
    pieces: list[bytes] = []
    while length > 0 and (piece := os.pread(descriptor, min(length, _CHUNK), offset)):
        pieces.append(piece)
        offset += len(piece)
        length -= len(piece)
    return b"".join(pieces)


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of `data` at the descriptor's position.

    Raises:
        OSError: not all could be written.
    """
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
