"""Where a CA lies on disk: one folder for each list of names, its key for the owner's eyes only.

It decides when a CA is made anew: there is none, it is near its end or broken, or others may have
read its key. It keeps processes from making two at once. `authority` asks it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypeAlias

from llmreplay.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from llmreplay.certificates.issuing import Issuer
    from llmreplay.certificates.names import Names

__all__ = ["CA_FILE", "RENEWED_BEFORE", "Keeping", "State"]

RENEWED_BEFORE: Final = timedelta(days=7)
"""What starts today can run for a week."""

CA_FILE: Final = "ca.pem"
_KEY_FILE: Final = "key.pem"
"""The key and its certificate in one file, so that they cannot part."""

_SHAPE: Final = "llmreplay CA 2"
"""To be changed with what stands in the certificates."""

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO

State: TypeAlias = tuple[int, int, int] | None
"""Changes when the CA does; None where there is no CA."""


class Keeping:
    """The folder of the CA for `names`, below `base`. It is made when something is put there."""

    def __init__(self, base: Path, names: Names) -> None:
        self._base = base.absolute()
        self._names = names
        digest = hashlib.sha256("\n".join((_SHAPE, *names.constraints)).encode()).hexdigest()
        self.folder = self._base / digest[:16]

    def state(self) -> State:
        """What tells this CA from the next."""
        try:
            found = os.lstat(self.folder / _KEY_FILE)
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def issuer(self, now: datetime) -> tuple[Issuer, State]:
        """The CA, made where there is none that is good for a while longer.

        Raises UsageError, with place and remedy, where it cannot be kept safely.
        """
        from llmreplay.certificates.issuing import Issuer  # noqa: PLC0415  # takes its time

        with self._ours():
            if (found := self._found(now)) is not None:
                return found
            with self._alone():
                # Another process may have been quicker.
                if (found := self._found(now)) is not None:
                    return found
                self._drop_expired(now)
                issuer = Issuer.made(self._names.constraints, now)
                self._write(_KEY_FILE, issuer.pem)
                self._write(CA_FILE, issuer.root_pem)
                return issuer, self.state()

    def put(self, name: str, data: bytes) -> Path:
        """A file with `data` in the folder; it is whole whenever it is there."""
        path = self.folder / name
        with self._ours():
            if _bytes_of(path) != data:
                with self._alone():
                    self._write(name, data)
        return path

    def _found(self, now: datetime) -> tuple[Issuer, State] | None:
        """The CA on disk, if it is whole, ours alone and not near its end."""
        from llmreplay.certificates.issuing import Issuer  # noqa: PLC0415  # takes its time

        state = self.state()
        pem = _secret(self.folder / _KEY_FILE)
        if pem is None:
            return None
        try:
            issuer = Issuer.loaded(pem)
        except Exception:  # noqa: BLE001  # broken in whatever way: it is made anew
            return None
        return (issuer, state) if issuer.lasts(now, RENEWED_BEFORE) else None

    @contextmanager
    def _ours(self) -> Iterator[None]:
        """The folder is there and nobody else's, and what goes wrong with it is told."""
        try:
            self._refuse_projects()
            self.folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with suppress(FileExistsError):
                self.folder.mkdir(mode=0o700)
            self._check_folder()
            yield
        except OSError as error:
            reason = error.strerror or str(error)
            raise UsageError(
                f"the local CA cannot be kept in {self.folder}: {reason}; give a folder that you "
                "can write to with --ca-dir or LLMREPLAY_CA_DIR"
            ) from error

    def _refuse_projects(self) -> None:
        """A key that lies in a project is committed, packed or copied into an image some day."""
        home = os.path.expanduser("~")  # noqa: PTH111  # never fails, where nobody has a home
        for folder in (self._base, *self._base.parents):
            # Those who keep their home directory under git keep keys in it all the same.
            if str(folder) == home:
                return
            if (folder / ".git").exists():
                raise UsageError(
                    f"the local CA must not be kept in {self._base}: it is in the project "
                    f"{folder}, and the CA's key would be too; give another folder with --ca-dir "
                    "or LLMREPLAY_CA_DIR, or none for the one of your own"
                )

    def _check_folder(self) -> None:
        found = os.lstat(self.folder)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise UsageError(
                f"the local CA cannot be kept in {self.folder}: that is no folder of yours; remove "
                "it, or give another with --ca-dir or LLMREPLAY_CA_DIR"
            )
        if found.st_mode & _OTHERS:
            # The key in it is judged by its own permissions.
            self.folder.chmod(0o700)
            if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                (self.folder / _KEY_FILE).unlink(missing_ok=True)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One process at a time, for all CAs of the base."""
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        lock = os.open(self._base / "lock", flags, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _write(self, name: str, data: bytes) -> None:
        """To be called alone: what a killed process left is overwritten."""
        new = self.folder / f"{name}.new"
        new.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with os.fdopen(os.open(new, flags, 0o600), "wb") as file:
            file.write(data)
        new.replace(self.folder / name)

    def _drop_expired(self, now: datetime) -> None:
        """Remove what is of no more use to anybody: CAs of other lists, files of older CAs."""
        from llmreplay.certificates.issuing import CA_LIFE  # noqa: PLC0415  # takes its time

        oldest = (now - CA_LIFE).timestamp()
        for file in self._base.glob(f"{'[0-9a-f]' * 16}/*"):
            with suppress(OSError):
                if os.lstat(file).st_mtime < oldest:
                    file.unlink()
        for folder in self._base.glob("[0-9a-f]" * 16):
            if folder != self.folder:
                with suppress(OSError):  # not empty
                    folder.rmdir()


def _secret(path: Path) -> bytes | None:
    """What is in `path`, if nobody else can have read or written it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        is_ours = stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid()
        return file.read() if is_ours and not found.st_mode & _OTHERS else None


def _bytes_of(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
