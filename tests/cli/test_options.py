"""Flags and settings are the same words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click
import pytest

from llmreplay.cli.options import _FLAGS, examples, settings_flags, settings_from
from llmreplay.settings import Settings
from llmreplay.settings.fields import FIELDS, SHORT

SETTINGS_FLAGS = sorted(_FLAGS.keys() - {"config"})


def option(name: str) -> click.Option:
    (found,) = click.command()(_FLAGS[name](lambda: None)).params
    assert isinstance(found, click.Option)
    return found


@pytest.mark.parametrize("name", SETTINGS_FLAGS)
def test_every_flag_sets_a_setting(name: str) -> None:
    assert name in FIELDS or name in SHORT
    assert option(name).name == name


@pytest.mark.parametrize("name", SETTINGS_FLAGS)
def test_the_default_that_help_tells_is_the_default(name: str) -> None:
    told = re.search(r"\[(.+)\]$", option(name).help or "")
    held: Any = Settings()
    for part in FIELDS[SHORT.get(name, name)].goes_to.split("."):
        held = getattr(held, part)
    if told:
        assert told[1] in {str(held), str(held).replace(str(Path.home()), "~")}
    else:
        assert not held


def test_flags_become_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "llmreplay.yaml").write_text("fresh: true\nport: 7")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LLMREPLAY_SEED", "5")
    came: list[Settings] = []

    @click.command()
    @settings_flags("port", "fresh", "upstream", "match")
    def command(**flags: Any) -> None:  # noqa: ANN401  # as click gives them
        came.append(settings_from(flags))

    command.main(["--port", "0", "--upstream", "a=http://x"], standalone_mode=False)
    assert came == [Settings(port=0, fresh=True, seed=5, upstreams={"a": "http://x"})]


def test_examples_keep_their_lines() -> None:
    assert examples("  a\n      b\n\n  c") == "\b\nExamples:\n  a\n      b\n\n\b\n  c"
