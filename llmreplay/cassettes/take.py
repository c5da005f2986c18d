"""One take of one cassette: locked, appended to, closed. All of it blocking IO.

It decides what order of writes keeps everything: an exchange is in the file and durable before
`append` returns, a new cassette gets its name only with its first exchange in it, and closing
replaces the file in one step. Which exchanges stay is `superseding`'s to say. `recorder` calls
it, from its thread.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol, Self, TypeAlias

from llmreplay.cassettes.closing import closed
from llmreplay.cassettes.contents import HEADER, BrokenFileError, Contents, read_contents
from llmreplay.cassettes.document import dump, read_head
from llmreplay.cassettes.folder import Folder, read_from, write_all
from llmreplay.cassettes.mistakes import keys_at
from llmreplay.cassettes.names import SUFFIX, parts_of
from llmreplay.errors import CassetteError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from llmreplay.cassettes.library import Index, Library
    from llmreplay.core.exchange import Exchange

__all__ = ["Closed", "Finding", "Scan", "Take"]

_NEW_FILE_MODE: Final = 0o666
"""Less the umask: a cassette is committed like any other file."""
_OPEN_ATTEMPTS: Final = 10


class Finding(Protocol):
    """A secret that was left. The secret itself is in nothing that gets printed."""

    @property
    def kind(self) -> str:
        """Which kind of secret, as in `secret-formats`."""
        ...

    @property
    def start(self) -> int:
        """Where it begins in the text."""
        ...


Scan: TypeAlias = Callable[[str], Sequence[Finding]]
"""The last look at a document before it is written: what secrets are in it."""


@dataclass(frozen=True, slots=True)
class Closed:
    """What closing a take made of its cassette."""

    name: str
    path: Path
    new: int = 0
    """Exchanges that were not there before."""
    replaced: int = 0
    """Old exchanges that gave way to newer ones."""
    unchanged: int = 0
    """Exchanges that were recorded again and came out the same."""
    dropped: int = 0
    """Transient failures, with `fresh` exchanges not seen again, and all of a discarded take."""

    def __str__(self) -> str:
        counts = {
            "new": self.new,
            "replaced": self.replaced,
            "unchanged": self.unchanged,
            "dropped": self.dropped,
        }
        told = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
        return f"{self.path}: {told or 'nothing recorded'}"


class Take:
    """One recording run of one cassette. It holds the cassette's lock until it is closed.

    `torn` is where an unfinished last document of an earlier run was put, if there was one.
    """

    torn: Path | None

    def __init__(self, library: Library, name: str, scan: Scan, folder: Folder) -> None:
        """`open` makes one. `folder` belongs to the take from now on."""
        self.name = name
        self.path = library.path(name)
        self.torn = None
        self._limits = library.limits
        self._scan = scan
        self._folder = folder
        self._file = f"{parts_of(name)[-1]}{SUFFIX}"
        # A new cassette is written, and locked, under this name until it holds an exchange.
        self._new_file = f".{self._file}.new"
        self._aside_file = f".{self._file}.tmp"
        self._descriptor = -1
        self._is_new = self._published = False
        self._written_end = self._durable_end = 0
        self._found_end = 0
        self._cut_back_to: int | None = None
        self._last_number = 0
        self._appended = 0

    @classmethod
    def open(cls, library: Library, name: str, scan: Scan) -> Self:
        """Lock the cassette `name` and be ready to append.

        Raises:
            UsageError: another recorder has it open, or the name or folder cannot be used.
            CassetteError: what is there is broken, so that nothing may be added to it.
        """
        path = library.path(name)
        try:
            folder = Folder.open(library.folder, parts_of(name)[:-1], create=True)
            take = cls(library, name, scan, folder)
        except OSError as error:
            raise _unusable(path, error) from error
        try:
            take._lock()
            take._clean_up()
            take._read()
        except OSError as error:
            take._release()
            raise _unusable(path, error) from error
        except BaseException:
            take._release()
            raise
        return take

    def existing_text(self) -> str:
        """All that is in the cassette so far."""
        return read_from(self._descriptor, 0, self._written_end).decode()

    def append(self, exchange: Exchange) -> str:
        """Write one exchange and make it durable; gives its source, `cassette#number`.

        Its `number` is its order within this take; `recorded` must be set.

        Raises:
            CassetteError: a secret was left in it, or it could not be written. The file is as
                it was before, and later exchanges may succeed.
        """
        source = self.write(exchange)
        self.sync()
        return source

    def write(self, exchange: Exchange, scan: Scan | None = None) -> str:
        """The first half of `append`: the exchange is not durable before `sync`.

        `scan` looks at this one exchange in place of the take's own.
        """
        if exchange.recorded is None:
            raise ValueError("an exchange that is recorded says when and in which take")
        numbered = replace(exchange, number=self._last_number + exchange.number)
        text = dump(numbered, open_take=True)
        self._refuse_secrets((scan or self._scan)(text), numbered.number, text)
        data = self._lead() + text.encode()
        self._refuse_too_much(data, numbered.number)
        try:
            if self._cut_back_to is not None:
                os.ftruncate(self._descriptor, self._cut_back_to)
                self._cut_back_to = None
            self._check_undisturbed()
            os.lseek(self._descriptor, self._written_end, os.SEEK_SET)
            write_all(self._descriptor, data)
        except OSError as error:
            self._cut_back(self._written_end)
            raise self._not_recorded(error) from error
        self._written_end += len(data)
        self._appended += 1
        return f"{self.name}#{numbered.number}"

    def sync(self) -> None:
        """Make durable what was written.

        Raises:
            CassetteError: it could not be. All that was written since the last time is out of
                the file again.
        """
        if self._durable_end == self._written_end:
            return
        try:
            os.fsync(self._descriptor)
            if not self._published:
                self._publish()
        except OSError as error:
            self._cut_back(self._durable_end)
            raise self._not_recorded(error) from error
        self._durable_end = self._written_end

    def close(self, index: Index, *, keep_errors: bool = False, fresh: bool = False) -> Closed:
        """Rewrite the cassette atomically: this take's exchanges replace older ones.

        Raises:
            CassetteError: it could not be rewritten. Everything recorded is in the file still.
        """
        try:
            if not self._appended or not self._durable_end:
                return Closed(self.name, self.path)
            return self._rewrite(index, keep_errors=keep_errors, fresh=fresh)
        except BrokenFileError as error:
            raise CassetteError(f"{self.path}: the take could not be closed: {error}") from error
        except OSError as error:
            raise CassetteError(
                f"{self.path}: the take could not be closed: {error.strerror}. All exchanges are "
                "in the file as they were appended, and it can be replayed; the next recording "
                "into it will tidy it up"
            ) from error
        finally:
            self._release()

    def discard(self) -> Closed:
        """Take everything back that this take appended: the file is what it was, or not there.

        Raises:
            CassetteError: something else changed the file, or it could not be changed back.
        """
        try:
            if self._cut_back_to is None:
                self._check_undisturbed()
            os.ftruncate(self._descriptor, self._found_end)
            os.fsync(self._descriptor)
            self._written_end = self._durable_end = self._found_end
            return Closed(self.name, self.path, dropped=self._appended)
        except OSError as error:
            raise CassetteError(
                f"{self.path}: what was recorded could not be taken back: {error.strerror}"
            ) from error
        finally:
            self._release()

    # Opening.

    def _lock(self) -> None:
        """Open the cassette, or what is to become it, so that nobody else can."""
        for _ in range(_OPEN_ATTEMPTS):
            self._published = self._folder.exists(self._file)
            file = self._file if self._published else self._new_file
            flags = os.O_RDWR if self._published else os.O_RDWR | os.O_CREAT
            try:
                descriptor = self._folder.open_file(file, flags, _NEW_FILE_MODE)
            except FileNotFoundError:
                continue  # it went away just now
            try:
                self._flock(descriptor)
                # Another take may have renamed or published a file between the steps above.
                same_file = self._folder.inode(file) == os.fstat(descriptor).st_ino
                if same_file and self._folder.exists(self._file) == self._published:
                    self._descriptor = os.dup(descriptor)
                    return
            finally:
                os.close(descriptor)
        raise UsageError(f"{self.path}: is being replaced again and again by something else")

    def _flock(self, descriptor: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError(
                f"{self.path}: another recorder is at work on it; wait until it has ended, or "
                "record into another cassette"
            ) from error

    def _clean_up(self) -> None:
        """Remove what a take left that was killed. Nothing in it was ever reported as stored."""
        self._folder.remove(self._aside_file)
        self._is_new = not self._published
        if self._is_new:
            os.ftruncate(self._descriptor, 0)
            return
        inode = self._folder.inode(self._new_file)
        if inode is None:
            return
        if inode != os.fstat(self._descriptor).st_ino:
            with self._folder.opened(self._new_file, os.O_RDWR) as descriptor:
                self._flock(descriptor)
        self._folder.remove(self._new_file)

    def _read(self) -> None:
        size = os.fstat(self._descriptor).st_size
        try:
            contents = read_contents(read_from(self._descriptor, 0, size), self._limits)
            heads = contents.each(read_head, self._limits)
        except BrokenFileError as error:
            mistakes = [f"{self.path}:{line}: {reason}" for line, reason in error.mistakes]
            raise CassetteError("\n".join(mistakes)) from error
        self._last_number = max((head.number for head in heads), default=0)
        self._written_end = self._durable_end = size
        if contents.torn is not None:
            self._put_aside(contents, contents.torn.start)
        self._found_end = self._durable_end

    def _put_aside(self, contents: Contents, start: int) -> None:
        """Move a torn tail to a file of its own: first there, then not here."""
        attempt = 1
        while self._folder.exists(torn := f"{self._file}.torn-{attempt}"):
            attempt += 1
        with self._folder.opened(torn, os.O_WRONLY | os.O_CREAT | os.O_EXCL) as descriptor:
            write_all(descriptor, contents.data[start:])
            os.fsync(descriptor)
        self._folder.sync()
        os.ftruncate(self._descriptor, start)
        os.fsync(self._descriptor)
        self._written_end = self._durable_end = start
        self.torn = self.path.with_name(torn)

    # Appending.

    def _publish(self) -> None:
        """Give a new cassette its name, now that there is an exchange in it."""
        self._folder.give_name(self._new_file, self._file)
        self._published = True
        self._folder.remove(self._new_file)
        self._folder.sync()

    def _lead(self) -> bytes:
        """What comes before the next document: a new file's header, or a missing line break."""
        end = self._written_end
        if not end:
            return HEADER.encode()
        return b"" if read_from(self._descriptor, end - 1, 1) == b"\n" else b"\n"

    def _refuse_too_much(self, data: bytes, number: int) -> None:
        """What could not be read again is not written."""
        limits = self._limits
        if len(data) > limits.max_document_bytes:
            limit = f"an exchange in a cassette has at most {limits.max_document_bytes:,} bytes"
        elif self._written_end + len(data) > limits.max_file_bytes:
            limit = f"a cassette has at most {limits.max_file_bytes:,} bytes; record into another"
        else:
            return
        raise CassetteError(f"{self.path}: exchange {number} was not recorded: {limit}")

    def _refuse_secrets(self, findings: Sequence[Finding], number: int, text: str) -> None:
        if findings:
            places = sorted({f"{each.kind} in {keys_at(text, each.start)}" for each in findings})
            raise CassetteError(
                f"{self.path}: exchange {number} was not recorded, because secrets were left in "
                f"it: {'; '.join(places)}. Nothing of it was written"
            )

    def _check_undisturbed(self) -> None:
        """An editor or a checkout may have put another file here, or written into this one."""
        stat = os.fstat(self._descriptor)
        file = self._file if self._published else self._new_file
        if self._folder.inode(file) != stat.st_ino or stat.st_size != self._written_end:
            raise CassetteError(
                f"{self.path}: something else changed or replaced the file while it was recorded "
                "into; nothing more is written to it. Start the recording again"
            )

    def _not_recorded(self, error: OSError) -> CassetteError:
        is_full = error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
        remedy = "make room, and record again" if is_full else "see to it, and record again"
        return CassetteError(
            f"{self.path}: an exchange could not be recorded: {error.strerror}. The cassette is "
            f"as it was before; {remedy}"
        )

    def _cut_back(self, end: int) -> None:
        self._written_end = end
        try:
            os.ftruncate(self._descriptor, end)
        except OSError:
            self._cut_back_to = end  # a torn tail until then, which readers pass over

    # Closing.

    def _rewrite(self, index: Index, *, keep_errors: bool, fresh: bool) -> Closed:
        self._check_undisturbed()
        contents = read_contents(read_from(self._descriptor, 0, self._durable_end), self._limits)
        data, outcome = closed(contents, index, self._limits, keep_errors=keep_errors, fresh=fresh)
        self._replace_file(data)
        return Closed(
            name=self.name,
            path=self.path,
            new=outcome.new,
            replaced=outcome.replaced,
            unchanged=outcome.unchanged,
            dropped=outcome.dropped,
        )

    def _replace_file(self, data: bytes) -> None:
        mode = os.fstat(self._descriptor).st_mode & 0o777
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        try:
            with self._folder.opened(self._aside_file, flags) as descriptor:
                write_all(descriptor, data)
                os.fchmod(descriptor, mode)
                os.fsync(descriptor)
            self._folder.replace(self._aside_file, self._file)
            self._folder.sync()
        except OSError:
            with suppress(OSError):
                self._folder.remove(self._aside_file)
            raise

    def _release(self) -> None:
        """Give the lock back, and leave nothing of a cassette that holds nothing."""
        if self._descriptor >= 0:
            if self._is_new and not self._durable_end:
                with suppress(OSError):
                    self._folder.remove(self._file if self._published else self._new_file)
            os.close(self._descriptor)
            self._descriptor = -1
        self._folder.close()


def _unusable(path: Path, error: OSError) -> UsageError:
    why = (
        "a file is where a folder should be"
        if error.errno in {errno.EEXIST, errno.ENOTDIR}
        else error.strerror
    )
    remedy = "see to it, or name another place with --cassettes or --cassette"
    return UsageError(f"{path}: cannot be recorded into: {why}; {remedy}")
