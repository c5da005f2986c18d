"""`record` and `serve` as they run, alone or around a command: `llmreplay serve -- CMD...`.

It takes the command from the command line, and decides where our own lines go.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

import click

from llmreplay.cli.options import settings_from

if TYPE_CHECKING:
    from llmreplay.settings import Settings

__all__ = ["COMMAND_METAVAR", "CommandRunner", "run", "settings_to_run"]

COMMAND_METAVAR: Final = "[OPTIONS] [-- CMD...]"


class CommandRunner(click.Command):
    """A command whose function also gets `command`: all that stands after `--`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take the command off, whose own options are none of ours, and parse the rest."""
        ours, command = args, None
        if "--" in args:
            place = args.index("--")
            ours, command = args[:place], args[place + 1 :]
        if command == []:
            raise click.UsageError(f'after "--" comes a command: {ctx.command_path} -- CMD', ctx)
        # What is no option of ours is a command, if anything; and so may be what follows it.
        ctx.allow_extra_args, ctx.allow_interspersed_args = True, False
        rest = super().parse_args(ctx, list(ours))
        if rest:
            raise click.UsageError(_with_dashes(ctx, list(ours), rest), ctx)
        ctx.params["command"] = tuple(command or ())
        return rest


def _with_dashes(ctx: click.Context, ours: list[str], rest: list[str]) -> str:
    flags = ours[: len(ours) - len(rest)]
    meant = " ".join([ctx.command_path, *flags, "--", *rest])
    return f'to run a command, put "--" before it: {meant}'


def settings_to_run(flags: dict[str, Any], command: tuple[str, ...]) -> Settings:
    """The settings of a run. For a command any port will do, so that several can run at once."""
    return settings_from(flags, port="0") if command else settings_from(flags)


def run(name: str, settings: Settings, command: tuple[str, ...]) -> int:
    """Serve until a signal, or until `command` has ended; the exit status.

    With a command our lines go to stderr: stdout is the command's.
    """
    # After the settings: their mistakes need not wait for 0.2 s of imports.
    from llmreplay import service
    from llmreplay.cli.console import Console
    from llmreplay.cli.lines import lines_for

    stream = sys.stderr if command else sys.stdout
    lines = lines_for(settings.log_format, stream)
    with Console(
        name, stream.fileno(), lines, quiet=settings.quiet, lists_misses=bool(command)
    ) as console:
        return service.run(settings, console, command)
