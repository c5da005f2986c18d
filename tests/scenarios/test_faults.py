"""Overlays over the product as a process: on replay, while recording, changed while it runs.

What each fault does to the byte is proved in `proxy` and `core`; here is what a user sees: answers,
the header, the log, cassettes that know nothing of it, and the same faults in every run.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
import subprocess
import time
from collections import Counter, defaultdict
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from llmreplay.core.exchange import Ending, header
from tests.fakes.origin import Origin
from tests.scenarios.conversing import (
    chat,
    message_of,
    post,
    replied,
    script,
    stopped,
    streamed,
)
from tests.scenarios.process import Running, command

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from tests.corpus.client import Received

ANSWERS = {
    "plain": replied("fine"),
    "stream": streamed("Hel", "lo", " wörld"),
    "cut": streamed("one", "two", "three"),
    "broken": streamed("one", "two", "three"),
    "slow": replied("late"),
}

OVERLAY = """\
seed: 7
rules:
- name: two 429s
  match: {text: plain}
  when: {first: 2}
  fault: rate_limit
- name: cut
  match: {text: cut, stream: true}
  fault: {cut: {at: 2, how: reset}}
- name: broken
  match: {text: broken}
  fault: {corrupt: {what: chunk, at: 1}}
- name: slow
  match: {text: slow}
  fault: {delay: {before: 300ms}}
- name: never
  when: {chance: 0}
  fault: server_error
- name: always
  match: {text: always}
  when: {chance: 1}
  fault: overloaded
