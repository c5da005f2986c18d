"""`llmreplay env`: what a command after `--` would find set, as lines for a shell."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from llmreplay.cli.options import examples, settings_flags, settings_from
from llmreplay.environment.shell import SHELLS

if TYPE_CHECKING:
    from llmreplay.settings import Flag

EXAMPLES = """\
  eval "$(llmreplay env)"
      Point this shell's programs at a server on the default port.

  llmreplay env --shell fish --port 9000 | source
      The same in fish, for another port.

  eval "$(llmreplay env --session checkout --replaying)"
      In a session, with placeholders for API keys that are not set."""


@click.command(epilog=examples(EXAMPLES))
@settings_flags("host", "port", "allow_remote", "allow_host", "upstream", "ca_dir")
@click.option("--session", metavar="NAME", help="The session to use.  [default]")
@click.option(
    "--replaying", is_flag=True, help="For `serve`: set placeholder API keys where none is set."
)
@click.option(
    "--shell",
    type=click.Choice(SHELLS),
    default=SHELLS[0],
    help="Whose syntax to print.",
    show_default=True,
)
def env(session: str | None, shell: str, *, replaying: bool, **flags: Flag | None) -> int:
    """Print shell lines that point any program at a running server.

    They set what `llmreplay record -- CMD` and `llmreplay serve -- CMD` set for CMD: proxies, CA
    bundles and the base URLs of SDKs.
    """
    settings = settings_from(flags)
    from llmreplay import environment
    from llmreplay.core.routing import valid_name
    from llmreplay.service.hosts import authority_of

    if session is not None and not valid_name(session):
        raise click.BadParameter(
            f'"{session}" is no session name: letters, digits, ".", "_" and "-"',
            param_hint="--session",
        )
    files = authority_of(settings).files()
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    served = environment.Served(
        url=f"http://{host}:{settings.port}",
        session=session,
        replaying=replaying,
        trust=files,
        password=settings.proxy_password,
    )
    lines = environment.shell_lines(environment.variables(served, os.environ), shell)
    sys.stdout.write(lines)
    return 0
