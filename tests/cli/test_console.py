"""What `record` and `serve` print, read from the other end of a pipe."""

from __future__ import annotations

import json
import os
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from llmreplay.cli import console as console_module
from llmreplay.cli.console import Console
from llmreplay.cli.lines import Json, Plain
from llmreplay.core.journal import Entry, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from llmreplay.cli.lines import Lines

URL = "http://127.0.0.1:8787"


def entry(outcome: Outcome = Outcome.HIT, detail: str = "") -> Entry:
    return Entry("default", outcome, "GET", "/v1/models", 200, source="a#1", detail=detail)


LINE = "hit 200 - - GET /v1/models 0.0ms a#1\n"


class Pipe:
    """A pipe, and all that came out of it."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        self._came: list[bytes] = []
        self._thread = threading.Thread(target=self._read, daemon=True)

    def _read(self) -> None:
        while came := os.read(self.reader, 65_536):
            self._came.append(came)

    def start_reading(self) -> None:
        self._thread.start()

    def text(self) -> str:
        """Everything, once the writer is done."""
        os.close(self.writer)
        self._thread.join(10)
        return b"".join(self._came).decode()


@contextmanager
def consoled(lines: Lines | None = None, *, quiet: bool = False) -> Iterator[tuple[Console, Pipe]]:
    pipe = Pipe()
    pipe.start_reading()
    with Console("serve", pipe.writer, lines or Plain(), quiet=quiet) as console:
        yield console, pipe


def test_the_address_comes_first_then_requests_then_the_summary() -> None:
    with consoled() as (console, pipe):
        console.warn("a.yaml:7: its last exchange is torn")
        console.listening(URL, 3, 1_041)
        console.write(entry())
        console.write(entry(Outcome.MISS, "never recorded\nask again"))
        console.note("2 exchanges written to cassettes/default.yaml")
        console.write(entry())
    assert pipe.text() == (
        "llmreplay serve: http://127.0.0.1:8787 (3 cassettes, 1,041 exchanges)\n"
        "llmreplay serve: warning: a.yaml:7: its last exchange is torn\n"
        f"{LINE}"
        "miss 200 - - GET /v1/models 0.0ms a#1\n"
        "    never recorded\n"
        "    ask again\n"
        "llmreplay serve: 2 exchanges written to cassettes/default.yaml\n"
        f"{LINE}"
        "llmreplay serve: 3 requests: 2 hits, 1 miss\n"
    )


def test_json_is_an_object_a_line() -> None:
    with consoled(Json()) as (console, pipe):
        console.listening(URL, 1, 1)
        console.warn("careful")
    assert pipe.text() == (
        '{"event":"listening","command":"serve","url":"http://127.0.0.1:8787","cassettes":1,'
        '"exchanges":1}\n'
        '{"event":"warning","message":"careful"}\n'
        '{"event":"summary","requests":0,"hit":0,"miss":0,"recorded":0,"forwarded":0,"failed":0,'
        '"fault":0,"refused":0}\n'
    )


def test_the_address_is_written_before_anything_else_happens() -> None:
    reader, writer = os.pipe()
    console = Console("record", writer, Plain())
    console.listening(URL, 0, 0)
    assert os.read(reader, 4096) == b"llmreplay record: http://127.0.0.1:8787\n"
    console.close()


def test_what_there_is_to_replay_is_told() -> None:
    with consoled() as (console, pipe):
        console.listening(URL, 0, 0)
    assert pipe.text().splitlines()[0] == f"llmreplay serve: {URL} (0 cassettes, 0 exchanges)"


def test_a_line_is_out_soon_while_the_run_goes_on() -> None:
    reader, writer = os.pipe()
    console = Console("serve", writer, Plain())
    console.listening(URL, 1, 0)
    os.read(reader, 4096)
    console.write(entry())
    assert os.read(reader, 4096) == LINE.encode()
    console.close()


def test_quiet_leaves_out_what_went_well() -> None:
    with consoled(quiet=True) as (console, pipe):
        console.listening(URL, 1, 1)
        for outcome in Outcome:
            console.write(entry(outcome))
    assert [line.split()[0] for line in pipe.text().splitlines()[1:-1]] == [
        "miss",
        "failed",
        "refused",
    ]


def test_around_a_command_misses_are_listed_at_the_end() -> None:
    missed = entry(Outcome.MISS, "llmreplay: no recording for gpt\x1b[31m\nnearest: a#1\nturn 2")
    pipe = Pipe()
    pipe.start_reading()
    with Console("serve", pipe.writer, Plain(), lists_misses=True) as console:
        console.listening(URL, 1, 1)
        for one in (missed, entry(), missed, entry(Outcome.MISS)):
            console.write(one)
    told = pipe.text().splitlines()[-4:]
    assert told == [
        "llmreplay serve: misses:",
        "    no recording for gpt\\x1b[31m; nearest: a#1 (2 times)",
        "    GET /v1/models",
        "llmreplay serve: 4 requests: 1 hit, 3 misses",
    ]


def test_many_misses_are_listed_in_part() -> None:
    pipe = Pipe()
    pipe.start_reading()
    with Console("serve", pipe.writer, Json(), quiet=True, lists_misses=True) as console:
        console.listening(URL, 1, 1)
        for number in range(1_022):
            console.write(entry(Outcome.MISS)._replace(target=f"/{number}"))
    told = json.loads(pipe.text().splitlines()[-2])
    listed = [f"GET /{number}" for number in range(20)]
    assert told == {"event": "misses", "misses": [*listed, "… and 1,002 more"]}


def test_every_outcome_is_counted() -> None:
    with consoled() as (console, pipe):
        console.listening(URL, 1, 1)
        for outcome in Outcome:
            console.write(entry(outcome))
        console.write(entry(Outcome.MISS))
    assert pipe.text().splitlines()[-1] == (
        "llmreplay serve: 8 requests: 1 hit, 2 misses, 1 recorded, 1 forwarded, 1 failed, 1 fault, "
        "1 refused"
    )


def test_a_slow_reader_costs_lines_and_never_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console_module, "MAX_QUEUED_CHARS", 100_000)
    pipe = Pipe()  # which nobody reads yet
    console = Console("serve", pipe.writer, Plain())
    console.listening(URL, 1, 1)
    started = time.perf_counter()
    for number in range(50_000):
        console.write(entry())
        if number % 10_000 == 0:
            time.sleep(0.1)
    assert time.perf_counter() - started < 5
    pipe.start_reading()
    console.close()
    lines = pipe.text().splitlines()
    told = [line for line in lines if "dropped" in line]
    dropped = sum(int(line.split()[1].replace(",", "")) for line in told)
    assert len([line for line in lines if line.startswith("hit ")]) + dropped == 50_000
    assert dropped > 10_000
    assert told[0].startswith("… ")
    assert told[0].endswith(" lines dropped: the reader of this log is slow")
    assert lines[-1] == "llmreplay serve: 50,000 requests: 50,000 hits"


def test_a_reader_that_never_reads_does_not_hold_up_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(console_module, "CLOSING_S", 0.1)
    _, writer = os.pipe()
    console = Console("serve", writer, Plain())
    console.listening(URL, 1, 1)
    for _ in range(10_000):
        console.write(entry())
    started = time.perf_counter()
    console.close()
    assert time.perf_counter() - started < 2


def test_a_reader_that_left_is_no_trouble() -> None:
    reader, writer = os.pipe()
    console = Console("serve", writer, Plain())
    console.listening(URL, 1, 1)
    os.close(reader)
    console.write(entry())
    time.sleep(0.2)
    console.write(entry())
    console.close()
    os.close(writer)


def test_a_descriptor_that_does_not_block_is_waited_for() -> None:
    pipe = Pipe()
    os.set_blocking(pipe.writer, False)
    console = Console("serve", pipe.writer, Plain())
    console.listening(URL, 1, 1)
    for _ in range(10_000):
        console.write(entry())
    pipe.start_reading()
    console.close()
    assert pipe.text().count(LINE) == 10_000


def test_a_run_that_never_started_says_only_what_it_had_to_say() -> None:
    with consoled() as (console, pipe):
        console.warn("a.yaml:7: its last exchange is torn")
    assert pipe.text() == "llmreplay serve: warning: a.yaml:7: its last exchange is torn\n"
