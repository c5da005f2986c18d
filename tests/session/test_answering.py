"""The story of a request, with the far side and the recorder made of values."""

import json
from dataclasses import dataclass

import pytest

from llmreplay.core.canonical import MatchSettings, Strictness
from llmreplay.core.exchange import Chunk, Exchange, Headers, Request, Response
from llmreplay.core.journal import Outcome
from llmreplay.core.matching import AfterLast
from llmreplay.core.plan import Plan
from llmreplay.core.policy import Mode
from llmreplay.core.routing import Upstream, Upstreams
from llmreplay.core.tape import Recording, Tape
from llmreplay.errors import UpstreamError
from llmreplay.session import Answerer, Call, Live, Ready, Settled, index_request
from tests.fakes.clock import FakeClock
from tests.fakes.far_side import FakeAnswer, FakeForwarder, FakeRecorder

OPENAI = Upstreams(named={"openai": Upstream("openai", "https://api.openai.com")})
JSON: Headers = (("content-type", "application/json"),)
PATH = "/openai/v1/chat/completions"


@dataclass(frozen=True)
class Played:
    """What `prepare` makes here: the plan itself."""

    plan: Plan
    size: int = 1

    @property
    def body(self) -> bytes:
        return b"".join(step.data for step in self.plan.steps)


def chat(content: str, *, key: str = "sk-none", path: str = PATH) -> Call:
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": content}]}
    headers = (*JSON, ("authorization", f"Bearer {key}"))
    return Call("POST", path, headers, json.dumps(body).encode())


def recorded(number: int, content: str, answer: str, *, url: str | None = None) -> Exchange:
    asked = chat(content)
    return Exchange(
        number,
        "openai",
        Request(
            "POST", url or "https://api.openai.com/v1/chat/completions", JSON, asked.body, "openai"
        ),
        Response(200, JSON, (Chunk(json.dumps({"say": answer}).encode()),)),
    )


def tape_of(*exchanges: Exchange, match: MatchSettings | None = None) -> Tape:
    tape = Tape()
    for exchange in exchanges:
        found = index_request(exchange.request, match or MatchSettings())
        tape.add(
            Recording(
                fingerprint=found.fingerprint,
                features=found.features,
                upstream=exchange.upstream,
                method=found.method,
                path=found.path,
                source=f"default#{exchange.number}",
                load=lambda exchange=exchange: exchange,  # type: ignore[misc]
            )
        )
    return tape


def answerer(
    tape: Tape,
    settled: Settled | None = None,
    *,
    forwarder: FakeForwarder | None = None,
    recorder: FakeRecorder | None = None,
) -> Answerer[Played]:
    return Answerer(
        tape,
        settled or Settled(upstreams=OPENAI),
        clock=FakeClock(),
        prepare=Played,
        forwarder=forwarder,
        recorder=recorder,
    )


async def ready(one: Answerer[Played], call: Call) -> Ready[Played]:
    answer = await one.answer(call)
    assert isinstance(answer, Ready)
    return answer


async def said(one: Answerer[Played], call: Call) -> str:
    return str(json.loads((await ready(one, call)).prepared.body)["say"])


async def test_a_recorded_request_is_answered() -> None:
    answer = await ready(answerer(tape_of(recorded(1, "hi", "hello"))), chat("hi"))
    assert answer.prepared.plan.status == 200
    assert answer.prepared.plan.headers == (*JSON, ("x-llmreplay-exchange", "default#1"))
    entry = answer.entry(elapsed_ms=3.0)
    assert (entry.outcome, entry.source, entry.model, entry.upstream, entry.elapsed_ms) == (
        Outcome.HIT,
        "default#1",
        "gpt-4o-mini",
        "openai",
        3.0,
    )


async def test_the_nth_request_gets_the_nth_answer_and_each_session_its_own_place() -> None:
    one = answerer(tape_of(recorded(1, "hi", "first"), recorded(2, "hi", "second")))
    assert [await said(one, chat("hi")) for _ in range(3)] == ["first", "second", "second"]
    assert await said(one, chat("hi", path=f"/_s/other{PATH}")) == "first"
    with_header = Call("POST", PATH, (*JSON, ("x-llmreplay-session", "third")), chat("hi").body)
    assert await said(one, with_header) == "first"


async def test_a_bare_path_finds_what_was_recorded_anywhere() -> None:
    one = answerer(tape_of(recorded(1, "hi", "hello")))
    assert await said(one, chat("hi", path="/v1/chat/completions")) == "hello"


async def test_a_base_path_of_the_recording_need_not_be_said_again() -> None:
    url = "https://gw.example/team/v1/chat/completions"
    upstreams = Upstreams(recorded_bases={"openai": ("/team/v1",)})
    one = answerer(tape_of(recorded(1, "hi", "hello", url=url)), Settled(upstreams=upstreams))
    assert await said(one, chat("hi", path="/chat/completions")) == "hello"


async def test_a_miss_is_refused_and_explained() -> None:
    one = answerer(tape_of(recorded(1, "hi", "hello")))
    answer = await ready(one, chat("ho"))
    plan = answer.prepared.plan
    assert (plan.status, plan.reason) == (470, "No Recording")
    assert ("x-should-retry", "false") in plan.headers
    assert ("x-llmreplay-miss", "never-recorded") in plan.headers
    message = json.loads(answer.prepared.body)["error"]["message"]
    assert '"hi"' in message
    assert '"ho"' in message
    assert answer.entry(elapsed_ms=1.0).detail == message


