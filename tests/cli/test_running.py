"""`-- CMD` on the command line: what is ours, what is the command's, where `--` is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner

from llmreplay.cli.running import COMMAND_METAVAR, CommandRunner, settings_to_run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.shell import Shell


@click.command(cls=CommandRunner, options_metavar=COMMAND_METAVAR)
@click.option("--port")
@click.option("--fresh", is_flag=True)
def told(port: str | None, command: tuple[str, ...], *, fresh: bool) -> None:
    """Says what it was given."""
    click.echo(f"{port} {fresh} {command}")


@pytest.mark.parametrize(
    ("line", "given"),
    [
        ("", "None False ()"),
        ("--port 5 --fresh", "5 True ()"),
        ("-- python app.py --port 7", "None False ('python', 'app.py', '--port', '7')"),
        ("--fresh -- sh -- -c x", "None True ('sh', '--', '-c', 'x')"),
        ("-- --help", "None False ('--help',)"),
    ],
)
def test_what_follows_two_dashes_is_the_commands(line: str, given: str) -> None:
    assert CliRunner().invoke(told, line.split()).output == f"{given}\n"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("python app.py", 'to run a command, put "--" before it: told -- python app.py'),
        (
            "--port 5 python --port 7",
            'to run a command, put "--" before it: told --port 5 -- python --port 7',
        ),
        ("python -- app.py", 'to run a command, put "--" before it: told -- python'),
        ("--", 'after "--" comes a command: told -- CMD'),
    ],
)
def test_a_command_without_dashes_is_told_where_they_go(line: str, said: str) -> None:
    result = CliRunner().invoke(told, line.split())
    assert (result.exit_code, result.output.splitlines()[-1]) == (2, f"Error: {said}")


def test_help_shows_where_the_command_goes() -> None:
    first = CliRunner().invoke(told, ["--help"]).output.splitlines()[0]
    assert first == "Usage: told [OPTIONS] [-- CMD...]"


def test_for_a_command_any_port_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def port(flag: str | None, *command: str) -> int:
        return settings_to_run({"config": None, "port": flag}, command).port

    assert port(None) == 8787
    assert port(None, "sh") == 0
    assert port("9000", "sh") == 9000
    (tmp_path / "llmreplay.yaml").write_text("port: 9001\n")
    assert port(None, "sh") == 9001
    monkeypatch.setenv("LLMREPLAY_PORT", "8787")
    assert port(None, "sh") == 8787


@pytest.mark.parametrize("name", ["record", "serve"])
def test_both_commands_say_so_in_one_line(shell: Shell, name: str) -> None:
    said = shell.run(name, "python", "app.py")
    assert (said.status, said.out) == (2, "")
    assert said.err.splitlines()[0] == (
        f'llmreplay: error: to run a command, put "--" before it: llmreplay {name} -- python app.py'
    )
