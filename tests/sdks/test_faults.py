"""What SDKs make of faults is what the documentation says, and they honour what they are sent.

Everything is asked once for all tests; the page is made by `make faults`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.sdks.faults.cases import CASES
from tests.sdks.faults.clients import LITELLM, PROGRAMS
from tests.sdks.faults.settling import kept_rows, row, settled
from tests.sdks.faults.table import PAGE, page
from tests.sdks.once import once
from tests.sdks.test_proxied import lacks_npm, lacks_python

if TYPE_CHECKING:
    from pathlib import Path

    from tests.sdks.faults.running import Ran
    from tests.sdks.faults.table import Cell

# The first test waits for all that is asked.
pytestmark = pytest.mark.timeout(600)

MUST_RUN = "SDKS_MUST_RUN" in os.environ
ALL = [sdk for program in PROGRAMS for sdk in program.sdks]
HERE = [sdk for sdk in ALL if LITELLM.exists() or not sdk.startswith("litellm")]

SLACK_S = 0.1
"""The end of an answer is noted after it was sent, and at leisure where both cores are busy."""

Runs = dict[tuple[str, str], "Ran"]
Found = tuple[dict[tuple[str, str], "Cell"], Runs]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    lacking = lacks_python() or lacks_npm("node")()
    if lacking and MUST_RUN:
        pytest.fail(lacking)
    if lacking:
        pytest.skip(lacking)

    def make(folder: Path) -> Found:
        return settled(folder, HERE, PAGE.read_text(encoding="utf-8"))

    return once("faults", tmp_path_factory, make)


@pytest.fixture(scope="module")
def runs(found: Found) -> Runs:
    return found[1]


@pytest.mark.parametrize("sdk", ALL)
def test_an_sdk_makes_of_faults_what_the_page_says(sdk: str, found: Found) -> None:
    if sdk not in HERE:
        pytest.skip("no .venv-litellm; `make litellm` makes it")
    kept = {key: told for key, told in kept_rows(PAGE.read_text()).items() if key[1] == sdk}
    assert kept == {key: row(cell) for key, cell in found[0].items() if key[1] == sdk}


def test_the_page_is_written_as_it_would_be(found: Found) -> None:
    if len(HERE) < len(ALL):
        pytest.skip("no .venv-litellm; `make litellm` makes it")
    assert PAGE.read_text(encoding="utf-8") == page(found[0], ALL)


def test_every_case_is_written_differently() -> None:
    """Rows of the page are told apart by it."""
    assert len({case.shown for case in CASES}) == len(CASES)


# What they honour, seen from when their requests came. A wait is never shorter than its hint; on a
# busy machine it is longer. Without a hint they would come again after 0.44 s, Cohere's after 1 s.

BY_MILLISECONDS = ("openai", "openai responses", "groq", "npm openai")
BY_SECONDS = ("anthropic", "npm @anthropic-ai/sdk", "cohere")


@pytest.mark.parametrize("sdk", BY_MILLISECONDS)
def test_retry_after_ms_is_waited(sdk: str, runs: Runs) -> None:
    """`retry-after: 1` is sent as well, and is longer than the 0.4 s meant."""
    (wait_s,) = runs["wait-400ms", sdk].waits_s
    assert 0.4 - SLACK_S <= wait_s < 1


@pytest.mark.parametrize("sdk", BY_SECONDS)
def test_retry_after_is_waited_where_it_is_all_there_is(sdk: str, runs: Runs) -> None:
    """Whole seconds, upwards: 1 for 0.4 s."""
    (wait_s,) = runs["wait-400ms", sdk].waits_s
    assert 1 - SLACK_S <= wait_s < 2


@pytest.mark.parametrize("sdk", [*BY_MILLISECONDS, *BY_SECONDS])
def test_longer_hints_are_waited(sdk: str, runs: Runs) -> None:
    (wait_s,) = runs["wait-2s", sdk].waits_s
    assert 2 - SLACK_S <= wait_s < 4


@pytest.mark.parametrize("sdk", [*BY_MILLISECONDS, *BY_SECONDS])
def test_what_is_left_of_a_window_is_waited(sdk: str, runs: Runs) -> None:
    """A budget of one request in 4 s: the second is refused once, and then let in."""
    run = runs["limit", sdk]
    (first, refused, last) = run.requests
    assert [one.status for one in (first, refused, last)] == [200, 429, 200]
    assert last.began - first.began >= 3.99


@pytest.mark.parametrize("sdk", [*BY_MILLISECONDS, *BY_SECONDS[:2]])
def test_x_should_retry_decides(sdk: str, runs: Runs) -> None:
    """A 400 is tried again where it says so; a 429 is not where it says not."""
    statuses = [
        [request.status for request in runs[case, sdk].requests]
        for case in ("should-retry", "bad_request", "should-not-retry", "rate_limit")
    ]
    assert statuses == [[400, 200], [400], [429], [429, 429, 429]]


def test_google_genai_reads_no_retry_info(runs: Runs) -> None:
    """It is sent, and the SDK comes again after 1.5 s as ever, if it is told to at all."""
    for wait in ("wait-400ms", "wait-2s", "wait-10m"):
        assert len(runs[wait, "google-genai"].requests) == 1
        (wait_s,) = runs[wait, "google-genai, 3 attempts"].waits_s
        assert 1.5 - SLACK_S <= wait_s < 10
