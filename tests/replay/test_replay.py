"""llmreplay driven from Python: one in this process, and one that runs elsewhere."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from llmreplay import Replay
from llmreplay.errors import UsageError
from tests.fakes.provider import FakeProvider
from tests.replay.asking import ask, write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    Driving = Callable[..., AbstractContextManager[Replay]]


@pytest.fixture(params=["here", "elsewhere"])
def driving(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Driving:
    """`Replay`, and the same by the address of another."""
    monkeypatch.setenv("LLMREPLAY_CA_DIR", str(tmp_path / "ca"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "cassettes", "sea", hello="ahoy", bye="fair winds")
    write(tmp_path / "cassettes", "land", hello="good day")

    @contextmanager
    def start(**given: object) -> Iterator[Replay]:
        with Replay(**given) as replay:  # type: ignore[arg-type]  # as each test gives them
            if request.param == "here":
                yield replay
            else:
                with Replay(url=replay.url) as remote:
                    yield remote

    return start


def test_it_answers_from_cassettes(driving: Driving) -> None:
    with driving() as replay:
        assert ask(replay.base_url("openai"), "bye") == (200, "fair winds")
        assert replay.last_request.json["messages"][0]["content"] == "bye"
        status, told = ask(replay.base_url("openai"), "what?")
    assert (status, told.split("\n")[0]) == (
        470,
        "llmreplay: no recording for POST /v1/chat/completions (openai, m-1, turn 1)",
    )


def test_each_session_has_its_own_cassettes(driving: Driving) -> None:
    with (
        driving() as replay,
        replay.session("a", cassettes=["sea"]) as sea,
        replay.session("b", cassettes=["land"]) as land,
    ):
        assert ask(sea.base_url("openai"), "hello") == (200, "ahoy")
        assert ask(land.base_url("openai"), "hello") == (200, "good day")
        assert [one.source for one in replay.requests(model="m-*")] == ["sea#1", "land#1"]
        assert [one.source for one in land.requests()] == ["land#1"]
        assert (sea.verify().unused, land.verify().unused) == (("sea#2",), ())


def test_a_session_says_what_was_missed(driving: Driving) -> None:
    with driving() as replay, replay.session("a", cassettes=["land"]) as session:
        ask(session.base_url("openai"), "what?")
        checked = session.verify()
        assert (checked.missed, checked.is_clean) == (1, False)
        assert "no recording for POST" in checked.explanations[0]
        assert [one.outcome for one in session.requests(outcome="miss")] == ["miss"]
        assert session.requests(outcome="hit", upstream="openai", model="m-1") == ()
        session.reset()
        assert session.verify().missed == 0


def test_a_request_is_shown_without_its_key(driving: Driving) -> None:
    with driving() as replay:
        ask(replay.base_url("openai"), "hello")
        seen = replay.last_request
    assert seen.header("content-type") == "application/json"
    assert "sk-fake" not in repr(seen)


def test_rules_are_laid_over_a_session_or_all(driving: Driving) -> None:
    with driving() as replay, replay.session("a", cassettes=["sea"]) as session:
        session.add_rule("rate_limit", when={"first": 1})
        assert ask(replay.base_url("openai"), "bye")[0] == 200
        assert [ask(session.base_url("openai"), "hello")[0] for _ in range(2)] == [429, 200]
        assert session.verify().fired == (("a rule 1", 1),)
        replay.add_rule("overloaded", name="all of them", match={"model": "m-1"})
        assert ask(replay.base_url("openai"), "bye")[0] == 503
        with pytest.raises(UsageError, match="rate_limitt"):
            session.add_rule("rate_limitt")


def test_rules_of_a_session_go_with_it(driving: Driving) -> None:
    with driving() as replay:
        with replay.session("a", rules=[{"fault": "quota"}]) as session:
            session.add_rule("rate_limit")
            assert ask(session.base_url("openai"), "hello")[0] == 429
        assert ask(f"{replay.url}/_s/a/openai/v1", "hello")[0] == 200


def test_a_session_leads_programs_to_itself(driving: Driving) -> None:
    with driving() as replay, replay.session("a", cassettes=["sea"]) as session:
        env = session.env({})
        assert env["OPENAI_BASE_URL"] == session.base_url("openai")
        assert env["ANTHROPIC_BASE_URL"] == f"{replay.url}/_s/a/anthropic"
        assert "//a:none@127.0.0.1" in env["HTTPS_PROXY"]
        assert "OPENAI_API_KEY" in env
        assert replay.env()["OPENAI_BASE_URL"] == replay.base_url("openai")


@pytest.mark.parametrize(
    ("setup", "told"),
    [
        ({"mood": "replay"}, "mood"),
        ({"mode": "rekord"}, "record"),
        ({"mode": "record"}, "this run only replays"),
        ({"rules": [{"fault": "rate_limitt"}]}, "rate_limit"),
    ],
)
def test_a_session_that_cannot_be_is_refused(
    driving: Driving, setup: dict[str, object], told: str
) -> None:
    with (
        driving() as replay,
        pytest.raises(UsageError, match=told),
        replay.session("a", **setup),
    ):
        raise AssertionError("it was set up")


def recording_that_raises(replay: Replay) -> None:
    with replay.session("new", mode="record") as session:
        assert ask(session.base_url("openai"), "hello")[0] == 200
        raise ValueError("wrong")


def test_what_a_block_recorded_is_kept_unless_it_raises(driving: Driving, tmp_path: Path) -> None:
    recorded = tmp_path / "cassettes" / "new.yaml"
    with FakeProvider() as provider:
        upstreams = {"openai": provider.openai_url}
        with driving(reaches_out=True, upstreams=upstreams) as replay:
            with pytest.raises(ValueError, match="wrong"):
                recording_that_raises(replay)
            assert not recorded.exists()
            with replay.session("new", mode="record", cassettes=[]) as session:
                live = ask(session.base_url("openai"), "hello")
            with replay.session("again", cassettes=["new"]) as session:
                assert ask(session.base_url("openai"), "hello") == live
    assert recorded.exists()


async def test_it_can_be_waited_for(driving: Driving) -> None:
    del driving
    async with Replay() as replay:
        assert replay.url.startswith("http://127.0.0.1:")


def test_what_is_wrong_is_told_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match='no mode "rekord"'):
        Replay(mode="rekord")
    with pytest.raises(UsageError, match="there is no such folder"), Replay(tmp_path / "none"):
        pass
    with pytest.raises(UsageError, match="timing"), Replay(tmp_path, timing="tps=0"):
        pass
    with pytest.raises(UsageError, match="no llmreplay answers"), Replay(url="http://127.0.0.1:9"):
        pass
    with pytest.raises(UsageError, match="no address"), Replay(url="127.0.0.1:9"):
        pass


def test_it_is_used_within_its_block(driving: Driving) -> None:
    with driving() as replay:
        with pytest.raises(UsageError, match="no request has come"):
            _ = replay.last_request
        with (
            replay.session("a") as session,
            pytest.raises(UsageError, match="in session a"),
        ):
            _ = session.last_request
        assert replay.base_url("gateway") == f"{replay.url}/gateway"
        with pytest.raises(UsageError, match='no provider "opnai"; did you mean "openai"'):
            replay.base_url("opnai")
    with pytest.raises(UsageError, match="inside its `with`"):
        Replay().requests()


def test_importing_llmreplay_costs_nothing() -> None:
    script = (
        "import sys, llmreplay; before = set(sys.modules); llmreplay.Replay; "
        "print('aiohttp' in before, 'aiohttp' in sys.modules)"
    )
    assert subprocess.check_output([sys.executable, "-c", script], text=True) == "False True\n"  # noqa: S603  # our own program
