"""What settings promise to those who are given them."""

from __future__ import annotations

from llmreplay.core.canonical import MatchSettings, Strictness
from llmreplay.settings import Settings


def digest(**match: object) -> str:
    return Settings(match=MatchSettings(**match)).match_digest  # type: ignore[arg-type]  # any


def test_the_digest_is_the_same_for_the_same_settings() -> None:
    assert digest() == Settings(port=1, cassette="other").match_digest
    assert digest(ignore=("$.a",)) == digest(ignore=("$.a",))
    assert len(digest()) == 32


def test_the_digest_differs_with_anything_that_changes_a_match() -> None:
    digests = {
        digest(),
        digest(strictness=Strictness.ORDER),
        digest(ignore=("$.a",)),
        digest(ignore=("$.b",)),
        digest(headers=("$.a",)),
        digest(presets=("$.a",)),
        digest(replace=(("a", "b"),)),
    }
    assert len(digests) == 7
