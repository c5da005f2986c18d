"""Sessions: each with its own answers, told apart, judged, and forgotten."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from llmreplay.core.canonical import Strictness
from llmreplay.core.faults import Arrival, AtConnection, Overlay
from llmreplay.core.faults.reading import read_rules
from llmreplay.core.journal import Entry, Outcome
from llmreplay.core.matching import AfterLast
from llmreplay.core.policy import Mode
from llmreplay.core.timing import INSTANT
from llmreplay.errors import UsageError
from llmreplay.session import Answerer, Ended, Faults, Found, Live, Ready, Sessions, Settled, Setup
from tests.fakes.clock import FakeClock
from tests.fakes.far_side import FakeAnswer, FakeForwarder, FakeRecorder
from tests.session.made import OPENAI, PATH, Played, chat, reaching, recorded, tape_of

if TYPE_CHECKING:
    from llmreplay.core.dialect import Json
    from llmreplay.core.faults import Rule
    from llmreplay.core.tape import Tape
    from llmreplay.session import Call, ClosedTake

RUN = Setup(
    mode=Mode.REPLAY,
    record_into="default",
    seed=7,
    timing=INSTANT,
    after_last=AfterLast.REPEAT,
    strictness=Strictness.EXACT,
)


class Shelf:
    """Cassettes made of values. `ended` has what was closed."""

    def __init__(self, **tapes: Tape) -> None:
        self.ended: list[tuple[str, bool, bool]] = []
        self._tapes = tapes

    async def find(self, cassettes: tuple[str, ...] | None, mode: Mode) -> Found:
        names = ("whole",) if cassettes is None else cassettes
        missing = tuple(name for name in names if name not in self._tapes)
        tape = next((self._tapes[name] for name in names if name in self._tapes), tape_of())
        hosts = reaching(OPENAI, forwards=mode is not Mode.REPLAY)
        return Found(tape, hosts, ", ".join(names), missing)

    async def close(self, cassette: str, *, keep: bool, fresh: bool) -> ClosedTake | None:
        self.ended.append((cassette, keep, fresh))
        return None

    def check(self, mode: Mode, record_into: str) -> None:
        if mode is Mode.OFF or "/" in record_into:
            raise UsageError(f"not {mode} into {record_into}")


class Run:
    """Sessions over a shelf, and the one way to ask them."""

    def __init__(self, *rules: Json, forwarder: FakeForwarder | None = None, **tapes: Tape) -> None:
        self.clock = FakeClock()
        self.shelf = Shelf(**tapes)
        self.recorder = FakeRecorder()
        whole = tapes.get("whole") or tape_of()
        default = Answerer(
            whole,
            Settled(hosts=reaching(OPENAI)),
            clock=self.clock,
            prepare=Played,
            forwarder=forwarder,
            recorder=self.recorder,
            faults=Faults(Overlay(made(*rules)), clock=self.clock),
        )
        self.sessions = Sessions(default, RUN, self.shelf, clock=self.clock)

    async def ask(self, session: str | None, content: str = "hi") -> str:
        """What a client of a session is told; the reason, if there is no answer."""
        call = of(session, content)
        answer = self.sessions.at_once(call) or await self.sessions.answer(call)
        if isinstance(answer, Live):
            async for _ in answer.pieces():
                pass
            self.sessions.tell(answer.entry)
            return str(answer.entry.outcome)
        assert isinstance(answer, Ready)
        self.sessions.tell(answer.entry(elapsed_ms=1.0))
        said = json.loads(answer.prepared.body or b"{}")
        return str(said.get("say") or answer.prepared.plan.status)


def of(session: str | None, content: str = "hi") -> Call:
    return chat(content, path=f"/_s/{session}{PATH}" if session else PATH)


def made(*rules: Json) -> tuple[Rule, ...]:
    read = read_rules({"rules": list(rules)}, "test")
    assert read.mistakes == ()
    return read.rules


def three(*rules: Json) -> Run:
    return Run(
        *rules,
        whole=tape_of(recorded(1, "hi", "whole 1"), recorded(2, "hi", "whole 2")),
        mine=tape_of(recorded(1, "hi", "mine 1"), recorded(2, "hi", "mine 2")),
        yours=tape_of(recorded(1, "hi", "yours 1"), recorded(2, "ho", "yours 2")),
    )


async def test_each_session_answers_from_its_own_cassette() -> None:
    run = three()
    await run.sessions.put("a", Setup(cassettes=("mine",)))
    await run.sessions.put("b", Setup(cassettes=("yours",)))
    told = [await run.ask(session) for _ in range(2) for session in ("a", "b", "c", None)]
    assert told == [
        "mine 1", "yours 1", "whole 1", "whole 1",
        "mine 2", "yours 1", "whole 2", "whole 2",
    ]  # fmt: skip


async def test_sessions_with_the_same_cassette_have_their_own_place() -> None:
    run = three()
    await run.sessions.put("a", Setup(cassettes=("mine",)))
    await run.sessions.put("b", Setup(cassettes=("mine",)))
    assert [await run.ask(session) for session in ("a", "b", "a", "b")] == [
        "mine 1", "mine 1", "mine 2", "mine 2",
    ]  # fmt: skip


async def test_the_default_session_can_be_set_up_too() -> None:
    run = three()
    await run.sessions.put("default", Setup(cassettes=("mine",)))
    assert [await run.ask(None), await run.ask("other")] == ["mine 1", "whole 1"]


async def test_a_session_is_there_from_its_first_request() -> None:
    run = three()
    assert run.sessions.get("a") is None
    assert run.sessions.names() == ()
    run.clock.seconds = 5.0
    await run.ask("a")
    run.clock.seconds = 8.0
    info = run.sessions.get("a")
    assert info is not None
    assert (info.configured, info.requests, info.age_s, info.idle_s) == (False, 1, 3.0, 3.0)
    assert (info.setup.mode, info.setup.record_into, info.setup.seed) == (Mode.REPLAY, "a", 7)
    assert run.sessions.names() == ("a",)
    assert run.sessions.tally("a") == {Outcome.HIT: 1}
    assert run.sessions.tally("b") == {}


async def test_what_is_left_out_is_as_in_the_run() -> None:
    run = three()
    info = await run.sessions.put("a")
    assert info.configured
    assert info.setup == Setup(
        mode=Mode.REPLAY,
        record_into="a",
        seed=7,
        timing=INSTANT,
        after_last=AfterLast.REPEAT,
        strictness=Strictness.EXACT,
    )
    assert (await run.sessions.put("default")).setup.record_into == "default"


async def test_what_is_said_holds_for_this_session_alone() -> None:
    run = three()
    await run.sessions.put("a", Setup(after_last=AfterLast.CYCLE))
    await run.sessions.put("b", Setup(after_last=AfterLast.FAIL))
    assert [await run.ask("a") for _ in range(3)] == ["whole 1", "whole 2", "whole 1"]
    assert [await run.ask("b") for _ in range(3)] == ["whole 1", "whole 2", "470"]


async def test_by_order_in_one_session() -> None:
    run = three()
    await run.sessions.put("a", Setup(strictness=Strictness.ORDER))
    assert [await run.ask("a", "else"), await run.ask(None, "else")] == ["whole 1", "470"]
    verdict = run.sessions.verify("a")
    assert verdict is not None
    assert (verdict.drifted, len(verdict.drift), verdict.missed) == (1, 1, 0)


async def test_a_session_that_is_put_again_begins_anew() -> None:
    run = three()
    await run.sessions.put("a", Setup(cassettes=("mine",)))
    assert await run.ask("a") == "mine 1"
    info = await run.sessions.put("a", Setup(cassettes=("mine",)))
    assert (info.requests, await run.ask("a")) == (0, "mine 1")


async def test_cassettes_that_are_not_there_are_told_and_missed() -> None:
    run = three()
    info = await run.sessions.put("a", Setup(cassettes=("nothing", "mine")))
    assert (info.missing, await run.ask("a")) == (("nothing",), "mine 1")
    await run.sessions.put("a", Setup(cassettes=("nothing",)))
    answer = await run.sessions.answer(of("a"))
    assert isinstance(answer, Ready)
    assert b"no recordings are loaded from nothing" in answer.prepared.body


@pytest.mark.parametrize("name", ["", ".a", "a b", "ä", "a/b", "x" * 129])
async def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="cannot name a session"):
        await Run().sessions.put(name)


async def test_what_the_run_cannot_do_is_refused_and_changes_nothing() -> None:
    run = three()
    await run.sessions.put("a", Setup(cassettes=("mine",)))
    for setup in (Setup(mode=Mode.OFF), Setup(record_into="no/where", once=True)):
        with pytest.raises(UsageError, match="not "):
            await run.sessions.put("a", setup)
    assert await run.ask("a") == "mine 1"


async def test_reset_begins_anew_with_the_same_settings() -> None:
    run = three()
    await run.sessions.put("a", Setup(cassettes=("mine",)))
    for session in ("a", "b"):
        await run.ask(session)
        await run.ask(session, "never")
        assert run.sessions.reset(session)
    assert [await run.ask("a"), await run.ask("b")] == ["mine 1", "whole 1"]
    assert [run.sessions.tally(name) for name in ("a", "b")] == [{Outcome.HIT: 1}] * 2
    assert not run.sessions.reset("never seen")


async def test_what_is_deleted_is_answered_as_the_run_is() -> None:
    run = three()
    await run.sessions.put("a", Setup(cassettes=("mine",)))
    await run.ask("a")
    assert run.sessions.delete("a")
    assert not run.sessions.delete("a")
    assert (run.sessions.get("a"), run.sessions.verify("a")) == (None, None)
    assert await run.ask("a") == "whole 1"


async def test_sessions_are_deleted_by_the_beginning_of_their_names() -> None:
    run = three()
    for name in ("t-1", "t-2", "other"):
        await run.sessions.put(name)
    await run.ask("t-3")
    assert run.sessions.delete_prefix("t-") == 3
    assert run.sessions.names() == ("other",)


async def test_whoever_wants_to_know_is_told_of_sessions_that_are_over() -> None:
    run = Run(whole=tape_of(recorded(1, "hi", "hello")))
    told: list[tuple[str, int, int, int]] = []
    run.sessions.when_over = lambda info, verdict: told.append(
        (info.name, info.requests, verdict.missed, len(verdict.unused))
    )
    await run.sessions.put("a")
    await run.ask("a")
    await run.ask("a", "never")
    assert told == []
    assert run.sessions.reset("a")
    assert not run.sessions.reset("nobody")
    await run.sessions.put("a")
    await run.ask("a")
    assert run.sessions.delete("a")
    assert not run.sessions.delete("a")
    assert told == [("a", 2, 1, 0), ("a", 0, 0, 1), ("a", 1, 0, 0)]


async def test_idle_sessions_expire() -> None:
    run = three()
    await run.sessions.put("early")
    await run.ask("first")
    run.clock.seconds = 3_000
    await run.ask("late")
    run.clock.seconds = 3_600
    assert run.sessions.expire() == ("early", "first")
    assert run.sessions.names() == ("late",)
    assert run.sessions.expire(6_000, idle_s=10_000) == ()


async def test_the_verdict_says_what_was_missed_and_what_was_left() -> None:
    run = three()
    await run.sessions.put("a", Setup(cassettes=("yours",)))
    await run.ask("a")
    for _ in range(25):
        await run.ask("a", "never")
    verdict = run.sessions.verify("a")
    assert verdict is not None
    assert (verdict.missed, len(verdict.misses), verdict.live_calls) == (25, 20, 0)
    assert '"never"' in verdict.misses[0].detail
    assert [one.source for one in verdict.unused] == ["default#2"]


async def test_the_verdict_knows_which_rules_fired() -> None:
    run = three(
        {"name": "busy", "when": {"first": 1}, "fault": "rate_limit"},
        {"name": "others", "match": {"session": "x-*"}, "fault": "rate_limit"},
    )
    cut = {"name": "cut", "when": {"nth": 2}, "fault": {"cut": {"at": 99}}}
    never = {"name": "never", "match": {"model": "o9"}, "fault": "rate_limit"}
    await run.sessions.put("a", Setup(rules=made(cut, never)))
    assert [await run.ask("a") for _ in range(3)] == ["429", "whole 1", "whole 2"]
    verdict = run.sessions.verify("a")
    assert verdict is not None
    assert (verdict.fired, verdict.never_fired) == ({"busy": 1, "cut": 1}, ("never",))
    assert [told.partition(" (not done: ")[0] for told in verdict.not_done] == [
        "cut: cut after 99 events, close"
    ]
    run.sessions.reset("a")
    again = run.sessions.verify("a")
    assert again is not None
    assert (again.fired, again.not_done) == ({}, ())


async def test_rules_about_connections_are_those_of_the_session_in_the_proxys_address() -> None:
    run = three()
    refused = {"name": "closed", "fault": {"connection": "refused"}}
    await run.sessions.put("a", Setup(rules=made(refused)))
    assert run.sessions.arriving(Arrival("b")) is None
    told = run.sessions.arriving(Arrival("a"))
    assert told == (AtConnection.REFUSED, "closed: connection refused")
    verdict = run.sessions.verify("a")
    assert verdict is not None
    assert verdict.fired == {"closed": 1}


async def test_what_a_connection_does_not_say_its_request_does() -> None:
    upstream = {"name": "u", "match": {"upstream": "openai"}, "fault": {"connection": "refused"}}
    anyone = {"name": "closed", "when": {"first": 1}, "fault": {"connection": "refused"}}
    run = three(upstream | {"when": {"first": 1}})
    await run.sessions.put("a", Setup(rules=made(anyone), overlays=False))
    await run.sessions.put("default", Setup(rules=made(anyone), overlays=False))
    assert [await run.ask("b") for _ in range(2)] == ["0", "whole 1"]
    assert [await run.ask("a") for _ in range(2)] == ["0", "whole 1"]
    # The default session is what connections are taken to be of: there it came before.
    assert await run.ask(None) == "whole 1"


async def test_the_runs_rules_can_be_left_out_and_changed() -> None:
    run = three({"name": "busy", "fault": "rate_limit"})
    await run.sessions.put("without", Setup(overlays=False))
    await run.sessions.put("with")
    assert [await run.ask(name) for name in ("without", "with", None)] == ["whole 1", "429", "429"]
    run.sessions.change_rules(Overlay(made({"name": "down", "fault": "unavailable"})))
    assert [await run.ask(name) for name in ("without", "with", None)] == ["whole 2", "503", "503"]


async def test_a_session_records_into_its_cassette_and_the_recording_is_ended() -> None:
    clock = FakeClock()
    run = Run(forwarder=FakeForwarder(*(FakeAnswer(clock) for _ in range(3))))
    await run.sessions.put("a", Setup(mode=Mode.ALL, record_into="deep"))
    await run.sessions.put("b", Setup(mode=Mode.ALL))
    await run.sessions.put("default", Setup(mode=Mode.ALL))
    assert [await run.ask(session) for session in ("a", "b", None)] == ["recorded"] * 3
    assert [cassette for cassette, _ in run.recorder.stored] == ["deep", "b", "default"]
    verdict = run.sessions.verify("a")
    assert verdict is not None
    assert verdict.live_calls == 1
    assert await run.sessions.end("a", keep=False) == Ended(existed=True, closed=None)
    assert await run.sessions.end("a", fresh=True) == Ended(existed=False, closed=None)
    assert run.shelf.ended == [("deep", False, False)]


async def test_a_cassette_of_several_sessions_is_closed_by_the_last() -> None:
    run = three()
    both = Setup(mode=Mode.NEW, record_into="both")
    for name in ("a", "b"):
        await run.sessions.put(name, both)
    await run.sessions.put("c", Setup(record_into="both"))
    with pytest.raises(UsageError, match="session b records into it as well"):
        await run.sessions.end("a", keep=False)
    assert (await run.sessions.end("a")).existed
    assert run.shelf.ended == []
    await run.sessions.end("b", keep=False)
    assert run.shelf.ended == [("both", False, False)]


async def test_once_is_settled_when_the_session_is_set_up() -> None:
    run = three()
    told = [
        (await run.sessions.put("a", Setup(once=True, record_into=into))).setup.mode
        for into in ("mine", "new")
    ]
    assert told == [Mode.REPLAY, Mode.ALL]


def test_what_failed_on_its_way_was_a_live_call() -> None:
    run = Run()
    failed = Entry("a", Outcome.FAILED, "POST", "/v1", 502)
    run.sessions.tell(failed._replace(upstream="openai"))
    run.sessions.tell(failed)
    verdict = run.sessions.verify("a")
    assert verdict is not None
    assert verdict.live_calls == 1
