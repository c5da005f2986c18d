"""`llmreplay record`: flags → Settings → service."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from llmreplay.cli.options import examples, settings_flags, settings_from

if TYPE_CHECKING:
    from llmreplay.settings import Flag

EXAMPLES = """\
  llmreplay record
      Then run your code, and stop with ^C. What it needs to know:
      OPENAI_BASE_URL=http://127.0.0.1:8787/openai/v1
      ANTHROPIC_BASE_URL=http://127.0.0.1:8787/anthropic

  llmreplay record --cassette checkout/refund --fresh
      Record cassettes/checkout/refund.yaml anew.

  llmreplay record --mode new
      Pay only for requests that have no recording yet.

  llmreplay record --upstream http://127.0.0.1:11434
      Record a local server; requests go to http://127.0.0.1:8787/ itself."""


@click.command(epilog=examples(EXAMPLES))
@settings_flags(
    "upstream",
    "cassettes",
    "cassette",
    "mode",
    "fresh",
    "keep_errors",
    "after_last",
    "match",
    "timing",
    "host",
    "port",
    "allow_remote",
    "allow_host",
    "ca_dir",
    "log_format",
    "quiet",
)
def record(**flags: Flag | None) -> int:
    """Forward requests to the provider and write what passes as a cassette.

    Every answer goes through as it arrives. An exchange is on disk before your code sees its
    end, without any credential. ^C ends the take: what was recorded now replaces older recordings
    of the same requests.
    """
    settings = settings_from(flags)
    # After the settings: their mistakes need not wait for 0.2 s of imports.
    from llmreplay import service
    from llmreplay.cli.console import Console
    from llmreplay.cli.lines import lines_for

    lines = lines_for(settings.log_format, sys.stdout)
    with Console("record", sys.stdout.fileno(), lines, quiet=settings.quiet) as console:
        return service.run(settings, console)
