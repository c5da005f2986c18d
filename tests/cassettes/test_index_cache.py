"""A second start reads no exchange, and nothing that is wrong with the cache is an error."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from llmreplay.cassettes import IndexCache, Library, dump, index_cache
from llmreplay.cassettes import library as library_module
from llmreplay.cassettes.contents import settings_document
from llmreplay.core.canonical import Strictness
from llmreplay.core.tape import Indexed
from llmreplay.errors import CassetteError
from tests.cassettes.making import an_exchange, file_of, index, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from llmreplay.cassettes import Loaded
    from llmreplay.core.exchange import Request


class Counting:
    """An index that counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, request: Request, base_path: str) -> Indexed:
        self.asked += 1
        return index(request, base_path)


@pytest.fixture
def cache_folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def library(folder: Path) -> Library:
    library = Library(folder)
    write(library, "a", file_of(an_exchange(1, "q1"), an_exchange(2, "q2")))
    order = settings_document(Strictness.ORDER)
    write(library, "b", order + dump(an_exchange(1, "q3")) + "---\ntorn")
    return library


def asked(library: Library, cache_folder: Path, settings: str = "s") -> int:
    """How many requests a start has to find the index of."""
    counting = Counting()
    library.load(counting, cache=IndexCache(settings, cache_folder))
    return counting.asked


def shown(loaded: Loaded) -> list[object]:
    """All that is in it, comparable."""
    return [
        loaded.warnings,
        *((cassette.name, cassette.path, cassette.strictness) for cassette in loaded.cassettes),
        *(
            (r.fingerprint, list(r.features), r.method, r.path, r.upstream, r.source, r.load())
            for cassette in loaded.cassettes
            for r in cassette.recordings
        ),
    ]


def test_a_second_start_loads_the_same_and_asks_for_nothing(
    library: Library, cache_folder: Path
) -> None:
    cold = library.load(index, cache=IndexCache("s", cache_folder))
    counting = Counting()
    warm = library.load(counting, cache=IndexCache("s", cache_folder))

    assert shown(warm) == shown(cold)
    assert counting.asked == 0


def test_what_changed_is_read_again_and_only_that(library: Library, cache_folder: Path) -> None:
    assert asked(library, cache_folder) == 3

    write(library, "b", file_of(an_exchange(1, "q4")))

    assert asked(library, cache_folder) == 1
    assert asked(library, cache_folder) == 0


def test_other_settings_have_other_indexes(library: Library, cache_folder: Path) -> None:
    assert asked(library, cache_folder, "one") == 3
    assert asked(library, cache_folder, "other") == 3
    assert asked(library, cache_folder, "one") == 0


def test_a_broken_cassette_stops_a_warm_start_too(library: Library, cache_folder: Path) -> None:
    assert asked(library, cache_folder) == 3
    write(library, "a", file_of(an_exchange(1, "q1")).replace("status", "stauts"))

    for _ in range(2):
        with pytest.raises(CassetteError, match="did you mean 'status'"):
            asked(library, cache_folder)


@pytest.mark.parametrize(
    "damaged",
    [
        lambda _data: b"",
        lambda _data: b"x" * 40,
        lambda data: data[:-1],
        lambda data: data[:20] + b"!" + data[21:],
    ],
)
def test_a_damaged_cache_is_none(
    library: Library, cache_folder: Path, damaged: Callable[[bytes], bytes]
) -> None:
    assert asked(library, cache_folder) == 3
    (file,) = cache_folder.iterdir()
    file.write_bytes(damaged(file.read_bytes()))

    assert asked(library, cache_folder) == 3
    assert asked(library, cache_folder) == 0


@pytest.mark.parametrize(
    "payload", [b"[]", b'{"%s":[1]}', b'{"%s":[null,null,[[1]]]}', b'{"%s":7}']
)
def test_a_cache_of_another_shape_is_none(
    library: Library, cache_folder: Path, payload: bytes
) -> None:
    assert asked(library, cache_folder) == 3
    (file,) = cache_folder.iterdir()
    digest = library_module._digest(library.path("a").read_bytes()).hex().encode()
    payload = payload.replace(b"%s", digest)
    file.write_bytes(index_cache._digest(payload) + payload)

    assert asked(library, cache_folder) == 3


def test_a_folder_that_cannot_be_written_is_no_error(library: Library, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    assert asked(library, tmp_path / "file") == 3
    assert asked(library, tmp_path / "file" / "below") == 3


def test_nobody_else_reads_it(library: Library, cache_folder: Path) -> None:
    asked(library, cache_folder)

    (file,) = cache_folder.iterdir()
    assert cache_folder.stat().st_mode & 0o777 == 0o700
    assert file.stat().st_mode & 0o777 == 0o600


def test_features_of_any_size_load_but_only_those_of_64_bits_are_kept(
    library: Library, cache_folder: Path
) -> None:
    def large(request: Request, base_path: str) -> Indexed:
        found = index(request, base_path)
        return Indexed(found.fingerprint, (2**64,), found.method, found.path)

    loaded = library.load(large, cache=IndexCache("s", cache_folder))

    assert loaded.cassettes[0].recordings[0].features == (2**64,)
    assert asked(library, cache_folder) == 3


def test_indexes_longest_unused_make_room(
    library: Library, cache_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmreplay.cassettes.index_cache._MAX_FILES", 2)
    for age, settings in enumerate(["oldest", "older", "newest"]):
        before = set(cache_folder.iterdir()) if cache_folder.exists() else set()
        asked(library, cache_folder, settings)
        (new,) = set(cache_folder.iterdir()) - before
        os.utime(new, (age, age))

    assert len(list(cache_folder.iterdir())) == 2
    assert asked(library, cache_folder, "oldest") == 3


def test_an_index_too_large_is_not_kept(
    library: Library, cache_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmreplay.cassettes.index_cache._MAX_BYTES", 10)

    assert asked(library, cache_folder) == 3
    assert asked(library, cache_folder) == 3


def test_the_user_s_own_cache_folder_is_used(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))

    library.load(index, cache=IndexCache("s"))

    assert len(list((tmp_path / "home" / "llmreplay").iterdir())) == 1
