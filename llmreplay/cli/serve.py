"""`llmreplay serve`: flags → Settings → service."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from llmreplay.cli.options import examples, settings_flags
from llmreplay.cli.running import COMMAND_METAVAR, CommandRunner, run, settings_to_run

if TYPE_CHECKING:
    from llmreplay.settings import Flag

EXAMPLES = """\
  llmreplay serve -- pytest
      Run a command, in any language: cassettes answer it, and no network.

  llmreplay serve
      Answer from ./cassettes. What your client needs to know:
      OPENAI_BASE_URL=http://127.0.0.1:8787/openai/v1
      ANTHROPIC_BASE_URL=http://127.0.0.1:8787/anthropic

  llmreplay serve --timing recorded
      Stream at the pace of the provider; recorded*0.1 is ten times as fast.

  llmreplay serve --on-miss record
      Ask the provider for what is missing, and add it to the cassette.

  llmreplay serve --match order --cassettes imported
      The n-th request of a path gets the n-th recording, drift is told."""


@click.command(cls=CommandRunner, options_metavar=COMMAND_METAVAR, epilog=examples(EXAMPLES))
@settings_flags(
    "cassettes",
    "timing",
    "overlay",
    "on_miss",
    "after_last",
    "match",
    "miss_status",
    "cassette",
    "upstream",
    "upstream_proxy",
    "seed",
    "host",
    "port",
    "allow_remote",
    "allow_host",
    "ca_dir",
    "log_format",
    "quiet",
    "report",
)
def serve(command: tuple[str, ...], **flags: Flag | None) -> int:
    """Answer requests from cassettes, with no network at all.

    The same request gets the same bytes, every time. A request without a recording fails at once
    and says what it is nearest to and what differs.

    CMD is run with every variable set that its clients read, on a free port if none is set. The
    exit status is then CMD's; 3 if it succeeded and there was a miss.
    """
    return run("serve", replace(settings_to_run(flags, command), mode="replay"), command)
