"""The real SDKs of Python and npm get equal objects from a recording and from its replay.

All runs of one language happen once; the tests look at what came out.
"""

from __future__ import annotations

import os
import re
import shutil
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from tests.sdks.comparison import Given, differences
from tests.sdks.once import once
from tests.sdks.story import HERE, RUNNERS, Story, tell

if TYPE_CHECKING:
    from collections.abc import Iterator

# The first test of a story waits for all of its runs.
pytestmark = pytest.mark.timeout(300)

# `make sdks` sets it, and CI runs that: what cannot run there is a failure.
MUST_RUN = "SDKS_MUST_RUN" in os.environ


def require(language: str) -> None:
    """Skips, with the reason, where the SDKs of `language` are not installed."""
    reason = ""
    if language == "python" and not (find_spec("openai") and find_spec("anthropic")):
        reason = "the Python SDKs are not installed: `pip install -e .[sdks]` installs them"
    elif language == "node" and shutil.which("node") is None:
        reason = "node is not installed"
    elif language == "node" and not (HERE / "node_modules" / "openai").is_dir():
        reason = "the npm SDKs are not installed: `make sdks` installs them"
    if reason and MUST_RUN:
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)


@pytest.fixture(scope="module", params=RUNNERS)
def story(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Story:
    """All scenarios of a language, and the misses."""
    language = request.param
    require(language)
    groups, replay_groups = ["replay", "retry"], ["replay only", "miss"]
    return once(
        f"{language}-all",
        tmp_path_factory,
        lambda folder: tell(language, folder, groups=groups, replay_groups=replay_groups),
    )


@pytest.fixture(scope="module", params=RUNNERS)
def retries(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Story:
    """The retries alone, recorded with `--keep-errors`, and none of them replayed again."""
    language = request.param
    require(language)
    return once(
        f"{language}-retries",
        tmp_path_factory,
        lambda folder: tell(
            language,
            folder,
            groups=["retry"],
            replay_groups=["used up"],
            record=["--keep-errors"],
            serve=["--after-last", "fail"],
        ),
    )


def with_retries(given: dict[str, Given], *, wanted: bool) -> dict[str, Given]:
    """The scenarios whose point is a retry, or all the others."""
    return {name: one for name, one in given.items() if ("_retry_" in name) is wanted}


def test_every_scenario_comes_to_its_end(story: Story) -> None:
    crashes = {name: given.crash for name, given in story.recorded.items() if given.crash}
    assert crashes == {}
    crashes = {name: given.crash for name, given in story.replayed.items() if given.crash}
    assert crashes == {}


def test_the_sdks_are_given_equal_objects(story: Story) -> None:
    recorded = with_retries(story.recorded, wanted=False)
    assert differences(recorded, story.replayed) == {}


def test_no_two_answers_of_the_provider_are_alike(story: Story) -> None:
    # So what is equal is the recording of that very request, and of no other.
    headers = [dict(one["headers"]) for given in story.recorded.values() for one in given.http]
    ids = [one.get("x-request-id") or one["request-id"] for one in headers]
    assert len(ids) == len(set(ids))
    assert len(ids) > 100


def test_an_error_that_a_retry_overcame_is_not_in_the_cassette(story: Story) -> None:
    for name, recorded in with_retries(story.recorded, wanted=True).items():
        replayed = story.replayed[name]
        assert recorded.shown == replayed.shown
        assert [status for status in recorded.statuses if status == 200] == replayed.statuses
        assert recorded.statuses != replayed.statuses


def test_with_keep_errors_a_replay_fails_and_recovers_as_recorded(retries: Story) -> None:
    assert differences(retries.recorded, retries.replayed) == {}
    assert all({429, 200} <= set(given.statuses) for given in retries.recorded.values())


def test_a_recorded_wait_does_not_make_a_replay_sleep(retries: Story) -> None:
    hints = [
        dict(response["headers"])["retry-after-ms"]
        for given in retries.replayed.values()
        for response in given.http
        if response["status"] == 429
    ]
    assert {"1"} == set(hints)


def test_a_stream_that_the_client_left_was_recorded_whole(story: Story) -> None:
    for name, given in story.replayed.items():
        if name.endswith("_read_to_its_end"):
            [[_, value]] = given.shown
            assert re.search(r"'finish_reason': 'stop'|'stop_reason': 'end_turn'", str(value))


def test_both_processes_end_well(story: Story) -> None:
    assert (story.recorder.status, story.replayer.status) == (0, 0)
    assert "Traceback" not in story.recorder.errors + story.replayer.errors


def test_no_credential_is_in_the_cassette_or_the_log(story: Story) -> None:
    written = story.cassettes + story.recorder.output + story.replayer.output
    assert not re.search(r"sk-proj-(?!\*)|__cf_bm|_cfuvid|user-[0-9a-f]{24}", written)


def misses(story: Story) -> dict[str, Given]:
    return {name: given for name, given in story.replayed.items() if "_miss_" in name}


def test_an_sdk_asks_once_for_what_is_missing(story: Story) -> None:
    calls = {name: len(given.shown) for name, given in misses(story).items()}
    assert calls
    assert calls == {name: given.statuses.count(470) for name, given in misses(story).items()}
    logged = [line for line in story.log if line["outcome"] == "miss"]
    assert sum(calls.values()) == len(logged)


WHAT_DIFFERS = {
    "_for_its_model": r"gpt-4\.1|claude-opus-5",
    "_for_a_word_of_the_system_prompt": r"verbose",
    "_for_an_extra_field": r"presence_penalty",
    "_for_a_tool_result": r"turn \d.*tool result.*it rains cats and dogs",
}


def texts(story: Story, ending: str) -> Iterator[tuple[str, str]]:
    """What the exceptions of the misses with a name that ends so say."""
    for name, given in misses(story).items():
        if name.endswith(ending):
            for label, error in given.shown:
                yield f"{name}: {label}", str(error.get("text", error))


@pytest.mark.parametrize("ending", WHAT_DIFFERS)
def test_the_exception_says_what_differs_from_which_recording(story: Story, ending: str) -> None:
    wanted = re.compile(WHAT_DIFFERS[ending], re.DOTALL)
    source = re.compile(r"default#\d+")
    unclear = {
        where: text
        for where, text in texts(story, ending)
        if not (wanted.search(text) and source.search(text))
    }
    assert unclear == {}


def test_the_exception_says_what_was_never_recorded(story: Story) -> None:
    found = dict(texts(story, "_for_what_was_never_recorded"))
    assert found
    unclear = {where: text for where, text in found.items() if "no recording" not in text.lower()}
    assert unclear == {}


def test_what_is_used_up_is_not_called_never_recorded(retries: Story) -> None:
    found = dict(texts(retries, "_when_used_up"))
    assert found
    assert {where: text for where, text in found.items() if "used up" not in text} == {}
    assert all(given.statuses == [470] for given in misses(retries).values())
