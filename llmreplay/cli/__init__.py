"""The command line: one file a command, flags in, an exit status out.

The group knows its commands by name and imports one only when it is asked for; a command imports
what it needs only when it runs. So `--version` and `--help` cost no more than click itself.
"""

from __future__ import annotations

import io
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING

import click

from llmreplay import __version__
from llmreplay.errors import LlmreplayError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

OK = 0
WRONG_USE = 2
OUR_MISTAKE = 70
"""EX_SOFTWARE of sysexits.h."""
INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""
READER_LEFT = 141
"""128 + SIGPIPE."""

_COMMANDS = {
    "record": "Forward requests to the provider and write what passes as a cassette.",
    "serve": "Answer requests from cassettes, with no network at all.",
    "ls": "List cassettes and the exchanges in them.",
    "show": "Show an exchange as a conversation that a person can read.",
    "check": "Prove that every cassette loads and gives back every byte.",
    "env": "Print shell lines that point any program at a running server.",
    "ca": "Show the local CA by which clients trust the proxy.",
    "overlay": "Check and explain rules that make the provider misbehave.",
    "demo": "See what llmreplay does, in 15 seconds, offline.",
}


class _Commands(click.Group):
    """The commands, each imported when it is used, in the order in which one meets them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        return list(_COMMANDS)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002  # click's signature
        cmd_name: str,
    ) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"llmreplay.cli.{cmd_name}"), cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in _COMMANDS and not name.startswith("-"):
            from difflib import get_close_matches  # 10 ms, for a mistake only

            close = get_close_matches(name, _COMMANDS, n=1)
            near = f'; did you mean "{close[0]}"?' if close else ""
            raise click.UsageError(f'there is no command "{name}"{near}', ctx)
        return super().resolve_command(ctx, args)

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002  # click's signature
        formatter: click.HelpFormatter,
    ) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(
    cls=_Commands,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Settings can also stand in llmreplay.yaml and in LLMREPLAY_* variables.",
)
@click.version_option(__version__, message="llmreplay %(version)s")
def _llmreplay() -> None:
    """Record what passes between your code and an LLM provider, and replay it offline.

    Point your client's base URL at it: http://127.0.0.1:8787/openai/v1 instead of
    https://api.openai.com/v1.
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status. No traceback reaches a person."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Recorded text has emoji, and not every terminal can show them.
            stream.reconfigure(errors="backslashreplace")
    try:
        status = _llmreplay.main(arguments, prog_name="llmreplay", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return WRONG_USE
    except SystemExit:
        # click's own way when nobody reads what is printed (`llmreplay ls | head`).
        return READER_LEFT
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except Exception as error:
        if os.environ.get("LLMREPLAY_TRACEBACK"):
            raise
        message, status = _told(error)
        click.echo(f"llmreplay: error: {message}", err=True)
    return _flushed(status if isinstance(status, int) else OK)


def _flushed(status: int) -> int:
    """`status`, if all that was printed could be written."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        # What is left must not raise again when the interpreter closes its stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return READER_LEFT
    return status


def _told(error: Exception) -> tuple[str, int]:
    """What to say about `error`, and the exit status."""
    if isinstance(error, LlmreplayError):
        return str(error), WRONG_USE
    if isinstance(error, click.ClickException):
        context = getattr(error, "ctx", None)
        hint = f"\nTry '{context.command_path} --help'." if context else ""
        return error.format_message() + hint, WRONG_USE
    return (
        f"this is a mistake of llmreplay's own: {type(error).__name__}: {error}\n"
        "Run it again with LLMREPLAY_TRACEBACK=1 to see where, and please report that."
    ), OUR_MISTAKE
