"""The command line as a whole: how it is found, how it fails, what it costs."""

from __future__ import annotations

import os
import resource
import subprocess
import sys

import click
import pytest

from llmreplay import __version__, cli
from llmreplay.cli import main
from llmreplay.errors import CassetteError

COMMANDS = ("record", "serve", "ls", "show", "check", "demo")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603  # our own command
        [sys.executable, "-m", "llmreplay", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"llmreplay {__version__}\n"


def test_python_m_llmreplay_is_llmreplay() -> None:
    assert run("--version").stdout == f"llmreplay {__version__}\n"


def test_without_arguments_it_tells_how_to_use_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    listed = [line.split()[0] for line in _section(capsys.readouterr().err, "Commands:")]
    assert tuple(word for word in listed if word in COMMANDS) == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_examples(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, "--help"]) == 0
    told = capsys.readouterr().out
    assert _section(told, "Examples:")[0].startswith(f"llmreplay {command}")
    assert "--help" in told
    short = cli._COMMANDS[command].rstrip(".")
    assert short in " ".join(told.split())


def test_a_mistyped_command_is_told_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recordd"]) == 2
    assert capsys.readouterr().err == (
        'llmreplay: error: there is no command "recordd"; did you mean "record"?\n'
        "Try 'llmreplay --help'.\n"
    )
    assert main(["xyz"]) == 2
    assert 'there is no command "xyz"\n' in capsys.readouterr().err


def test_a_mistyped_flag_is_told_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--casettes", "x"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("llmreplay: error: No such option")
    assert "--cassettes" in told
    assert told.endswith("Try 'llmreplay serve --help'.\n")


def test_wrong_settings_are_told_all_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--port", "x", "--timing", "tps=0"]) == 2
    assert capsys.readouterr().err == (
        "llmreplay: error: 2 mistakes in the settings\n"
        '  --port: "x" is no whole number; a port is 0 to 65535\n'
        "  --timing: tps=0 needs a number above 0, as in tps=50\n"
    )


def _raising(error: BaseException) -> click.Command:
    @click.command()
    def command() -> None:
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (CassetteError("a.yaml:3: no"), 2, "llmreplay: error: a.yaml:3: no\n"),
        (KeyboardInterrupt(), 130, ""),
        (
            OSError("disk"),
            70,
            (
                "llmreplay: error: this is a mistake of llmreplay's own: OSError: disk\n"
                "Run it again with LLMREPLAY_TRACEBACK=1 to see where, and please report that.\n"
            ),
        ),
    ],
)
def test_no_traceback_reaches_a_person(
    error: BaseException,
    status: int,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(cli, "_llmreplay", _raising(error))
    monkeypatch.delenv("LLMREPLAY_TRACEBACK", raising=False)
    assert main([]) == status
    assert capsys.readouterr().err.strip("\n") == told.strip("\n")


def test_a_traceback_is_there_for_who_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "_llmreplay", _raising(ZeroDivisionError()))
    monkeypatch.setenv("LLMREPLAY_TRACEBACK", "1")
    with pytest.raises(ZeroDivisionError):
        main([])


@pytest.mark.parametrize("arguments", [["--help"], ["ls", "--cassettes", "cassettes"]])
def test_a_reader_that_had_enough_is_no_error(arguments: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    finished = subprocess.run(  # noqa: S603  # our own command
        [sys.executable, "-m", "llmreplay", *arguments],
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
        timeout=60,
    )
    os.close(writer)
    assert (finished.returncode, finished.stderr) == (141, b"")


def test_help_and_version_import_nothing_heavy() -> None:
    heavy = (
        "aiohttp",
        "asyncio",
        "yaml",
        "orjson",
        "jsonpath_rfc9535",
        "re2",
        "ssl",
        "llmreplay.core",
    )
    for arguments in (["--version"], ["--help"], ["serve", "--help"], ["show", "--help"]):
        told = subprocess.run(  # noqa: S603  # our own code
            [
                sys.executable,
                "-c",
                (
                    "import sys; from llmreplay.cli import main; main(sys.argv[1:]);"
                    f" print([name for name in {heavy} if name in sys.modules])"
                ),
                *arguments,
            ],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        assert told.stdout.splitlines()[-1] == "[]"


def test_the_version_costs_next_to_nothing() -> None:
    def cpu_seconds() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run("--version")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    # The promise is 0.15 s on the clock, which tells of what else this machine is doing.
    assert min(cpu_seconds() for _ in range(3)) < 0.15


def _section(told: str, heading: str) -> list[str]:
    """The stripped lines below a heading, to the next blank line or the end."""
    lines = told.split("\n")
    start = next(place for place, line in enumerate(lines) if line.strip() == heading)
    section = []
    for line in lines[start + 1 :]:
        if not line.strip():
            break
        section.append(line.strip())
    return section


@pytest.mark.parametrize("command", ["record", "serve", "ls", "show", "check", "demo"])
def test_help_fits_a_terminal_of_80_columns(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main([command, "--help"]) == 0
    assert [line for line in capsys.readouterr().out.splitlines() if len(line) > 79] == []
