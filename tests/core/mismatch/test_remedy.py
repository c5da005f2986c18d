from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from llmreplay.core.canonical import MatchSettings, canonical
from llmreplay.core.exchange import Request
from llmreplay.core.mismatch import differences
from llmreplay.core.mismatch.remedy import remedy_for
from tests.fakes.dialects import CHAT

PLAIN = MatchSettings()
URL = "https://api.example.com/v1/chat"


def remedy(
    recorded: Any,  # noqa: ANN401  # any JSON
    asked: Any,  # noqa: ANN401  # any JSON
    settings: MatchSettings = PLAIN,
    urls: tuple[str, str] = (URL, URL),
) -> str | None:
    ours, theirs = (
        Request("POST", url, body=json.dumps(body).encode())
        for url, body in zip(urls, (recorded, asked), strict=True)
    )
    found = differences(canonical(ours, CHAT, settings), canonical(theirs, CHAT, settings), CHAT)
    return remedy_for(ours, theirs, CHAT, settings, found)


def says(text: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}]}


@pytest.mark.parametrize(
    ("recorded", "asked", "yaml_line"),
    [
        ({}, {"temperature": 0.2}, 'match: {ignore: ["$.temperature"]}'),
        ({"model": "m"}, {"model": "o"}, 'match: {ignore: ["$.model"]}'),
        (
            {"seed": 1, "tools": [{"name": "a"}]},
            {"tools": [{"name": "a", "x": 1}]},
            'match: {ignore: ["$.seed", "$.tools[0].x"]}',
        ),
        ({"system": "a"}, {"system": "b"}, 'match: {ignore: ["$.system"]}'),
        (
            says("on 2026-01-02"),
            says("on 2026-01-03"),
            r'match: {replace: {"\\b\\d{4}-\\d{2}-\\d{2}\\b": "DATE"}}',
        ),
        (
            says("run 8f14e45f-ceea-467f-a1d6-4b5b7a0f1c2d at 12:30") | {"n": 2},
            says("run 1679091c-5a88-4fa9-8b2e-0d9c8b7a6f5e at 12:31") | {"n": 3},
            (
                r'match: {ignore: ["$.n"], replace: {'
                r'"\\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\\b": "UUID", '
                r'"\\b\\d{1,2}:\\d{2}(?::\\d{2})?\\b": "TIME"}}'
            ),
        ),
        # What differs besides has no such form; an agent's preset knows it.
        (
            says("<env>\ncwd: /a\n</env>\nhi"),
            says("<env>\ncwd: /b c\n</env>\nhi"),
            'match: {presets: ["claude-code"]}',
        ),
        (
            says("<environment_context>a</environment_context>") | {"seed": 1},
            says("<environment_context>b</environment_context>"),
            'match: {ignore: ["$.seed"], presets: ["codex"]}',
        ),
        # Another question is another question.
        (says("Who are you?"), says("Who am I?"), None),
        ({"input": "a"}, {"input": "b"}, None),
        ([1], [2], 'match: {ignore: ["$[0]"]}'),
        ("a", "b", None),
        # No JSONPath can spell half an emoji.
        ({"x": {}}, {"x": {"\ud83d": 1}}, None),
    ],
)
def test_the_setting_that_helps_is_found(
    recorded: Any,  # noqa: ANN401  # any JSON
    asked: Any,  # noqa: ANN401  # any JSON
    yaml_line: str | None,
) -> None:
    assert yaml_line == remedy(recorded, asked)


def test_a_query_parameter_can_be_ignored() -> None:
    urls = (f"{URL}?api-version=1", f"{URL}?api-version=2")
    assert remedy({}, {}, urls=urls) == 'match: {ignore: ["?api-version"]}'


def test_the_path_cannot_be() -> None:
    assert remedy({}, {}, urls=(URL, f"{URL}s")) is None


def test_settings_that_are_there_are_kept() -> None:
    settings = MatchSettings(
        ignore=("$.a",), replace=((r"x\d", "X"),), presets=("claude-code",), headers=("h",)
    )
    assert remedy({"b": 1}, {"b": 2}, settings) == 'match: {ignore: ["$.a", "$.b"]}'
    assert remedy(says("2026-01-02"), says("2026-01-03"), settings) == (
        r'match: {replace: {"x\\d": "X", "\\b\\d{4}-\\d{2}-\\d{2}\\b": "DATE"}}'
    )
    here, there = (says(f"<environment_context>{x}</environment_context>") for x in "ab")
    assert remedy(here, there, settings) == 'match: {presets: ["claude-code", "codex"]}'


def test_of_huge_requests_few_settings_are_tried() -> None:
    def with_context(text: str, size: int) -> dict[str, Any]:
        return says(f"<environment_context>{text}</environment_context>{'x' * size}")

    line = 'match: {presets: ["codex"]}'
    assert remedy(with_context("a", 1_000), with_context("b", 1_000)) == line
    assert remedy(with_context("a", 3_000_000), with_context("b", 3_000_000)) is None


def test_what_is_proposed_is_yaml_for_the_settings_file() -> None:
    line = remedy(says("2026-01-02") | {"seed": 1}, says("2026-01-03"))
    assert line is not None
    assert yaml.safe_load(line) == {
        "match": {"ignore": ["$.seed"], "replace": {r"\b\d{4}-\d{2}-\d{2}\b": "DATE"}}
    }


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2026-01-02T10:11:12.5Z", "2026-02-03 10:11:12+01:00"),
        ("January 2, 2026", "Feb 13 2026"),
        ("1767348000", "1767348001.25"),
        ("1767348000123", "1767348000999"),
        ("/tmp/pytest-1/x", "/private/var/folders/ab/c"),  # noqa: S108  # words of a prompt
        ("/home/me/x", "/Users/you/x"),
        ("0123456789abcdef0123", "fedcba98765432100123"),
        ("9:05", "13:37:00"),
    ],
)
def test_words_that_are_new_in_each_run_are_known(one: str, other: str) -> None:
    line = remedy(says(f"It was {one} then."), says(f"It was {other} then."))
    assert line is not None
    assert line.startswith("match: {replace: ")
