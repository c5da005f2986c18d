from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llmreplay.errors import UsageError
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
