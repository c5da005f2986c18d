"""`llmreplay ls`, whole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.cli.shell import Shell


def test_it_lists_every_cassette(stocked: Shell) -> None:
    said = stocked.run("ls")
    assert (said.status, said.err) == (0, "")
    assert said.out == (
        "chat/hello  2 exchanges\n"
        "  1  openai  POST /v1/chat/completions  m  stream  200  159 B  2026-11-20 16:02\n"
        "  2  openai  POST /v1/chat/completions  m  -       401   55 B  2026-11-20 16:02\n"
        "empty  0 exchanges\n"
    )


def test_it_lists_those_that_are_named(stocked: Shell) -> None:
    assert stocked.run("ls", "empty").out == "empty  0 exchanges\n"


def test_it_lists_for_machines(stocked: Shell) -> None:
    said = stocked.run("ls", "--format", "json")
    assert [cassette["cassette"] for cassette in json.loads(said.out)] == ["chat/hello", "empty"]


def test_an_unknown_name_is_told_the_nearest(stocked: Shell) -> None:
    said = stocked.run("ls", "chat/helo")
    assert (said.status, said.out) == (2, "")
    assert said.err == (
        'llmreplay: error: there is no cassette "chat/helo" in cassettes; did you mean'
        ' "chat/hello"?\n'
    )


def test_every_broken_cassette_is_told(stocked: Shell) -> None:
    stocked.write("a", text="---\nexchange: one\n...\n")
    stocked.write("b", text="--- [\n...\n")
    said = stocked.run("ls")
    assert said.status == 2
    assert said.err.startswith("llmreplay: error: cassettes/a.yaml:")
    assert "\ncassettes/b.yaml:3: " in said.err


def test_a_folder_that_is_not_there_is_told(shell: Shell) -> None:
    assert shell.run("ls", "--cassettes", "tapes").err == (
        "llmreplay: error: tapes: there is no such folder; record cassettes into it with"
        " `llmreplay record`, or name another with --cassettes\n"
    )
