"""Sessions over HTTP: set up, told, judged, ended."""

from __future__ import annotations

import pytest

from llmreplay.core.journal import Outcome
from tests.control.asking import entry, running

SETTINGS = {
    "mode": "record",
    "cassettes": ["whole", "check*"],
    "record_into": "rec/one",
    "rules": [{"name": "mine", "fault": "rate_limit"}],
    "overlays": False,
    "seed": 3,
    "timing": "recorded*0.1",
    "after_last": "fail",
    "match": "order",
}


async def test_a_session_is_as_it_was_set_up() -> None:
    async with running() as ask:
        put = await ask("PUT /sessions/a", SETTINGS)
        got = await ask("GET /sessions/a")
    assert put.status == got.status == 200
    assert (
        put.value
        == got.value
        == {
            **SETTINGS,
            "name": "a",
            "configured": True,
            "rules": ["mine"],
            "missing": ["check*"],
            "age_s": 0,
            "idle_s": 0,
            "outcomes": {},
        }
    )


async def test_what_is_not_given_is_as_the_run_is() -> None:
    async with running() as ask:
        answered = await ask("PUT /sessions/a", {})
    assert answered.value == {
        "name": "a",
        "configured": True,
        "mode": "replay",
        "cassettes": None,
        "record_into": "a",
        "rules": [],
        "overlays": True,
        "seed": 7,
        "timing": "instant",
        "after_last": "repeat",
        "match": "exact",
        "missing": [],
        "age_s": 0,
        "idle_s": 0,
        "outcomes": {},
    }


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"mode": "forward"}, "this run only replays"),
        ({"cassettes": ["broken"]}, "broken.yaml:1: no cassette"),
        ({"mode": "repla"}, 'did you mean "replay"'),
    ],
    ids=["usage", "cassette", "mistake"],
)
async def test_what_cannot_be_is_refused_and_explained(settings: object, says: str) -> None:
    async with running() as ask:
        answered = await ask("PUT /sessions/a", settings)
        after = await ask("GET /sessions/a")
    assert (answered.status, after.status) == (422, 404)
    assert says in answered.value["detail"]


async def test_sessions_are_listed_and_ended_by_the_beginning_of_their_names() -> None:
    async with running() as ask:
        for name in ("rec-1", "rec-2", "other"):
            await ask(f"PUT /sessions/{name}", {})
        listed = await ask("GET /sessions")
        some = await ask("GET /sessions?prefix=rec")
        ended = await ask("DELETE /sessions?prefix=rec&keep=false&fresh=true")
        left = await ask("GET /sessions")
    assert listed.value == {"sessions": ["other", "rec-1", "rec-2"]}
    assert some.value == {"sessions": ["rec-1", "rec-2"]}
    taken = {"new": 2, "replaced": 1, "unchanged": 0, "dropped": 0}
    assert ended.value == {
        "deleted": 2,
        "closed": [{"session": "rec-1", **taken}, {"session": "rec-2", **taken}],
    }
    assert ask.shelf.closed == [("rec-1", False, True), ("rec-2", False, True)]
    assert left.value == {"sessions": ["other"]}


async def test_ending_all_needs_to_be_said() -> None:
    async with running() as ask:
        answered = await ask("DELETE /sessions")
    assert answered.status == 400
    assert answered.value["mistakes"] == [{"field": "prefix", "what": "this is missing"}]


async def test_a_session_ends_with_its_recording() -> None:
    async with running() as ask:
        await ask("PUT /sessions/a", {})
        ended = await ask("DELETE /sessions/a")
        again = await ask("DELETE /sessions/a")
    assert ended.value == {"deleted": 1, "closed": []}
    assert again.status == 404
    assert ask.shelf.closed == [("a", True, False)]


async def test_a_recording_that_cannot_be_saved_is_told_and_others_are_saved() -> None:
    async with running() as ask:
        for name in ("full", "rec"):
            await ask(f"PUT /sessions/{name}", {})
        answered = await ask("DELETE /sessions?prefix=")
    assert (answered.status, answered.value["detail"]) == (409, "full.yaml: no space left")
    assert [name for name, _, _ in ask.shelf.closed] == ["full", "rec"]


async def test_a_session_is_there_from_its_first_request_on_and_can_begin_anew() -> None:
    async with running() as ask:
        ask.tell(entry(), entry(outcome=Outcome.MISS))
        before = await ask("GET /sessions/a")
        reset = await ask("POST /sessions/a/reset")
        unknown = await ask("POST /sessions/b/reset")
    assert before.value["outcomes"] == {"hit": 1, "miss": 1}
    assert before.value["configured"] is False
    assert reset.value["outcomes"] == {}
    assert unknown.status == 404


async def test_the_verdict_on_a_session() -> None:
    async with running({"name": "slow", "fault": {"delay": "1s"}}) as ask:
        ask.tell(
            entry(outcome=Outcome.MISS, detail="never recorded"),
            entry(outcome=Outcome.RECORDED),
            entry(source="default#1", drift=("model differs",)),
            entry(faults=("cut: at 3 (not done: there are 2)",)),
        )
        answered = await ask("GET /sessions/a/verify")
        unknown = await ask("GET /sessions/b/verify")
    said = {"method": "POST", "target": "/openai/v1/chat/completions"}
    assert answered.value == {
        "missed": 1,
        "misses": [{**said, "model": "gpt-4o-mini", "detail": "never recorded"}],
        "unused": ["default#1"],
        "live_calls": 1,
        "drifted": 1,
        "drift": [{**said, "source": "default#1", "differs": ["model differs"]}],
        "fired": {},
        "never_fired": ["slow"],
        "not_done": ["cut: at 3 (not done: there are 2)"],
    }
    assert unknown.status == 404


@pytest.mark.parametrize(
    "name", ["..", ".a", "a%2Fb", "a%2F..%2F..%2Fetc", "%00", "a" * 129, "%C3%A4"]
)
async def test_no_name_leads_anywhere_else(name: str) -> None:
    async with running() as ask:
        for asked in ("PUT /sessions/{}", "GET /sessions/{}", "DELETE /sessions/{}"):
            body: object = {} if asked.startswith("PUT") else None
            answered = await ask(asked.format(name.replace("..", "%2E%2E")), body)
            assert answered.status == 400
            assert answered.value["mistakes"][0]["field"] == "name"
        assert ask.sessions.names() == ()
