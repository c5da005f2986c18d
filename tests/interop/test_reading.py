from __future__ import annotations

import contextlib
import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmreplay.errors import CassetteError, UsageError
from llmreplay.interop import FORMATS, Skipped, read_any

if TYPE_CHECKING:
    from pathlib import Path

    from tests.interop.conftest import Reads, Refuses


@pytest.mark.parametrize(
    "content", ["", "just text\n", "[]", "{}", "a: 1\n", "- 1\n", "interactions: 3\n"]
)
def test_what_is_no_recording_is_refused_with_the_formats_that_are_read(
    refuses: Refuses, content: str
) -> None:
    assert refuses(content) == (
        "1: no recording of a known format; these are read: "
        "ddapm-test-agent, go-vcr, HAR, httprr, nock, Ruby VCR, R vcr, VCR.py"
    )


def test_a_damaged_file_is_refused_with_its_line(refuses: Refuses) -> None:
    assert refuses("interactions:\n- request: [\n") == (
        "3: not valid YAML: did not find expected node content"
    )


def test_a_damaged_gzip_file_is_refused(refuses: Refuses) -> None:
    assert refuses(b"\x1f\x8b\x08broken").startswith("1: the file begins as gzip, but ")


def test_a_file_that_cannot_be_opened_is_the_callers_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="absent: cannot be read: No such file or directory"):
        read_any(tmp_path / "absent")


def test_what_cannot_be_replayed_is_skipped_and_the_rest_keeps_its_numbers(reads: Reads) -> None:
    imported = reads("""
        interactions:
        - request: {method: GET, uri: 'ws://x/', body: null}
          response: {status: {code: 101}, body: {string: ''}}
        - request: {method: GET, uri: 'http://x/', body: null}
          response: {status: {code: 200}, body: {string: ok}}
    """)

    assert [exchange.number for exchange in imported.exchanges] == [2]
    assert imported.skipped == (Skipped(1, "'ws://x/' is no absolute http or https URL"),)


def test_formats_have_one_name_each() -> None:
    assert len({known.name for known in FORMATS}) == len(FORMATS)


REQUEST = {"method": "GET", "uri": "http://x/", "url": "http://x/", "headers": {"a": ["b"]}}
RESPONSE = {"status": {"code": 200}, "code": 200, "headers": {"a": ["b"]}, "body": {"string": "s"}}
HAR_REQUEST = {"method": "GET", "url": "http://x/", "headers": [{"name": "a", "value": "b"}]}
HAR_RESPONSE = {"status": 200, "headers": [], "content": {"text": "x", "encoding": "base64"}}
DOCUMENTS: list[Any] = [
    {"interactions": [{"request": REQUEST, "response": RESPONSE}]},
    {"requests": [REQUEST], "responses": [RESPONSE]},
    {"http_interactions": [{"request": REQUEST, "response": RESPONSE, "recorded_at": "now"}]},
    {"version": 2, "interactions": [{"request": {"url": "http://x/"}, "response": RESPONSE}]},
    {"request": REQUEST, "response": RESPONSE},
    {
        "log": {
            "entries": [
                {"request": HAR_REQUEST, "response": HAR_RESPONSE, "timings": {"wait": 1}},
            ]
        }
    },
    [
        {
            "scope": "http://x",
            "method": "GET",
            "path": "/",
            "status": 200,
            "response": ["00"],
            "rawHeaders": ["content-encoding", "gzip"],
        }
    ],
]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=()))
    | st.sampled_from(["http://[", "ws://x", "-1", "9" * 5000, "chunked", "1h", "base64:x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def places(value: Any) -> list[tuple[Any, Any]]:  # noqa: ANN401  # any JSON value
    """Every (container, key) within a document."""
    keys = list(value) if isinstance(value, dict) else range(len(value))
    found = []
    for key in keys:
        found.append((value, key))
        if isinstance(value[key], dict | list):
            found += places(value[key])
    return found


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), document=st.sampled_from(DOCUMENTS))
def test_whatever_is_wrong_in_a_file_is_a_message(
    reads: Reads,
    data: st.DataObject,
    document: Any,  # noqa: ANN401  # any JSON value
) -> None:
    document = copy.deepcopy(document)
    container, key = data.draw(st.sampled_from(places(document)))
    container[key] = data.draw(VALUES)

    with contextlib.suppress(CassetteError):
        imported = reads(json.dumps(document).encode())

        assert all(skipped.reason for skipped in imported.skipped)
