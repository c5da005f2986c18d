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
from tests.sdks.test_proxied import lacks_node, lacks_python

if TYPE_CHECKING:
    from pathlib import Path

    from tests.sdks.faults.running import Ran
    from tests.sdks.faults.table import Cell

# The first test waits for all that is asked.
pytestmark = pytest.mark.timeout(600)

MUST_RUN = "SDKS_MUST_RUN" in os.environ
ALL = [sdk for program in PROGRAMS for sdk in program.sdks]
HERE = [sdk for sdk in ALL if LITELLM.exists() or not sdk.startswith("litellm")]

Found = tuple[dict[tuple[str, str], "Cell"], dict[tuple[str, str], "Ran"]]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    lacking = lacks_python() or lacks_node()
    if lacking and MUST_RUN:
        pytest.fail(lacking)
    if lacking:
        pytest.skip(lacking)

    def make(folder: Path) -> Found:
        return settled(folder, HERE, PAGE.read_text(encoding="utf-8"))

    return once("faults", tmp_path_factory, make)


@pytest.fixture(scope="module")
def runs(found: Found) -> dict[tuple[str, str], Ran]:
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


# What they honour, seen from when their requests came. A wait is never shorter than the hint, but
# for a clock's rounding; on a busy machine it is longer.

STAINLESS = ("openai", "openai responses", "groq", "npm openai", "npm @anthropic-ai/sdk")


def waits(runs: dict[tuple[str, str], Ran], case: str, sdk: str) -> list[float]:
    return [round(wait_s, 1) for wait_s in runs[case, sdk].waits_s]


@pytest.mark.parametrize("sdk", ["openai", "openai responses", "groq", "npm openai"])
def test_milliseconds_of_retry_after_ms_are_waited(
    sdk: str, runs: dict[tuple[str, str], Ran]
) -> None:
    """`retry-after: 1` is sent as well, and is longer."""
    (wait_s,) = runs["wait-400ms", sdk].waits_s
    assert 0.39 <= wait_s < 1.0


@pytest.mark.parametrize("sdk", ["anthropic", "npm @anthropic-ai/sdk", "cohere"])
def test_seconds_of_retry_after_are_waited(sdk: str, runs: dict[tuple[str, str], Ran]) -> None:
    """Their own first waits are 0.44 s (Anthropic) and 1 s (Cohere)."""
    (short_s,) = runs["wait-400ms", sdk].waits_s
    (long_s,) = runs["wait-2s", sdk].waits_s
    assert 0.99 <= short_s < long_s
    assert long_s >= 1.99


@pytest.mark.parametrize("sdk", ["openai", "openai responses", "groq", "npm openai"])
def test_two_seconds_are_waited(sdk: str, runs: dict[tuple[str, str], Ran]) -> None:
    (wait_s,) = runs["wait-2s", sdk].waits_s
    assert 1.99 <= wait_s < 4


@pytest.mark.parametrize("sdk", [sdk for sdk in ALL if sdk.startswith(("openai", "anthropic"))])
def test_x_should_retry_decides(sdk: str, runs: dict[tuple[str, str], Ran]) -> None:
    """A 400 is tried again where it says so, a 429 is not where it says not."""
    statuses = [
        [request.status for request in runs[case, sdk].requests]
        for case in ("should-retry", "bad_request", "should-not-retry", "rate_limit")
    ]
    assert statuses == [[400, 200], [400], [429], [429, 429, 429]]


def test_google_genai_does_not_try_again_whatever_retry_info_says(
    runs: dict[tuple[str, str], Ran],
) -> None:
    assert [len(runs[f"wait-{wait}", "google-genai"].requests) for wait in ("400ms", "2s")] == [
        1,
        1,
    ]
