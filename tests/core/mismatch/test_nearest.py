from __future__ import annotations

import pytest

from llmreplay.core.mismatch.nearest import Candidates, candidates, nearest
from llmreplay.core.tape import Recording
from tests.fakes.dialects import CHAT as DIALECT
from tests.fakes.recordings import recording, tape_of

CHAT = recording("chat")
GROQ = recording("groq", "groq")
ANY = recording("any", None, route=("POST", "/v1/any"))
MODELS = recording("models", route=("GET", "/v1/models"))
FILES = recording("files", "groq", route=("POST", "/v1/files"))
GET_FILES = recording("files", route=("GET", "/v1/files"))
FLASH = recording("flash", route=("POST", "/v1/models/flash:generate"))
PRO = recording("pro", route=("POST", "/v1/models/pro%20x:generate"))
PRO_STREAM = recording("stream", route=("POST", "/v1/models/pro:stream"))
PRO_GROQ = recording("groq", "groq", route=("POST", "/v1/models/pro:generate"))
TAPE = tape_of(CHAT, GROQ, ANY, MODELS, FILES, GET_FILES, FLASH, PRO, PRO_STREAM, PRO_GROQ)


@pytest.mark.parametrize(
    ("method", "path", "upstream", "found"),
    [
        ("POST", "/v1/chat", "openai", Candidates((CHAT,))),
        ("POST", "/v1/chat", None, Candidates((CHAT, GROQ))),
        ("POST", "/v1/any", "openai", Candidates((ANY,))),
        ("POST", "/v1/chat", "azure", Candidates((CHAT, GROQ), other_upstream=True)),
        # Another method or path is another kind of request, however much alike it looks.
        ("POST", "/v1/models", "openai", Candidates()),
        ("POST", "/v1/file", "groq", Candidates()),
        ("POST", "/v1/files", "groq", Candidates((FILES,))),
        # But for the model: it may be anywhere in a path.
        ("POST", "/v1/models/nano:generate", "openai", Candidates((FLASH, PRO), other_model=True)),
        (
            "POST",
            "/v1/models/nano:generate",
            None,
            Candidates((FLASH, PRO, PRO_GROQ), other_model=True),
        ),
        ("POST", "/v1/models/nano:generate", "azure", Candidates()),
        ("GET", "/v1/models/nano:generate", "openai", Candidates()),
        ("POST", "/v2/models/nano:generate", "openai", Candidates()),
        ("POST", "/v1/models/nano:count", "openai", Candidates()),
        # A name that the path spells in a way of its own is not found again.
        ("POST", "/v1/models/na%6Eo:generate", "openai", Candidates()),
        ("POST", "/something/else", "openai", Candidates()),
    ],
)
def test_recordings_are_sought_on_the_route_then_for_other_models(
    method: str, path: str, upstream: str | None, found: Candidates
) -> None:
    assert found == candidates(TAPE, method, path, upstream, DIALECT)


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
