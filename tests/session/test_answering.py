"""The story of a request, with the far side and the recorder made of values."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import yaml

from llmreplay.core.canonical import MatchSettings, Strictness
from llmreplay.core.exchange import Chunk, Exchange, Request, Response
from llmreplay.core.journal import Outcome
from llmreplay.core.matching import AfterLast
from llmreplay.core.policy import Mode
from llmreplay.core.routing import Upstreams
from llmreplay.core.tape import Tape
from llmreplay.errors import CassetteError, UpstreamError
from llmreplay.session import Answerer, Call, Live, Ready, Settled
from tests.fakes.clock import FakeClock
from tests.fakes.far_side import FakeAnswer, FakeForwarder, FakeRecorder
from tests.session.made import (
    JSON,
    OPENAI,
    PATH,
    Played,
    chat,
    reaching,
    recorded,
    recording,
    tape_of,
)


def answerer(
    tape: Tape,
    settled: Settled | None = None,
    *,
    forwarder: FakeForwarder | None = None,
    recorder: FakeRecorder | None = None,
) -> Answerer[Played]:
    return Answerer(
        tape,
        settled or Settled(hosts=reaching(OPENAI)),
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
    one = answerer(tape_of(recorded(1, "hi", "hello", url=url)), Settled(hosts=reaching(upstreams)))
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
        Settled(hosts=reaching(OPENAI), after_last=AfterLast.FAIL),
    )
    await ready(one, chat("hi"))
    answer = await ready(one, chat("hi"))
    assert ("x-llmreplay-miss", "used-up") in answer.prepared.plan.headers


async def test_by_order_the_place_decides_and_the_drift_is_told() -> None:
    match = MatchSettings(strictness=Strictness.ORDER)
    one = answerer(
        tape_of(recorded(1, "hi", "hello"), match=match),
        Settled(hosts=reaching(OPENAI), match=match),
    )
    entry = (await ready(one, chat("ho"))).entry(elapsed_ms=0.0)
    assert entry.outcome is Outcome.HIT
    assert any('"ho"' in sentence for sentence in entry.drift)
    assert (await ready(one, chat("hi"))).entry(elapsed_ms=0.0).drift == ()


async def test_calls_that_mean_nothing_are_refused() -> None:
    answer = await ready(answerer(Tape()), chat("hi", path="/_llmreplay/anything"))
    assert answer.prepared.plan.status == 404
    entry = answer.entry(elapsed_ms=2.0)
    assert (entry.outcome, entry.session, entry.elapsed_ms) == (Outcome.REFUSED, "default", 2.0)
    assert entry.detail == "llmreplay: nothing is at /_llmreplay/anything"


async def test_a_file_that_changed_under_us_is_told_of() -> None:
    def changed() -> Exchange:
        raise CassetteError("cassettes/default.yaml:1: changed since it was loaded")

    tape = Tape()
    tape.add(replace(recording(recorded(1, "hi", "hello")), load=changed))
    one = answerer(tape)
    for answer in (await ready(one, chat("hi")), one.at_once(chat("hi"))):
        assert answer is not None
        assert answer.prepared.plan.status == 470
        entry = answer.entry(elapsed_ms=0.0)
        assert (entry.outcome, entry.model) == (Outcome.FAILED, "gpt-4o-mini")
        assert entry.detail == "llmreplay: cassettes/default.yaml:1: changed since it was loaded"


async def test_a_header_that_a_setting_names_tells_requests_apart() -> None:
    match = MatchSettings(headers=("X-Tier",))
    exchanges = [
        recorded(number, "hi", tier, headers=(("X-Tier", tier),))
        for number, tier in enumerate(("gold", "tin"), 1)
    ]
    one = answerer(tape_of(*exchanges, match=match), Settled(hosts=reaching(OPENAI), match=match))
    assert await said(one, chat("hi", headers=(("x-tier", "tin"),))) == "tin"
    assert await said(one, chat("hi", headers=(("x-tier", "gold"),))) == "gold"
    missed = await ready(one, chat("hi", headers=(("x-tier", "lead"),)))
    assert 'recorded "gold", asked "lead"' in missed.entry(elapsed_ms=0.0).detail


@pytest.mark.parametrize(
    "path", ["/v1beta/models/{}:streamGenerateContent?alt=sse", "/model/{}/converse"]
)
async def test_another_model_in_the_path_is_explained_with_a_setting_that_helps(path: str) -> None:
    body = b'{"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}'
    url = f"https://api.example.com{path.format('gemini-2.5-flash')}"
    exchange = Exchange(1, "x", Request("POST", url, JSON, body, "x"), Response(200))
    call = Call("POST", path.format("gemini-3-pro"), JSON, body)
    told = (await ready(answerer(tape_of(exchange)), call)).entry(elapsed_ms=0.0).detail
    _, differs, compared, advice = told.split("\n")
    assert differs == '- model differs: recorded "gemini-2.5-flash", asked "gemini-3-pro"'
    assert compared == "compared with default#1"
    pairs = yaml.safe_load(advice.partition("llmreplay.yaml: ")[2])["match"]["replace"]
    assert pairs == {r"gemini-2\.5-flash|gemini-3-pro": "MODEL"}
    match = MatchSettings(replace=tuple(pairs.items()))
    hit = await ready(answerer(tape_of(exchange, match=match), Settled(match=match)), call)
    assert hit.prepared.plan.status == 200


async def test_a_miss_is_compared_with_what_is_recorded_under_any_reading() -> None:
    url = "https://gw.example/team/v1/chat/completions"
    upstreams = Upstreams(recorded_bases={"gone": ("/old",), "openai": ("/team/v1",)})
    one = answerer(tape_of(recorded(1, "hi", "hello", url=url)), Settled(hosts=reaching(upstreams)))
    told = (await ready(one, chat("ho", path="/chat/completions"))).entry(elapsed_ms=0.0).detail
    assert 'recorded "hi", asked "ho"' in told


async def test_recording_asks_the_upstream_and_stores_what_it_says() -> None:
    clock = FakeClock()
    forwarder = FakeForwarder(FakeAnswer(clock, [(0, b'{"say":"hi"}')], headers=JSON))
    recorder = FakeRecorder()
    one = answerer(
        Tape(),
        Settled(mode=Mode.ALL, hosts=reaching(OPENAI)),
        forwarder=forwarder,
        recorder=recorder,
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
        Tape(),
        Settled(mode=Mode.ALL, hosts=reaching(OPENAI)),
        forwarder=forwarder,
        recorder=recorder,
    )
    live = await one.answer(chat("hi", path=f"/_s/mine{PATH}"))
    assert isinstance(live, Live)
    async for _ in live.pieces():
        pass
    assert [cassette for cassette, _ in recorder.stored] == ["mine"]


async def test_mode_new_replays_what_is_there_and_records_what_is_not() -> None:
    forwarder = FakeForwarder(FakeAnswer(FakeClock(), [(0, b"{}")], headers=JSON))
    one = answerer(
        tape_of(recorded(1, "hi", "hello")),
        Settled(mode=Mode.NEW, hosts=reaching(OPENAI)),
        forwarder=forwarder,
        recorder=FakeRecorder(),
    )
    assert await said(one, chat("hi")) == "hello"
    assert isinstance(await one.answer(chat("ho")), Live)


async def test_an_upstream_that_does_not_answer_is_told_in_the_dialects_shape() -> None:
    forwarder = FakeForwarder(UpstreamError("nothing listens at 127.0.0.1:9"))
    one = answerer(Tape(), Settled(mode=Mode.OFF, hosts=reaching(OPENAI)), forwarder=forwarder)
    answer = await ready(one, chat("hi"))
    assert answer.prepared.plan.status == 502
    assert json.loads(answer.prepared.body)["error"]["message"] == (
        "llmreplay: nothing listens at 127.0.0.1:9"
    )
    assert answer.entry(elapsed_ms=0.0).outcome is Outcome.FAILED


async def test_without_a_way_out_nothing_is_forwarded() -> None:
    answer = await ready(
        answerer(Tape(), Settled(mode=Mode.OFF, hosts=reaching(OPENAI))), chat("hi")
    )
    assert answer.prepared.plan.status == 404


async def test_a_bare_path_without_an_upstream_says_what_to_do() -> None:
    one = answerer(Tape(), Settled(mode=Mode.OFF), forwarder=FakeForwarder())
    answer = await ready(one, chat("hi", path="/v1/chat/completions"))
    assert answer.prepared.plan.status == 404
    assert "--upstream URL" in answer.entry(elapsed_ms=0.0).detail


PROXIED = Upstreams(named=OPENAI.named, provider_of_host={"api.openai.com": "openai"}.get)


def proxied(origin: str, *, session: str | None = None, path: str = "/v1/chat/completions") -> Call:
    """A call that came through the proxy."""
    return chat("hi", path=path)._replace(origin=origin, proxy_session=session)


async def test_what_comes_through_the_proxy_finds_what_was_recorded_by_base_url() -> None:
    tape = tape_of(recorded(1, "hi", "first"), recorded(2, "hi", "second"))
    one = answerer(tape, Settled(hosts=reaching(PROXIED)))
    call = proxied("https://api.openai.com")
    assert [await said(one, call) for _ in range(2)] == ["first", "second"]
    assert await said(one, call._replace(proxy_session="other")) == "first"
    entry = (await ready(one, call._replace(proxy_session="third"))).entry(elapsed_ms=0.0)
    assert (entry.session, entry.upstream, entry.target) == (
        "third",
        "openai",
        "/v1/chat/completions",
    )


async def test_a_path_of_a_providers_own_is_no_prefix_of_ours() -> None:
    for path in ("/_s/mine/v1/x", "/_llmreplay/health"):
        answer = await ready(
            answerer(Tape(), Settled(hosts=reaching(PROXIED))),
            proxied("https://api.openai.com", path=path),
        )
        entry = answer.entry(elapsed_ms=0.0)
        assert (entry.outcome, entry.session) == (Outcome.MISS, "default")


async def test_replay_refuses_hosts_that_are_no_upstream() -> None:
    one = answerer(Tape(), Settled(hosts=reaching(PROXIED)))
    answer = await ready(one, proxied("http://pypi.org"))
    assert answer.prepared.plan.status == 403
    assert answer.entry(elapsed_ms=0.0).outcome is Outcome.REFUSED
    assert "--allow-host pypi.org" in answer.prepared.body.decode()


async def test_recording_passes_other_hosts_by_and_stores_nothing_of_them() -> None:
    forwarder = FakeForwarder(FakeAnswer(FakeClock(), [(0, b"{}")], headers=JSON))
    recorder = FakeRecorder()
    hosts = reaching(PROXIED, forwards=True)
    one = answerer(
        Tape(), Settled(mode=Mode.ALL, hosts=hosts), forwarder=forwarder, recorder=recorder
    )
    sent = (("proxy-authorization", "Basic bWluZTo="), ("proxy-connection", "keep-alive"))
    call = proxied("http://pypi.org", path="/simple/")
    live = await one.answer(call._replace(headers=(*JSON, *sent)))
    assert isinstance(live, Live)
    async for _ in live.pieces():
        pass
    assert recorder.stored == []
    assert live.entry.outcome is Outcome.FORWARDED
    [asked] = forwarder.asked
    assert (asked.url, asked.headers, asked.upstream) == (
        "http://pypi.org/simple/",
        JSON,
        "pypi.org",
    )


async def test_what_came_before_is_answered_at_once_and_in_its_place() -> None:
    one = answerer(tape_of(recorded(1, "hi", "first"), recorded(2, "hi", "second")))
    assert one.at_once(chat("hi")) is None
    assert await said(one, chat("hi")) == "first"
    answer = one.at_once(chat("hi"))
    assert answer is not None
    assert json.loads(answer.prepared.body) == {"say": "second"}


async def test_what_takes_waiting_is_not_answered_at_once() -> None:
    hosts = reaching(OPENAI)
    used_up = answerer(
        tape_of(recorded(1, "hi", "first")), Settled(hosts=hosts, after_last=AfterLast.FAIL)
    )
    await said(used_up, chat("hi"))
    assert used_up.at_once(chat("hi")) is None
    forwarder = FakeForwarder(FakeAnswer(FakeClock(), [(0, b"{}")], headers=JSON))
    forwarding = answerer(Tape(), Settled(mode=Mode.OFF, hosts=hosts), forwarder=forwarder)
    await forwarding.answer(chat("hi"))
    assert forwarding.at_once(chat("hi")) is None
