"""Sound exchanges are counted, and what is wrong with the others is placed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmreplay.cassettes import Library, dump
from llmreplay.cli.inspection import Inspected, inspected
from tests.cli.shell import HELLO, REFUSED

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "# llmreplay cassette, format 1\n"


def inspected_text(folder: Path, text: str) -> Inspected:
    (folder / "chat.yaml").write_text(text)
    return inspected(Library(folder), "chat")


def test_a_sound_cassette(tmp_path: Path) -> None:
    assert inspected_text(tmp_path, HEADER + dump(HELLO) + dump(REFUSED)) == Inspected(2, 2, ())


def test_an_exchange_with_two_mistakes_is_one_that_is_not_sound(tmp_path: Path) -> None:
    broken = (
        dump(REFUSED).replace("method: POST", "method: P T").replace("status: 401", "status: x")
    )
    found = inspected_text(tmp_path, HEADER + dump(HELLO) + broken)
    assert (found.exchanges, found.sound, len(found.problems)) == (2, 1, 2)


def test_what_is_wrong_before_the_first_document_is_no_exchange_of_it(tmp_path: Path) -> None:
    found = inspected_text(tmp_path, "# llmreplay cassette, format 2\n" + dump(HELLO))
    assert (found.exchanges, found.sound, len(found.problems)) == (1, 1, 1)


def test_a_link_is_told_by_the_proof_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "chat.yaml").symlink_to(tmp_path / "elsewhere")
    found = inspected(Library(tmp_path), "chat")
    assert (found.exchanges, found.sound, len(found.problems)) == (0, 0, 1)