"""


def question(name: str) -> bytes:
    streams = name in ANSWERS and "event-stream" in dict(ANSWERS[name].headers)["content-type"]
    return chat(name, stream=True) if streams else chat(name)


async def asked(url: str, name: str) -> Received:
    return await post(url, question(name), ("x-api-key", "none"))


def fault(received: Received) -> str | None:
    return header(received.headers, "x-llmreplay-fault")


def rules(folder: Path, text: str, name: str = "overlay.yaml") -> Path:
    """An overlay file, written as editors do: all at once."""
    path, new = folder / name, folder / f"{name}.new"
    new.write_text(text, "utf-8")
    return new.replace(path)


@asynccontextmanager
async def recording(folder: Path, *arguments: str | Path) -> AsyncIterator[Running]:
    """A recorder, and behind it a provider that gives `ANSWERS`."""
    async with Origin(script(ANSWERS)) as origin:
        upstream = f"--upstream=openai={origin.url}"
        with Running("record", upstream, "--cassettes", folder, *arguments) as recorder:
            yield recorder
            assert (await stopped(recorder)).status == 0
    assert origin.failures == []


@pytest.fixture
async def cassettes(tmp_path: Path) -> Path:
    """`ANSWERS`, recorded without faults."""
    folder = tmp_path / "cassettes"
    async with recording(folder) as recorder:
        for name in ANSWERS:
            assert fault(await asked(recorder.url, name)) is None
    return folder


def as_recorded(name: str) -> tuple[bytes, ...]:
    return tuple(chunk.data for chunk in ANSWERS[name].chunks)


async def test_faults_on_what_is_replayed(cassettes: Path, tmp_path: Path) -> None:
    overlay = rules(tmp_path, OVERLAY)
    with Running("serve", "--cassettes", cassettes, "--overlay", overlay) as server:
        plain = [await asked(server.url, "plain") for _ in range(3)]
        assert [one.status for one in plain] == [429, 429, 200]
        assert [fault(one) for one in plain] == ["two 429s (error)", "two 429s (error)", None]
        assert header(plain[0].headers, "retry-after-ms") is not None
        assert plain[2].pieces == as_recorded("plain")

        cut = await asked(server.url, "cut")
        assert (cut.status, cut.ending, fault(cut)) == (200, Ending.RESET, "cut (cut)")
        assert cut.pieces == as_recorded("cut")[:2]

        start = asyncio.get_running_loop().time()
        slow = await asked(server.url, "slow")
        assert asyncio.get_running_loop().time() - start > 0.29
        assert (slow.pieces, fault(slow)) == (as_recorded("slow"), "slow (delay)")

        whole = await asked(server.url, "stream")
        assert (whole.pieces, fault(whole)) == (as_recorded("stream"), None)

        # There is no recording of it, and none is needed.
        always = await asked(server.url, "always")
        assert (always.status, fault(always)) == (503, "always (error)")
        for line in (
            "fault 429 openai gpt-4o-mini POST /v1/chat/completions",
            "fault=two 429s: error rate_limit",
            "fault=cut: cut",
            "fault=slow: delay",
            "fault=always: error overloaded",
        ):
            server.wait_for(line)


async def test_the_log_as_json_has_them_too(cassettes: Path, tmp_path: Path) -> None:
    overlay = rules(tmp_path, OVERLAY)
    own = ("--cassettes", cassettes, "--overlay", overlay, "--log-format", "json")
    with Running("serve", *own) as server:
        for name in ("plain", "cut", "stream"):
            await asked(server.url, name)
        await stopped(server)
    told = [line for line in server.log() if line["event"] == "request"]
    found = [(one["outcome"], one["status"], *map(_kind, one["faults"])) for one in told]
    assert found == [
        ("fault", 429, "two 429s: error"),
        ("hit", 200, "cut: cut"),
        ("hit", 200),
    ]


def _kind(told: str) -> str:
    """`rule: kind what` without the what."""
    rule, _, what = told.partition(": ")
    return f"{rule}: {what.split()[0]}"


async def test_a_chunk_that_is_none(cassettes: Path, tmp_path: Path) -> None:
    overlay = rules(tmp_path, OVERLAY)
    with Running("serve", "--cassettes", cassettes, "--overlay", overlay) as server:
        with pytest.raises(ValueError, match="no size"):
            await asked(server.url, "broken")
        server.wait_for("fault=broken: corrupt chunk")


# -- while recording ----------------------------------------------------------------------------


def without_times(folder: Path) -> dict[str, str]:
    """Each cassette, less what differs between two recordings of the same."""
    changing = re.compile(r"(?m)^(?:  pace_ms|recorded): .*\n|(?<=http://127\.0\.0\.1:)\d+")
    return {path.name: changing.sub("", path.read_text("utf-8")) for path in folder.glob("*.yaml")}


async def test_what_is_recorded_knows_nothing_of_faults(cassettes: Path, tmp_path: Path) -> None:
    folder, overlay = tmp_path / "with faults", rules(tmp_path, OVERLAY)
    async with recording(folder, "--overlay", overlay) as recorder:
        plain = [await asked(recorder.url, "plain") for _ in range(3)]
        assert [one.status for one in plain] == [429, 429, 200]
        stream = await asked(recorder.url, "stream")
        assert stream.body == ANSWERS["stream"].body
        cut = await asked(recorder.url, "cut")
        assert (cut.ending, fault(cut)) == (Ending.RESET, "cut (cut)")
        assert cut.body == b"".join(as_recorded("cut")[:2])
        with pytest.raises(ValueError, match="no size"):
            await asked(recorder.url, "broken")
        assert (await asked(recorder.url, "slow")).body == ANSWERS["slow"].body
        for line in ("fault=two 429s: error rate_limit", "fault=cut: cut", "fault=slow: delay"):
            recorder.wait_for(line)
    kept = without_times(folder)
    assert kept == without_times(cassettes)
    assert "llmreplay-fault" not in "".join(kept.values())


# -- rules that change --------------------------------------------------------------------------

ONE = "rules:\n- name: one\n  fault: {error: {status: 500}}\n"
OTHER = "rules:\n- name: other\n  fault: {error: {status: 503}}\n"
BROKEN = "rules:\n- name: other\n  falt: {error: {status: 503}}\n"


async def test_rules_change_while_it_runs_and_a_broken_edit_keeps_the_old(
    cassettes: Path, tmp_path: Path
) -> None:
    overlay = rules(tmp_path, ONE)
    with Running("serve", "--cassettes", cassettes, "--overlay", overlay) as server:
        assert (await asked(server.url, "plain")).status == 500
        rules(tmp_path, OTHER)
        await asyncio.to_thread(server.wait_for, "overlays changed: 1 rules")
        assert (await asked(server.url, "plain")).status == 503
        rules(tmp_path, BROKEN)
        told = await asyncio.to_thread(server.wait_for, "the rules before stay")
        assert "not sound" in told
        await asyncio.to_thread(server.wait_for, "falt")
        answer = await asked(server.url, "plain")
        assert (answer.status, fault(answer)) == (503, "other (error)")
        rules(tmp_path, "rules: []\n")
        await asyncio.to_thread(server.wait_for, "overlays changed: 0 rules")
        assert (await asked(server.url, "plain")).status == 200


async def test_several_files_are_one_after_the_other(cassettes: Path, tmp_path: Path) -> None:
    files = [rules(tmp_path, ONE, "b.yaml"), rules(tmp_path, OTHER, "a.yaml")]
    flags = [flag for file in files for flag in ("--overlay", file)]
    with Running("serve", "--cassettes", cassettes, *flags) as server:
        assert fault(await asked(server.url, "plain")) == "one (error)"


# -- connections --------------------------------------------------------------------------------


async def test_connections_are_refused_and_that_is_told(cassettes: Path, tmp_path: Path) -> None:
    overlay = rules(
        tmp_path, "rules:\n- name: down\n  when: {first: 2}\n  fault: connection_refused\n"
    )
    own = ("--cassettes", cassettes, "--overlay", overlay, "--log-format", "json")
    with Running("serve", *own) as server:
        for _ in range(2):
            with pytest.raises(ConnectionResetError):
                await asked(server.url, "plain")
        answer = await asked(server.url, "plain")
        assert (answer.status, message(answer)) == (200, "fine")
        await stopped(server)
    told = [line for line in server.log() if line["event"] == "request"]
    assert [(one["outcome"], one["faults"]) for one in told] == [
        ("fault", ["down: connection refused"]),
        ("fault", ["down: connection refused"]),
        ("hit", []),
    ]


def message(received: Received) -> Any:  # noqa: ANN401  # JSON
    if received.status >= 400:
        return message_of(received)
    return re.findall(rb'"content": "([a-z]+)"', received.body)[0].decode()


PROXIED = """\
rules:
- name: down
  match: {upstream: openai}
  when: {first: 1}
  fault: connection_refused
