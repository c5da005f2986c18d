"""`llmreplay record`: flags → Settings → service."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from llmreplay.cli.options import examples, settings_flags
from llmreplay.cli.running import COMMAND_METAVAR, CommandRunner, run, settings_to_run

if TYPE_CHECKING:
    from llmreplay.settings import Flag

EXAMPLES = """\
  llmreplay record -- python app.py
      Run a command, in any language, and record what it asks of providers.

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


@click.command(cls=CommandRunner, options_metavar=COMMAND_METAVAR, epilog=examples(EXAMPLES))
@settings_flags(
    "upstream",
    "upstream_proxy",
    "cassettes",
    "cassette",
    "mode",
    "fresh",
    "keep_errors",
    "after_last",
    "match",
    "timing",
    "overlay",
    "host",
    "port",
    "allow_remote",
    "allow_host",
    "ca_dir",
    "log_format",
    "quiet",
    "report",
)
def record(command: tuple[str, ...], **flags: Flag | None) -> int:
    """Forward requests to the provider and write what passes as a cassette.

    Every answer goes through as it arrives. An exchange is on disk before your code sees its
    end, without any credential. ^C, or the end of CMD, ends the take: what was recorded now
    replaces older recordings of the same requests.

    CMD is run with every variable set that its clients read, on a free port if none is set. The
    exit status is then CMD's; 1 if it succeeded and something was not stored.
    """
    return run("record", settings_to_run(flags, command), command)
