from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmreplay.core.canonical import BodyKind, Canonical, MatchSettings, canonical
from llmreplay.core.exchange import Request
from llmreplay.core.fingerprint import features, fingerprint, spelled, weights
from tests.fakes.dialects import CHAT, SILENT


def chat(*messages: str, system: str = "Be brief.", **fields: Any) -> Canonical:  # noqa: ANN401  # any JSON
    """A request whose messages are said by the user and the assistant in turn."""
    said = [
        {"role": ("user", "assistant")[index % 2], "content": text}
        for index, text in enumerate(messages)
    ]
    body = {"model": "m", "system": system, "messages": said} | fields
    request = Request("POST", "https://h/v1/chat", body=orjson.dumps(body))
    return canonical(request, CHAT, MatchSettings())


PARTS = [
    Canonical("POST", "/a"),
    Canonical("GET", "/a"),
    Canonical("POST", "/b"),
    Canonical("POST", "/a", query=(("b", "1"),)),
    Canonical("POST", "/a", query=(("b", "1"), ("b", "1"))),
    Canonical("POST", "/a", headers=(("b", "1"),)),
    Canonical("POST", "/a", kind=BodyKind.TEXT, body="{}"),
    Canonical("POST", "/a", kind=BodyKind.JSON, body={}),
    Canonical("POST", "/a", kind=BodyKind.JSON, body=[]),
    Canonical("POST", "/a", kind=BodyKind.JSON, body=[1]),
    Canonical("POST", "/a", kind=BodyKind.JSON, body=[True]),
    Canonical("POST", "/a", kind=BodyKind.JSON, body=["1"]),
    Canonical("POST", "/a", kind=BodyKind.JSON, body=["\ud83d"]),
    Canonical("POST", "/a", kind=BodyKind.JSON, body=["\ud83c"]),
    Canonical("POST", "/a", kind=BodyKind.JSON, body=["\\ud83c"]),
]


def test_every_part_counts() -> None:
    assert len({fingerprint(form) for form in PARTS}) == len(PARTS)


def test_a_fingerprint_is_16_bytes_that_never_change() -> None:
    # Cassettes hold none, but their index caches do: those of another version are not read.
    assert fingerprint(PARTS[0]).hex() == "91849ef512e496006e6d84d61b598742"


TOLD = """\

import orjson
from llmreplay.core.canonical import MatchSettings, canonical
from llmreplay.core.exchange import Request
from llmreplay.core.fingerprint import features, fingerprint
from tests.fakes.dialects import CHAT
body = {"messages": [{"role": "user", "content": "when? \\u00fc"}], "b": 1.5, "a": {"y": 1, "x": 2}}
settings = MatchSettings(presets=("claude-code",), ignore=("$.b", "$.a[?@ == 1]"))
form = canonical(Request("POST", "https://h/p?b=1&a=2", (), orjson.dumps(body)), CHAT, settings)
print(fingerprint(form).hex(), features(form, CHAT))
"""


def test_no_process_sees_it_otherwise() -> None:
    worlds = [
        {"PYTHONHASHSEED": "0"},
        {"PYTHONHASHSEED": "4711", "TZ": "Asia/Kathmandu", "LC_ALL": "tr_TR.UTF-8"},
        {"PYTHONHASHSEED": "99", "LC_ALL": "C", "PYTHONUTF8": "0"},
    ]
    told = {
        subprocess.run(  # noqa: S603  # our own interpreter, our own text
            [sys.executable, "-c", TOLD],
            env=os.environ | world,
            cwd=Path(__file__).parents[2],
            capture_output=True,
            check=True,
        ).stdout
        for world in worlds
    }
    assert len(told) == 1


values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(values, values)
def test_what_is_spelled_alike_is_the_same(one: Any, other: Any) -> None:  # noqa: ANN401  # any JSON
    assert (spelled(one) == spelled(other)) == (one == other and repr_of(one) == repr_of(other))


def repr_of(value: Any) -> Any:  # noqa: ANN401  # any JSON
    """`value` with its types told: for Python, True is 1."""
    if isinstance(value, dict):
        return {key: repr_of(inner) for key, inner in value.items()}
    return [repr_of(item) for item in value] if isinstance(value, list) else repr(value)


def shared(one: Canonical, other: Canonical) -> int:
    """What the features that two requests share count for."""
    theirs = set(features(other, CHAT))
    return sum(weight for feature, weight in weights(one, CHAT).items() if feature in theirs)


CONVERSATION = ("What is the weather?", "Where?", "In Ulm.", "It rains.", "And tomorrow?")


@pytest.mark.parametrize(
    ("nearer", "farther"),
    [
        # The same but for one message, and a conversation about something else.
        (
            chat(*CONVERSATION[:4], "And on Sunday?"),
            chat("Sing!", *CONVERSATION[1:3], "La", "More"),
        ),
        # The same but for one message, and an earlier request of this conversation.
        (chat(*CONVERSATION[:2], "In Bonn.", *CONVERSATION[3:]), chat(*CONVERSATION[:1])),
        # Another model, and another conversation.
        (chat(*CONVERSATION, model="n"), chat("What is the time?", *CONVERSATION[1:])),
        # Another system prompt, and another conversation.
        (chat(*CONVERSATION, system="Be long."), chat("a", "b", "c", "d", "e")),
        # What goes on longer from the same beginning, and from another.
        (chat(*CONVERSATION, "It snows.", "Oh."), chat("x", *CONVERSATION[1:], "It snows.", "Oh.")),
        # A word of the question, and a question of other words.
        (chat(*CONVERSATION[:4], "And tomorrow"), chat(*CONVERSATION[:4], "Thanks a lot")),
        # The same fields, and others.
        (chat("x", temperature=1, seed=7), chat("x", temperature=2, top_p=3)),
    ],
)
def test_the_nearer_shares_more(nearer: Canonical, farther: Canonical) -> None:
    asked = chat(*CONVERSATION, temperature=1, seed=7)
    assert shared(asked, nearer) > shared(asked, farther)


def test_features_are_few_however_long_a_conversation() -> None:
    long = chat(*(f"message {index}" for index in range(1_000)))
    assert len(features(long, CHAT)) < 50
    assert shared(long, chat(*(f"message {index}" for index in range(900)))) > 0


def test_a_long_text_is_known_by_its_ends() -> None:
    middle = "word " * 10_000
    one, other = (chat(f"first {middle} {end} last") for end in ("a", "b"))
    assert shared(one, other) > shared(one, chat("something else"))


@pytest.mark.parametrize(
    "form",
    [
        Canonical("POST", "/a"),
        Canonical("POST", "/a", kind=BodyKind.TEXT, body="some words"),
        Canonical("POST", "/a", kind=BodyKind.BINARY, body={"bytes": 1, "blake2b": "0"}),
        Canonical("POST", "/a", kind=BodyKind.FORM, body=[{"name": "a", "value": "1"}] * 100),
        Canonical("POST", "/a", kind=BodyKind.JSON, body=[1] * 100),
        Canonical("POST", "/a", query=(("q", "1"),), headers=(("h", "1"),)),
        chat(),
        chat("x", system="s" * 10),
        PARTS[-3],
    ],
)
def test_any_request_has_features_of_64_bits(form: Canonical) -> None:
    for dialect in (CHAT, SILENT):
        found = features(form, dialect)
        assert found
        assert len(found) == len(set(found))
        assert all(0 <= one < 2**64 for one in found)