- name: expired
  match: {upstream: openai}
  when: {first: 1}
  fault: {connection: expired_certificate}
"""


async def test_connections_through_the_proxy(cassettes: Path, tmp_path: Path) -> None:
    ca = tmp_path / "ca"
    own = ("--cassettes", cassettes, "--overlay", rules(tmp_path, PROXIED), "--ca-dir", ca)
    with Running("serve", *own) as server:
        trusted = await asyncio.to_thread(trusting, ca)
        head, writer = await tunnel(server.url)
        writer.close()
        assert head.startswith("HTTP/1.1 502 llmreplay: api.openai.com:443 refuses connections")
        assert "\r\nx-llmreplay-fault: down (connection)\r\n" in head
        for wrong in ("certificate has expired", None):
            head, writer = await tunnel(server.url)
            assert head.startswith("HTTP/1.1 200 ")
            met = pytest.raises(ssl.SSLCertVerificationError, match=wrong) if wrong else None
            with met or contextlib.nullcontext():
                await writer.start_tls(trusted, server_hostname="api.openai.com")
            writer.close()
        for line in (
            "fault 502 openai - CONNECT api.openai.com:443 0.0ms - fault=down: connection refused",
            "fault 0 openai - CONNECT api.openai.com:443 0.0ms - fault=expired: connection expired",
        ):
            server.wait_for(line)


def trusting(ca: Path) -> ssl.SSLContext:
    """What a client has that was given the CA."""
    shown = command("ca", "--pem", "--ca-dir", str(ca))
    pem = subprocess.run(shown, check=True, capture_output=True, text=True).stdout  # noqa: S603  # our own command
    return ssl.create_default_context(cadata=pem)


async def tunnel(url: str) -> tuple[str, asyncio.StreamWriter]:
    """What CONNECT is answered with."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(b"CONNECT api.openai.com:443 HTTP/1.1\r\nhost: api.openai.com:443\r\n\r\n")
    return (await reader.readuntil(b"\r\n\r\n")).decode(), writer


