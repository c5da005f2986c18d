"""`llmreplay serve`: flags → Settings → service."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from llmreplay.cli.options import examples, settings_flags, settings_from

if TYPE_CHECKING:
    from llmreplay.settings import Flag

EXAMPLES = """\
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


@click.command(epilog=examples(EXAMPLES))
@settings_flags(
    "cassettes",
    "timing",
    "on_miss",
    "after_last",
    "match",
    "miss_status",
    "cassette",
    "upstream",
    "seed",
    "host",
    "port",
    "allow_remote",
    "allow_host",
    "ca_dir",
    "log_format",
    "quiet",
)
def serve(**flags: Flag | None) -> int:
    """Answer requests from cassettes, with no network at all.

    The same request gets the same bytes, every time. A request without a recording fails at once
    and says what it is nearest to and what differs.
    """
    settings = replace(settings_from(flags), mode="replay")
    # After the settings: their mistakes need not wait for 0.2 s of imports.
    from llmreplay import service
    from llmreplay.cli.console import Console
    from llmreplay.cli.lines import lines_for

    lines = lines_for(settings.log_format, sys.stdout)
    with Console("serve", sys.stdout.fileno(), lines, quiet=settings.quiet) as console:
        return service.run(settings, console)
