"""What the documentation says is so: examples load, tables are complete, links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click
import pytest

from llmreplay.cassettes import Library, dump, load, prove
from llmreplay.cli.ca import ca
from llmreplay.cli.env import env
from llmreplay.cli.options import _FLAGS
from llmreplay.cli.record import record
from llmreplay.cli.serve import serve
from llmreplay.core.canonical import PRESETS
from llmreplay.core.exchange import Ending
from llmreplay.core.journal import Outcome
from llmreplay.dialects.registry import DIALECTS
from llmreplay.settings import Settings, load_settings
from llmreplay.settings.fields import FIELDS

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", *DOCS.rglob("*.md"), *(ROOT / "examples").rglob("*.md")])

HEADER = "# llmreplay cassette, format 1\n"
REQUEST = "request:\n  method: POST\n  url: https://api.openai.com/v1/x\n"
RESPONSE = "response:\n  status: 200\n  ending: complete\n"
RECORDED = "recorded: {at: 2026-11-21T10:00:00Z, take: 7f3a}\n"


def fences(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)


def cassette_of(example: str) -> str:
    """A whole cassette, what is not shown put in."""
    if not example.startswith(("request:", "response:")):
        return example
    if example.startswith("response:"):
        example = REQUEST + example
    elif "\nresponse:" not in example:
        example += RESPONSE
    return f"{HEADER}---\nexchange: 1\nupstream: openai\n{example}{RECORDED}...\n"


CASSETTES = [
    pytest.param(cassette_of(example), id=f"{page.stem}-{place}")
    for page in (ROOT / "README.md", DOCS / "cassettes.md")
    for place, example in enumerate(fences(page, "yaml"))
    if "request:" in example or "response:" in example
]


@pytest.mark.parametrize("text", CASSETTES)
def test_a_cassette_that_is_shown_is_sound(text: str, tmp_path: Path) -> None:
    (tmp_path / "shown.yaml").write_text(text)
    library = Library(tmp_path)
    assert prove(library, "shown") == ()
    assert len(library.exchanges("shown")) == text.count("exchange: ")


@pytest.mark.parametrize("text", [one for one in CASSETTES if "# by hand" not in str(one.values)])
def test_a_cassette_that_is_shown_is_written_so(text: str) -> None:
    assert HEADER + dump(load(text)) == text


def test_every_body_form_and_ending_is_shown() -> None:
    text = (DOCS / "cassettes.md").read_text()
    forms = ("json", "sse", "ndjson", "form", "multipart", "event_stream", "text", "base64")
    assert [
        form for form in forms if not re.search(rf"^  (?:- )?{form}:", text, re.MULTILINE)
    ] == []
    assert [str(ending) for ending in Ending if f"`{ending}`" not in text] == []


@pytest.mark.parametrize("page", ["settings.md", "proxy.md"])
def test_settings_that_are_shown_can_be_set(page: str, tmp_path: Path) -> None:
    examples = [one for one in fences(DOCS / page, "yaml") if one.startswith("# llmreplay.yaml")]
    assert examples
    for example in examples:
        (tmp_path / "llmreplay.yaml").write_text(example)
        assert load_settings(folder=tmp_path) != Settings()


def settings_table() -> dict[str, list[str]]:
    section = (DOCS / "settings.md").read_text().split("## All of them")[1].split("\n## ")[0]
    rows = [
        [cell.strip() for cell in line.strip("| ").split("|")]
        for line in section.splitlines()
        if line[:3] == "| `"
    ]
    return {cells[0].strip("`"): cells for cells in rows}


def test_every_setting_is_in_the_table() -> None:
    assert list(settings_table()) == sorted(FIELDS, key=list(settings_table()).index)
    assert settings_table().keys() == FIELDS.keys()


def test_the_table_tells_each_flag() -> None:
    told = {
        flag: name
        for name, cells in settings_table().items()
        for flag in re.findall(r"--([a-z-]+)", cells[1])
    }
    assert told.keys() | {"config"} == {name.replace("_", "-") for name in _FLAGS}


def default_of(name: str) -> Any:  # noqa: ANN401  # each setting has its own type
    held: Any = Settings()
    for part in FIELDS[name].goes_to.split("."):
        held = getattr(held, part)
    return held


def test_the_table_tells_each_default() -> None:
    wrong = {}
    for name, cells in settings_table().items():
        told, field = cells[2], FIELDS[name]
        if told == "none":
            is_right = not default_of(name)
        elif told.startswith("["):  # the known providers, told elsewhere
            is_right = True
        else:
            is_right = field.read(told.strip("`")) == default_of(name)
        if not is_right:
            wrong[name] = told
    assert wrong == {}


def test_words_that_can_be_met_are_told() -> None:
    text = (DOCS / "settings.md").read_text()
    assert [word for word in (*Outcome, *PRESETS) if f"`{word}`" not in text] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_flags_that_are_named_exist(page: Path) -> None:
    options: list[str] = ["help", "version", "raw", "format", "exchange", "nth", "session"]
    for flag in _FLAGS.values():
        (option,) = click.command()(flag(lambda: None)).params
        options += [name.removeprefix("--") for name in option.opts]
    shown = (*ca.params, *env.params)
    options += [name.removeprefix("--") for option in shown for name in option.opts]
    lines = [line for line in page.read_text().splitlines() if "llmreplay" in line or "`--" in line]
    lines = [line for line in lines if not re.search(r"\b(?:pip|pytest|docker|npm)\b", line)]
    told = set(re.findall(r"(?<![\w-])--([a-z][a-z-]+)", "\n".join(lines)))
    assert sorted(told - set(options)) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text())
    local = [target for target in targets if not target.startswith("http")]
    assert [target for target in local if not (page.parent / target).exists()] == []


def test_files_that_are_named_exist() -> None:
    named = re.findall(
        r"`((?:core|session|proxy|cassettes|dialects|cli|upstream)/[\w./]+)`",
        (DOCS / "architecture.md").read_text(),
    )
    assert named
    assert [name for name in named if not (ROOT / "llmreplay" / name).exists()] == []


def test_each_dialect_is_told() -> None:
    text = (DOCS / "providers.md").read_text()
    assert [one.name for one in DIALECTS if f"| {one.name} |" not in text] == []


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = [path.name[:4] for path in sorted((DOCS / "decisions").glob("[0-9]*.md"))]
    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 160


@pytest.mark.parametrize(("command", "letter"), [(record, "r"), (serve, "s")])
def test_the_table_tells_which_command_has_a_flag(command: click.Command, letter: str) -> None:
    told = {
        flag
        for cells in settings_table().values()
        for flag in re.findall(r"--([a-z-]+)", cells[1])
        if letter in re.sub(r"`[^`]*`", "", cells[1]).split() or flag == "cassettes"
    }
    options = {option.removeprefix("--") for one in command.params for option in one.opts}
    assert told == options - {"config"}
