from __future__ import annotations

import pytest

from llmreplay.core.mismatch.nearest import Candidates, candidates, nearest
from llmreplay.core.tape import Recording
from tests.fakes.recordings import recording, tape_of

CHAT = recording("chat")
GROQ = recording("groq", "groq")
ANY = recording("any", None, route=("POST", "/v1/any"))
MODELS = recording("models", route=("GET", "/v1/models"))
FILES = recording("files", "groq", route=("POST", "/v1/files"))
GET_FILES = recording("files", route=("GET", "/v1/files"))
TAPE = tape_of(CHAT, GROQ, ANY, MODELS, FILES, GET_FILES)


@pytest.mark.parametrize(
    ("method", "path", "upstream", "found"),
    [
        ("POST", "/v1/chat", "openai", Candidates((CHAT,))),
        ("POST", "/v1/chat", None, Candidates((CHAT, GROQ))),
        ("POST", "/v1/any", "openai", Candidates((ANY,))),
        ("POST", "/v1/chat", "azure", Candidates((CHAT, GROQ), other_upstream=True)),
        ("GET", "/v1/model", "openai", Candidates((MODELS,), other_route=True)),
        ("POST", "/v1/models", "openai", Candidates((MODELS,), other_route=True)),
        ("POST", "/v1/file", "groq", Candidates((FILES,), other_route=True)),
        ("POST", "/v1/file", "openai", Candidates((GET_FILES,), other_route=True)),
        ("POST", "/v1/file", "azure", Candidates()),
        ("POST", "/something/else", "openai", Candidates()),
    ],
)
def test_recordings_are_sought_on_the_route_then_near_it(
    method: str, path: str, upstream: str | None, found: Candidates
) -> None:
    assert found == candidates(TAPE, method, path, upstream)


def with_features(*features: int) -> Recording:
    return Recording(b"", features, None, "POST", "/", "x#1", CHAT.load)


def test_the_nearest_share_most_of_what_counts() -> None:
    none, little, much, all_of_it = (
        with_features(9),
        with_features(1, 9),
        with_features(2),
        with_features(1, 2, 3),
    )
    weights = {1: 1, 2: 4, 3: 1}
    assert nearest([none, little, much, all_of_it], weights, 3) == [all_of_it, much, little]
    assert nearest([], weights, 3) == []


def test_of_equals_the_earlier_is_nearer() -> None:
    one, two, three = with_features(1), with_features(1), with_features(1)
    assert nearest([one, two, three], {1: 1}, 2) == [one, two]
