"""`llmreplay ls`: what was recorded."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from llmreplay.cli.options import examples, settings_flags, settings_from

if TYPE_CHECKING:
    from llmreplay.settings import Flag

EXAMPLES = """\
  llmreplay ls
      Every cassette, every exchange.

  llmreplay ls checkout/refund
      One cassette.

  llmreplay ls --format json | jq '.[].exchanges[] | select(.status >= 400)'
      What was recorded of errors."""


@click.command(epilog=examples(EXAMPLES))
@click.argument("names", metavar="[NAME]...", nargs=-1)
@settings_flags("cassettes")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    help="json prints one array.  [text]",
)
def ls(names: tuple[str, ...], form: str, **flags: Flag | None) -> int:
    """List cassettes and the exchanges in them."""
    from llmreplay.cassettes import Library
    from llmreplay.cli.listing import as_json, as_text, row_of
    from llmreplay.cli.selection import all_exchanges
    from llmreplay.cli.terminal import Paint, terminal_columns, wants_colours

    library = Library(settings_from(flags).cassettes)
    listed = {
        name: [row_of(exchange) for exchange in exchanges]
        for name, exchanges in all_exchanges(library, names).items()
    }
    if form == "json":
        sys.stdout.write(as_json(listed))
    else:
        columns = terminal_columns() if sys.stdout.isatty() else None
        sys.stdout.writelines(as_text(listed, Paint(colours=wants_colours(sys.stdout)), columns))
    return 0