STALLS = """\
rules:
- name: stall
  match: {stream: true}
  fault: {cut: {at: 1, how: stall}}
- name: silence
  match: {stream: false}
  fault: timeout
"""


async def test_a_stop_does_not_wait_for_what_stalls(cassettes: Path, tmp_path: Path) -> None:
    overlay = rules(tmp_path, STALLS)
    with Running("serve", "--cassettes", cassettes, "--overlay", overlay) as server:
        stalled = [asyncio.create_task(asked(server.url, name)) for name in ("stream", "plain")]
        done, _ = await asyncio.wait(stalled, timeout=1)
        assert not done
        start = time.monotonic()
        assert (await stopped(server)).status == 0
        assert time.monotonic() - start < 5  # of the ten that answers have to end
        stream, plain = await asyncio.gather(*stalled, return_exceptions=True)
        assert not isinstance(stream, BaseException)
        assert (stream.body, stream.ending) == (as_recorded("stream")[0], Ending.TRUNCATED)
        assert isinstance(plain, asyncio.IncompleteReadError)
        assert plain.partial == b""


# -- the same in every run ----------------------------------------------------------------------

DISTINCT, TIMES, RUNS, IN_FLIGHT = 100, 3, 20, 200
CHANCES = """\
seed: 11
rules:
- name: some fail
  when: {chance: 0.2}
  fault: server_error
- name: some break
  when: {chance: 0.3}
  fault: {cut: {at: 1, how: close}}
- name: each third of its kind
  when: {nth: 3, each: request}
  fault: {drop: {events: [2]}}
"""
Outcomes = dict[str, Counter[tuple[int, str | None, bytes, str]]]


async def outcomes(url: str, in_flight: int) -> Outcomes:
    """What every question met, `in_flight` of them at a time; the n-th time is one of several."""
    names = iter([f"question {n % DISTINCT}" for n in range(DISTINCT * TIMES)])
    found: Outcomes = defaultdict(Counter)

    async def one_after_another() -> None:
        for name in names:
            got = await post(url, chat(name, stream=True))
            found[name][got.status, fault(got), got.body, got.ending.value] += 1

    await asyncio.gather(*(one_after_another() for _ in range(in_flight)))
    return found


@pytest.mark.slow
async def test_the_same_requests_meet_the_same_faults_however_many_at_once(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    folder, overlay = tmp_path / "cassettes", rules(tmp_path, CHANCES)
    told = {f"question {n}": streamed(*f"answer {n} is long".split(" ")) for n in range(DISTINCT)}
    async with Origin(script(told)) as origin:
        upstream = f"--upstream=openai={origin.url}"
        with Running("record", upstream, "--cassettes", folder) as recorder:
            for name in told:
                await post(recorder.url, chat(name, stream=True))
            assert (await stopped(recorder)).status == 0
    runs = list[Outcomes]()
    for number in range(RUNS + 1):
        with Running("serve", "--cassettes", folder, "--overlay", overlay, "--quiet") as server:
            runs.append(await outcomes(server.url, IN_FLIGHT if number else 1))
            await stopped(server)
    assert all(run == runs[0] for run in runs)
    met = Counter[str | None]()
    for counted in runs[0].values():
        for (_, named, _, _), count in counted.items():
            met[named] += count
    assert 40 < met["some fail (error)"] < 80
    assert met["some break (cut)"] > 40
    assert met["each third of its kind (drop)"] > 30
    record_property("counted", f"{RUNS + 1} runs, {dict(met)}")
