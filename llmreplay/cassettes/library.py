"""A folder of cassettes: names ⇄ paths, listing, loading for replay.

Loading reads every exchange so that a mistake stops the start, but keeps only what requests are
found by; a response is read again when it is asked for. What a request means comes in as a
function. `service` and the commands call it; recording is `take`'s.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from llmreplay.cassettes.closing import entries_of
from llmreplay.cassettes.contents import BrokenFileError, Contents, read_contents
from llmreplay.cassettes.document import BrokenDocumentError, read_exchange, read_head
from llmreplay.cassettes.folder import Folder, NotRegularError, read_from
from llmreplay.cassettes.index_cache import CachedFile, Row
from llmreplay.cassettes.names import SUFFIX, is_part, parts_of
from llmreplay.cassettes.reading import DEFAULT_LIMITS, Limits
from llmreplay.cassettes.superseding import supersede
from llmreplay.core.canonical import Strictness
from llmreplay.core.exchange import Exchange, Request
from llmreplay.core.tape import Indexed, Recording
from llmreplay.errors import CassetteError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from llmreplay.cassettes.index_cache import IndexCache, Shelf

__all__ = ["Cassette", "Index", "Library", "Loaded"]

_DIGEST_BYTES: Final = 16
_MAX_MISTAKES: Final = 50


Index: TypeAlias = Callable[[Request, str], Indexed]
"""(stored request with its upstream, base path) → what it is found by. Never raises."""


@dataclass(frozen=True, slots=True)
class Cassette:
    """A loaded cassette. Its recordings are in the order in which they answer."""

    name: str
    path: Path
    strictness: Strictness | None
    """What the cassette's own settings ask for, or None."""
    recordings: tuple[Recording, ...]
    base_paths: tuple[tuple[str, str], ...] = ()
    """(upstream, path): the paths that the addresses of upstreams had."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """All cassettes by name, and what a person should know: torn tails, files passed over."""

    cassettes: tuple[Cassette, ...]
    warnings: tuple[str, ...] = ()

    @property
    def upstreams(self) -> frozenset[str]:
        """The names of all upstreams that were recorded."""
        return frozenset(
            recording.upstream
            for cassette in self.cassettes
            for recording in cassette.recordings
            if recording.upstream is not None
        )

    @property
    def base_paths(self) -> dict[str, tuple[str, ...]]:
        """By upstream, the paths that its address had when it was recorded."""
        found: dict[str, dict[str, None]] = {}
        for cassette in self.cassettes:
            for upstream, base_path in cassette.base_paths:
                found.setdefault(upstream, {})[base_path] = None
        return {upstream: tuple(paths) for upstream, paths in found.items()}


class Library:
    """The cassettes below a folder."""

    def __init__(self, folder: Path, limits: Limits = DEFAULT_LIMITS) -> None:
        """Nothing is read yet, and the folder need not exist."""
        self.folder = folder
        self.limits = limits

    def path(self, name: str) -> Path:
        """Where the cassette `name` is or would be.

        Raises:
            UsageError: it is no name of a cassette.
        """
        return self.folder.joinpath(*parts_of(name)).with_name(f"{parts_of(name)[-1]}{SUFFIX}")

    def names(self) -> tuple[str, ...]:
        """The names of all cassettes, sorted.

        Raises:
            UsageError: there is no such folder.
        """
        return self._list()[0]

    def exchanges(self, name: str) -> tuple[Exchange, ...]:
        """Every exchange in a cassette, by number, whole: for `show`, `ls`, `check`, export.

        Raises:
            UsageError: there is no such cassette.
            CassetteError: it is broken.
        """
        path = self.path(name)
        try:
            exchanges = self.contents(name).each(read_exchange, self.limits)
        except BrokenFileError as error:
            raise CassetteError("\n".join(_placed(path, error))) from error
        return tuple(sorted(exchanges, key=lambda exchange: exchange.number))

    def contents(self, name: str) -> Contents:
        """What stands in a cassette, exchanges not yet read.

        Raises:
            UsageError: there is no such cassette.
            CassetteError: it cannot be read.
            BrokenFileError: it is no cassette.
        """
        return read_contents(self._read(name), self.limits)

    def load(
        self, index: Index, *, names: Sequence[str] | None = None, cache: IndexCache | None = None
    ) -> Loaded:
        """Make all cassettes (or those named) ready for replay.

        Responses stay on disk until they are asked for.

        Raises:
            UsageError: there is no such folder, or no cassette of a given name.
            CassetteError: the mistakes of all files, together.
        """
        listed, warnings = self._list() if names is None else (tuple(sorted(set(names))), [])
        shelf = cache.shelf(self.folder) if cache else None
        cassettes: list[Cassette] = []
        mistakes: list[str] = []
        for name in listed:
            path = self.path(name)
            try:
                file = self._indexed(self._read(name), index, shelf)
            except BrokenFileError as error:
                mistakes += _placed(path, error)
            except CassetteError as error:
                mistakes.append(str(error))
            else:
                cassettes.append(self._cassette(name, path, file))
                if file.torn_line is not None:
                    warnings.append(f"{path}:{file.torn_line}: {TORN}")
        if mistakes:
            more = len(mistakes) - _MAX_MISTAKES
            shown = [*mistakes[:_MAX_MISTAKES], *([f"… and {more} more"] if more > 0 else [])]
            raise CassetteError("\n".join(shown))
        if cache and shelf:
            cache.keep(self.folder, shelf)
        return Loaded(tuple(cassettes), tuple(warnings))

    def _list(self) -> tuple[tuple[str, ...], list[str]]:
        """The names of the cassettes, and a line for each file that looks as if it were one."""
        if self.folder.is_file():
            raise UsageError(
                f"{self.folder}: this is a file, and cassettes are in a folder: "
                f"--cassettes {self.folder.parent}"
            )
        if not self.folder.is_dir():
            raise UsageError(
                f"{self.folder}: there is no such folder; record cassettes into it with "
                "`llmreplay record`, or name another with --cassettes"
            )
        names: list[str] = []
        warnings: list[str] = []
        for folder, folders, files in os.walk(self.folder):
            folders[:] = sorted(part for part in folders if is_part(part))
            below = os.path.relpath(folder, self.folder)
            for file in sorted(files):
                stem = file.removesuffix(SUFFIX)
                if stem != file and is_part(stem):
                    names.append(stem if below == "." else f"{below}/{stem}")
                elif file.endswith((SUFFIX, ".yml")) and not file.startswith("."):
                    warnings.append(f"{folder}/{file}: passed over: {_NO_NAME}")
        return tuple(sorted(names)), warnings

    def _read(self, name: str) -> bytes:
        *folders, stem = parts_of(name)
        path = self.path(name)
        try:
            with Folder.open(self.folder, folders) as folder:
                return folder.read(f"{stem}{SUFFIX}", self.limits.max_file_bytes)
        except FileNotFoundError as error:
            raise UsageError(f"{path}: there is no such cassette") from error
        except NotRegularError as error:
            raise CassetteError(
                f"{path}:1: a link or device, no file; put the file here"
            ) from error
        except OSError as error:
            raise CassetteError(f"{path}:1: cannot be read: {error.strerror}") from error

    def _indexed(self, data: bytes, index: Index, shelf: Shelf | None) -> CachedFile:
        digest = _digest(data)
        known = shelf.get(digest) if shelf else None
        if known is not None:
            return known
        file = _index(read_contents(data, self.limits), index, self.limits)
        if shelf:
            shelf.put(digest, file)
        return file

    def _cassette(self, name: str, path: Path, file: CachedFile) -> Cassette:
        strictness = Strictness(file.strictness) if file.strictness else None
        recordings = tuple(
            Recording(
                fingerprint=row.fingerprint,
                features=row.features,
                upstream=row.upstream or None,
                method=row.method,
                path=row.path,
                source=f"{name}#{row.number}",
                load=_Stored(self, name, row),
                strictness=strictness or Strictness.EXACT,
            )
            for row in file.rows
        )
        return Cassette(name, path, strictness, recordings, file.base_paths)


class _Stored:
    """An exchange on disk, read when it is asked for."""

    __slots__ = ("_library", "_name", "_row")

    def __init__(self, library: Library, name: str, row: Row) -> None:
        self._library, self._name, self._row = library, name, row

    def __call__(self) -> Exchange:
        """The exchange.

        Raises:
            CassetteError: the file is not the one that was loaded.
        """
        row, path = self._row, self._library.path(self._name)
        *folders, stem = parts_of(self._name)
        try:
            with (
                Folder.open(self._library.folder, folders) as folder,
                folder.opened(f"{stem}{SUFFIX}", os.O_RDONLY) as descriptor,
            ):
                data = read_from(descriptor, row.offset, row.length)
        except OSError as error:
            raise CassetteError(f"{path}:1: cannot be read any more: {error.strerror}") from error
        if _digest(data) != row.digest:
            raise CassetteError(f"{path}:1: changed since it was loaded; start llmreplay again")
        try:
            return read_exchange(data, self._library.limits)
        except BrokenDocumentError as error:
            raise CassetteError(f"{path}: exchange {row.number}: {error}") from error


TORN: Final = (
    "the last document has no end: writing it was cut short; it is passed over. If it is whole, "
    "put a line of `...` after it, else delete it"
)
_NO_NAME: Final = (
    f"cassettes end in {SUFFIX}, and their names are letters, digits, `.`, `_` and `-`"
)


def _index(contents: Contents, index: Index, limits: Limits) -> CachedFile:
    """The index of a cassette, newer takes in the place of older ones."""
    heads = contents.each(read_head, limits)
    found = [index(head.request, head.base_path) for head in heads]
    rows = []
    for stay in supersede(entries_of(heads, found)).stays:
        position = stay.entry.position
        span, head, indexed = contents.spans[position], heads[position], found[position]
        rows.append(
            Row(
                number=head.number,
                upstream=head.upstream,
                method=indexed.method,
                path=indexed.path,
                fingerprint=indexed.fingerprint,
                features=indexed.features,
                offset=span.start,
                length=span.end - span.start,
                digest=_digest(contents.document(span)),
            )
        )
    torn_line = contents.torn.line if contents.torn else None
    bases = dict.fromkeys((head.upstream, head.base_path) for head in heads if head.base_path)
    return CachedFile(contents.strictness, torn_line, tuple(bases), tuple(rows))


def _placed(path: Path, error: BrokenFileError) -> list[str]:
    return [f"{path}:{line}: {reason}" for line, reason in error.mistakes]


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=_DIGEST_BYTES).digest()
