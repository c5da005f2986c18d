"""`llmreplay check`, whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmreplay.core.exchange import Chunk, Response
from tests.cli.shell import HELLO, REFUSED, exchange

if TYPE_CHECKING:
    from tests.cli.shell import Shell

# No key: the letters of one provider's format, made here.
FAKE_KEY = "sk-ant-api03-" + "Ab1" * 31 + "AA"


def test_sound_cassettes_are_counted(stocked: Shell) -> None:
    said = stocked.run("check")
    assert (said.status, said.out, said.err) == (
        0,
        "2 of 2 exchanges in 2 cassettes are sound\n",
        "",
    )


def test_a_broken_document_is_told_with_its_line(stocked: Shell) -> None:
    path = stocked.write("broken", HELLO, text="---\nexchange: two\n...\n")
    line = path.read_text().split("\n").index("exchange: two") + 1
    said = stocked.run("check", "broken")
    assert said.status == 1
    told = said.out.splitlines()
    assert f"cassettes/broken.yaml:{line}: " in "\n".join(told)
    assert told[-1] == "1 of 2 exchanges in 1 cassette are sound"


def test_a_torn_tail_is_told(stocked: Shell) -> None:
    stocked.write("torn", HELLO, text="---\nexchange: 2\nupstream: open")
    said = stocked.run("check", "torn")
    assert said.status == 1
    assert said.out.splitlines()[-1] == "1 of 2 exchanges in 1 cassette are sound"


def test_a_credential_is_told_by_kind_and_never_repeated(stocked: Shell) -> None:
    leak = exchange(2, Response(200, (), (Chunk(f"my key is {FAKE_KEY}".encode()),)))
    path = stocked.write("leak", HELLO, leak, REFUSED)
    lines = path.read_text().split("\n")
    line = next(number for number, text in enumerate(lines, 1) if FAKE_KEY in text)
    said = stocked.run("check", "leak")
    assert said.status == 1
    assert said.out.startswith(f"cassettes/leak.yaml:{line}: this looks like a credential (")
    assert said.out.endswith("\n2 of 3 exchanges in 1 cassette are sound\n")
    assert FAKE_KEY not in said.out


def test_what_is_no_cassette_at_all_is_told(stocked: Shell) -> None:
    path = stocked.folder / "cassettes" / "list.yaml"
    path.write_text("- a\n- b\n")
    (stocked.folder / "cassettes" / "link.yaml").symlink_to(path)
    said = stocked.run("check", "list", "link")
    assert said.status == 1
    assert "cassettes/list.yaml:1: " in said.out
    assert "cassettes/link.yaml:1: a link or device, no file" in said.out
    assert said.out.endswith("\n0 of 0 exchanges in 2 cassettes are sound\n")


def test_an_unknown_name_is_no_problem_of_a_cassette(stocked: Shell) -> None:
    said = stocked.run("check", "chat/helo")
    assert (said.status, said.out) == (2, "")
