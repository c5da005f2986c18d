"""A request in the log, in each of the ways to write it."""

from __future__ import annotations

import io
import json

import pytest

from llmreplay.cli.lines import Aligned, Json, Plain, lines_for
from llmreplay.cli.terminal import Paint
from llmreplay.core.journal import Entry, Outcome

HIT = Entry(
    session="default",
    outcome=Outcome.HIT,
    method="POST",
    target="/v1/chat/completions",
    status=200,
    upstream="openai",
    model="gpt-4o-mini",
    source="default#3",
    elapsed_ms=12.34,
    first_byte_ms=0.4,
    streamed=True,
)
MISS = Entry(
    session="default",
    outcome=Outcome.MISS,
    method="POST",
    target="/v1/messages",
    status=470,
    elapsed_ms=0.25,
    detail="no recording\n  turn 3: tool result differs",
)


def aligned(columns: int = 100, *, colours: bool = False) -> Aligned:
    return Aligned(columns, Paint(colours=colours))


def test_plain_lines_are_words_in_a_fixed_order() -> None:
    assert Plain().request(HIT) == (
        "hit 200 openai gpt-4o-mini POST /v1/chat/completions 12.3ms default#3\n"
    )


def test_an_upstream_is_named_once() -> None:
    prefixed = HIT._replace(target="/openai/v1/chat/completions")
    for lines in (Plain(), aligned()):
        assert lines.request(prefixed) == lines.request(HIT)
    assert '"target":"/openai/v1/chat/completions"' in Json().request(prefixed)


def test_a_miss_is_explained_below_its_line() -> None:
    assert Plain().request(MISS) == (
        "miss 470 - - POST /v1/messages 0.2ms -\n"
        "    no recording\n"
        "      turn 3: tool result differs\n"
    )


def test_drift_is_counted_on_a_plain_line_and_told_on_a_terminal() -> None:
    drifted = HIT._replace(drift=tuple(f"$.a{n} differs" for n in range(7)))
    assert Plain().request(drifted).endswith(" default#3 drift=7\n")
    assert aligned().request(drifted).splitlines()[1:] == [
        "    drift: $.a0 differs",
        "    drift: $.a1 differs",
        "    drift: $.a2 differs",
        "    drift: $.a3 differs",
        "    drift: $.a4 differs",
        "    drift: … and 2 more",
    ]


def test_a_terminal_gets_columns() -> None:
    drawn = "".join(aligned(columns=100).request(entry) for entry in (HIT, MISS))
    assert drawn == (
        "hit       200  openai gpt-4o-mini            POST /v1/chat/completions     12 ms"
        "  default#3\n"
        "miss      470  -                             POST /v1/messages            0.2 ms\n"
        "    no recording\n"
        "      turn 3: tool result differs\n"
    )


def test_on_a_narrow_terminal_the_path_gives_way() -> None:
    assert aligned(columns=40).request(HIT) == (
        "hit       200  openai gpt-4o-mini    POST /v1/chat/compl…     12 ms  default#3\n"
    )


def test_colours_tell_what_went_well() -> None:
    hit, miss = (aligned(colours=True).request(entry) for entry in (HIT, MISS))
    assert hit.startswith("\x1b[32mhit     \x1b[0m  200  ")
    assert miss.startswith("\x1b[31mmiss    \x1b[0m  \x1b[31m470\x1b[0m  ")


def test_json_has_every_field() -> None:
    assert json.loads(Json().request(HIT)) == {
        "event": "request",
        "outcome": "hit",
        "status": 200,
        "session": "default",
        "upstream": "openai",
        "model": "gpt-4o-mini",
        "method": "POST",
        "target": "/v1/chat/completions",
        "source": "default#3",
        "elapsed_ms": 12.34,
        "first_byte_ms": 0.4,
        "streamed": True,
        "drift": [],
        "faults": [],
        "detail": "",
    }


@pytest.mark.parametrize("lines", [Plain(), Json(), aligned(), aligned(columns=200)])
def test_nothing_that_a_client_sends_commands_a_terminal(lines: Plain | Json | Aligned) -> None:
    evil = "\x1b]0;owned\x07\r\n\u202e\udcff"
    entry = MISS._replace(model=evil, target=f"/{evil}", upstream=evil, detail=evil, source=evil)
    printed = lines.request(entry)
    assert printed.replace("\n", "").isprintable()
    assert printed.encode()


def test_a_line_is_never_endless() -> None:
    entry = HIT._replace(model="m" * 10_000, target="/" + "p" * 10_000)
    assert len(Plain().request(entry)) < 600
    assert len(aligned().request(entry)) < 200


def test_our_own_lines() -> None:
    fields = {"event": "note", "message": "x"}
    assert Plain().event("llmreplay serve: x", fields) == "llmreplay serve: x\n"
    assert Json().event("llmreplay serve: x", fields) == '{"event":"note","message":"x"}\n'
    assert aligned(colours=True).event("x", fields) == "\x1b[1mx\x1b[0m\n"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_lines_suit_what_they_are_written_to() -> None:
    assert isinstance(lines_for("text", io.StringIO()), Plain)
    assert isinstance(lines_for("text", Terminal()), Aligned)
    assert isinstance(lines_for("json", Terminal()), Json)


def test_what_stands_below_a_line_breaks_between_words() -> None:
    told = aligned(columns=40).request(
        MISS._replace(detail="no recording for POST /v1/chat/completions")
    )
    assert told.splitlines()[1:] == ["    no recording for POST", "    /v1/chat/completions"]


def test_faults_are_told_on_the_line_or_below_it() -> None:
    faulted = HIT._replace(faults=("flaky: error rate_limit", "slow: delay before 1s"))
    told = "fault=flaky: error rate_limit; slow: delay before 1s"
    assert Plain().request(faulted).rstrip().endswith(told)
    below = Aligned(100, Paint(colours=False)).request(faulted).splitlines()[1:]
    assert below == ["    fault: flaky: error rate_limit", "    fault: slow: delay before 1s"]