async def test_used_up_is_another_miss() -> None:
    one = answerer(
        tape_of(recorded(1, "hi", "hello")),
        Settled(upstreams=OPENAI, after_last=AfterLast.FAIL),
    )
    await ready(one, chat("hi"))
    answer = await ready(one, chat("hi"))
    assert ("x-llmreplay-miss", "used-up") in answer.prepared.plan.headers


async def test_by_order_the_place_decides_and_the_drift_is_told() -> None:
    match = MatchSettings(strictness=Strictness.ORDER)
    one = answerer(
        tape_of(recorded(1, "hi", "hello"), match=match), Settled(upstreams=OPENAI, match=match)
    )
    entry = (await ready(one, chat("ho"))).entry(elapsed_ms=0.0)
    assert entry.outcome is Outcome.HIT
    assert any('"ho"' in sentence for sentence in entry.drift)


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/_s/..%2fup/openai/v1/models", 400, "cannot name a session"),
        ("/_llmreplay/anything", 404, "nothing is at /_llmreplay/anything"),
    ],
)
async def test_calls_that_mean_nothing_are_refused(path: str, status: int, words: str) -> None:
    answer = await ready(answerer(Tape()), chat("hi", path=path))
    assert answer.prepared.plan.status == status
    assert words in answer.entry(elapsed_ms=0.0).detail


async def test_recording_asks_the_upstream_and_stores_what_it_says() -> None:
    clock = FakeClock()
    forwarder = FakeForwarder(FakeAnswer(clock, [(0, b'{"say":"hi"}')], headers=JSON))
    recorder = FakeRecorder()
    one = answerer(
        Tape(), Settled(mode=Mode.ALL, upstreams=OPENAI), forwarder=forwarder, recorder=recorder
    )
    call = chat("hi", key="sk-live")
    live = await one.answer(call)
    assert isinstance(live, Live)
    assert b"".join([piece async for piece in live.pieces()]) == b'{"say":"hi"}'
    assert forwarder.asked == [
        Request(
            "POST", "https://api.openai.com/v1/chat/completions", call.headers, call.body, "openai"
        )
    ]
    [(cassette, exchange)] = recorder.stored
    assert (cassette, exchange.number, exchange.upstream) == ("default", 1, "openai")
    assert exchange.response == Response(200, JSON, (Chunk(b'{"say":"hi"}'),))
    assert (live.entry.outcome, live.entry.source) == (Outcome.RECORDED, "default#1")


async def test_a_session_records_into_a_cassette_of_its_own_name() -> None:
    forwarder = FakeForwarder(FakeAnswer(FakeClock(), [(0, b"{}")], headers=JSON))
    recorder = FakeRecorder()
    one = answerer(
        Tape(), Settled(mode=Mode.ALL, upstreams=OPENAI), forwarder=forwarder, recorder=recorder
    )
    live = await one.answer(chat("hi", path=f"/_s/mine{PATH}"))
    assert isinstance(live, Live)
    async for _ in live.pieces():
        pass
    assert [cassette for cassette, _ in recorder.stored] == ["mine"]


async def test_only_codings_that_can_be_taken_off_are_asked_for() -> None:
    forwarder = FakeForwarder(FakeAnswer(FakeClock(), [(0, b"{}")], headers=JSON))
    one = answerer(Tape(), Settled(mode=Mode.OFF, upstreams=OPENAI), forwarder=forwarder)
    call = Call("GET", "/openai/v1/models", (("Accept-Encoding", "gzip, dcb, zstd"),), b"")
    await one.answer(call)
    assert forwarder.asked[0].headers == (("Accept-Encoding", "gzip, zstd"),)


async def test_mode_new_replays_what_is_there_and_records_what_is_not() -> None:
    forwarder = FakeForwarder(FakeAnswer(FakeClock(), [(0, b"{}")], headers=JSON))
    one = answerer(
        tape_of(recorded(1, "hi", "hello")),
        Settled(mode=Mode.NEW, upstreams=OPENAI),
        forwarder=forwarder,
        recorder=FakeRecorder(),
    )
    assert await said(one, chat("hi")) == "hello"
    assert isinstance(await one.answer(chat("ho")), Live)


async def test_an_upstream_that_does_not_answer_is_told_in_the_dialects_shape() -> None:
    forwarder = FakeForwarder(UpstreamError("nothing listens at 127.0.0.1:9"))
    one = answerer(Tape(), Settled(mode=Mode.OFF, upstreams=OPENAI), forwarder=forwarder)
    answer = await ready(one, chat("hi"))
    assert answer.prepared.plan.status == 502
    assert json.loads(answer.prepared.body)["error"]["message"] == (
        "llmreplay: nothing listens at 127.0.0.1:9"
    )
    assert answer.entry(elapsed_ms=0.0).outcome is Outcome.FAILED


async def test_a_bare_path_without_an_upstream_says_what_to_do() -> None:
    one = answerer(Tape(), Settled(mode=Mode.OFF), forwarder=FakeForwarder())
    answer = await ready(one, chat("hi", path="/v1/chat/completions"))
    assert answer.prepared.plan.status == 404
    assert "--upstream URL" in answer.entry(elapsed_ms=0.0).detail
