from __future__ import annotations

import base64
import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from llmreplay.core.redaction import Finding, find_secrets

KEY = "gsk_" + "a1B2" * 13
VALUE = 'p@ss "w0rd" / é + mine'


def test_a_finding_tells_the_kind_and_the_place_in_characters() -> None:
    assert find_secrets(f"é: {KEY}\n😀: {KEY}") == (
        Finding(3, 59, "groq"),
        Finding(63, 119, "groq"),
    )


def test_a_finding_shows_no_secret() -> None:
    assert repr(find_secrets(KEY)[0]) == "Finding(start=0, end=56, kind='groq')"


@pytest.mark.parametrize("deep", [1, 2])
def test_base64_is_decoded(deep: int) -> None:
    text = f"so {KEY} it is"
    for _ in range(deep):
        text = base64.b64encode(text.encode()).decode()
    assert find_secrets(f"a: {text}\n") == (Finding(3, 3 + len(text), "groq"),)


def test_what_only_its_context_gives_away_stops_no_write() -> None:
    text = "org-GKgUkEpTs8iJbqUCqnL6JW5H api_key=0123456789abcdef0123456789abcdef"
    assert find_secrets(text) == ()


def test_placeholders_are_no_secrets() -> None:
    assert find_secrets("Bearer REDACTED-openai-1, X-Amz-Signature=REDACTED-key-12") == ()


@given(
    before=st.text(st.characters(codec="utf-8"), max_size=30),
    nested=st.integers(0, 2),
    width=st.sampled_from([20, 80]),
    style=st.sampled_from([None, '"', "'", "|"]),
)
def test_a_key_is_found_in_yaml_however_it_is_written(
    before: str, nested: int, width: int, style: str | None
) -> None:
    text = f"{before} {KEY} it is"
    for _ in range(nested):
        text = json.dumps({"a": text})
    document = yaml.safe_dump({"body": text}, default_style=style, width=width)
    found = find_secrets(document)
    assert {finding.kind for finding in found} == {"groq"}


@pytest.mark.parametrize("style", [None, '"', "'", "|"])
@pytest.mark.parametrize("nested", [0, 1, 2])
def test_known_values_are_found_in_yaml(style: str | None, nested: int) -> None:
    text = f"so {VALUE} it is"
    for _ in range(nested):
        text = json.dumps({"a": text})
    document = yaml.safe_dump({"body": text}, default_style=style, width=10**6)
    assert [f.kind for f in find_secrets(document, [VALUE.encode(), b"EMPTY"])] == ["key"]
    assert find_secrets(document) == ()


def test_a_key_that_yaml_folds_is_found() -> None:
    document = f'a: "{KEY[:20]}\\\n    {KEY[20:40]}\\\n    \\{KEY[40:]} and"\n'
    start, end = document.index("gsk_"), document.index(" and")
    assert find_secrets(document) == (Finding(start, end, "groq"),)


def test_a_key_beside_a_fold_is_found_once() -> None:
    document = f'a: "{KEY} and \\\n    more"\n'
    assert len(find_secrets(document)) == 1
