"""What loading found out, kept in the user's cache folder so that the next start is quick.

A cassette's index is found by the digest of its bytes, so it can be missing but never stale.
It decides nothing: whatever is wrong with it, from a full disk to garbage, it is as if there were
none. Never in the cassettes folder: people commit that.
"""

from __future__ import annotations

import hashlib
import os
import sys
from array import array
from base64 import b64decode, b64encode
from contextlib import suppress
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson
from platformdirs import user_cache_path

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from llmreplay.core.fingerprint import Fingerprint

__all__ = ["CachedFile", "IndexCache", "Row", "Shelf"]

_FORMAT: Final = f"llmreplay index 2 {sys.byteorder}"
_DIGEST_BYTES: Final = 16
_MAX_FILES: Final = 32
_MAX_BYTES: Final = 256 << 20
_SUFFIX: Final = ".index"


@dataclass(frozen=True, slots=True)
class Row:
    """One exchange in a cassette: what it is found by, and where its document is."""

    number: int
    upstream: str
    method: str
    path: str
    fingerprint: Fingerprint
    features: Sequence[int]
    offset: int
    length: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class CachedFile:
    """A cassette's index: its rows in the order in which they answer.

    `torn_line` is where an unfinished last document begins, or None. `base_paths` are pairs of
    upstream and the path that its address had, as recorded.
    """

    strictness: str | None
    torn_line: int | None
    base_paths: tuple[tuple[str, str], ...]
    rows: tuple[Row, ...]


class Shelf:
    """The indexes of one cassettes folder: those that were there, and those to keep."""

    def __init__(self, stored: dict[str, Any]) -> None:
        self._stored = stored
        self.kept: dict[str, Any] = {}

    def get(self, digest: bytes) -> CachedFile | None:
        """The index of the file with this digest, if it is known; it will be kept."""
        entry = self._stored.get(digest.hex())
        if entry is None:
            return None
        try:
            strictness, torn_line, bases, rows = entry
            base_paths = tuple((str(upstream), str(path)) for upstream, path in bases)
            unpacked = tuple(_unpacked(row) for row in rows)
            found = CachedFile(strictness, torn_line, base_paths, unpacked)
        except (TypeError, ValueError):
            return None
        self.kept[digest.hex()] = entry
        return found

    def put(self, digest: bytes, file: CachedFile) -> None:
        """Keep an index for the next start."""
        with suppress(OverflowError):  # features of more than 64 bits: not for this cache
            rows = [_packed(row) for row in file.rows]
            entry = [file.strictness, file.torn_line, file.base_paths, rows]
            self.kept[digest.hex()] = entry

    @property
    def changed(self) -> bool:
        """Whether what is to be kept differs from what was there."""
        return self.kept.keys() != self._stored.keys()


class IndexCache:
    """Indexes of cassettes, by the digest of their contents.

    `settings_digest` names everything that the injected `Index` depends on: match settings and
    the version of the code. A cache that cannot be read or written is no error: it is empty.
    """

    def __init__(self, settings_digest: str, folder: Path | None = None) -> None:
        self._settings_digest = settings_digest
        self._folder = folder or user_cache_path("llmreplay", appauthor=False)

    def shelf(self, library: Path) -> Shelf:
        """What is known of the cassettes in `library`."""
        try:
            data = self._path(library).read_bytes()
            digest, payload = data[:_DIGEST_BYTES], data[_DIGEST_BYTES:]
            stored = orjson.loads(payload) if _digest(payload) == digest else {}
        except (OSError, ValueError):
            stored = {}
        return Shelf(stored if isinstance(stored, dict) else {})

    def keep(self, library: Path, shelf: Shelf) -> None:
        """Put `shelf` back, if there is anything new on it."""
        if not shelf.changed:
            return
        payload = orjson.dumps(shelf.kept)
        if len(payload) > _MAX_BYTES:
            return
        path = self._path(library)
        aside = path.with_name(f"{path.name}.{os.getpid()}")
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            # A file half written is found out by its digest: no need to wait for the disk.
            with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as f:
                f.write(_digest(payload) + payload)
            aside.replace(path)
            self._prune()
        except OSError:
            with suppress(OSError):
                aside.unlink(missing_ok=True)

    def _path(self, library: Path) -> Path:
        key = "\0".join([_FORMAT, str(library.absolute()), self._settings_digest])
        return self._folder / f"{_digest(key.encode()).hex()}{_SUFFIX}"

    def _prune(self) -> None:
        """Drop the indexes longest not written, beyond a number and a size."""
        files = [(path.stat(), path) for path in self._folder.glob(f"*{_SUFFIX}")]
        files.sort(key=lambda file: file[0].st_mtime, reverse=True)
        total_bytes = 0
        for place, (stat, path) in enumerate(files):
            total_bytes += stat.st_size
            if place >= _MAX_FILES or total_bytes > _MAX_BYTES:
                path.unlink(missing_ok=True)


def _packed(row: Row) -> list[Any]:
    features = b64encode(array("Q", row.features).tobytes()).decode()
    *plain, fingerprint, _, offset, length, digest = astuple(row)
    return [*plain, fingerprint.hex(), features, offset, length, digest.hex()]


def _unpacked(row: list[Any]) -> Row:
    number, upstream, method, path, fingerprint, features, offset, length, digest = row
    return Row(
        number,
        upstream,
        method,
        path,
        bytes.fromhex(fingerprint),
        array("Q", b64decode(features)),
        offset,
        length,
        bytes.fromhex(digest),
    )


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=_DIGEST_BYTES).digest()
