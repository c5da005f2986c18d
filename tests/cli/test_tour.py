"""The tour notices when something does not go as it tells."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from llmreplay.cli.terminal import Paint
from llmreplay.cli.tour import take_tour, with_tool_result

if TYPE_CHECKING:
    from collections.abc import Callable

CASSETTES = Path(__file__).parents[2] / "cassettes"


def without_cassettes(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def without_pace(folder: Path) -> None:
    chat = folder / "chat.yaml"
    lines = chat.read_text().splitlines(keepends=True)
    chat.write_text("".join(line for line in lines if "pace_ms:" not in line))


def with_the_miss_recorded(folder: Path) -> None:
    weather = folder / "weather.yaml"
    text = weather.read_text()
    again = text.split("---\n")[2].replace("17 degrees, light rain", "31 degrees, clear sky")
    weather.write_text(f"{text}---\n{again.replace('exchange: 2', 'exchange: 3')}")


def broken(folder: Path) -> None:
    (folder / "chat.yaml").write_text("---\n- no cassette\n...\n")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (without_cassettes, "the recording was not found: status 470 {"),
        (without_pace, "the stream came all at once, in 0.0"),
        (with_the_miss_recorded, "a miss was not explained, with status 200"),
        (broken, "the server did not start"),
    ],
)
def test_what_does_not_work_is_told(
    change: Callable[[Path], None],
    told: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "cassettes"
    shutil.copytree(CASSETTES, folder)
    change(folder)
    assert take_tour(folder, Paint(colours=False)) == 1
    assert f"llmreplay: error: the demo did not work: {told}" in capfd.readouterr().err


def test_the_second_turn_answers_the_first_ones_call() -> None:
    user, assistant, tool = with_tool_result("sunny")["messages"]
    assert user["role"] == "user"
    call = assistant["content"][1]
    assert tool["content"] == [
        {"type": "tool_result", "tool_use_id": call["id"], "content": "sunny"}
    ]
