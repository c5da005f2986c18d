"""`llmreplay demo`: what llmreplay does, shown by doing it, offline."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from llmreplay.cli.options import examples
from llmreplay.errors import UsageError

EXAMPLES = """\
  llmreplay demo
      No key, no network, about ten seconds."""

_PACKAGED = Path(__file__).parent.parent / "demo_cassettes"
_IN_REPOSITORY = Path(__file__).parent.parent.parent / "cassettes"


@click.command(epilog=examples(EXAMPLES))
def demo() -> int:
    """See what llmreplay does, in 15 seconds, offline.

    Replays recorded traffic on a free port: an answer, a stream at its recorded pace, an agent's
    tool call, and a request that was never recorded.
    """
    from llmreplay.cli.terminal import Paint, terminal_columns, wants_colours
    from llmreplay.cli.tour import take_tour

    columns = min(100, terminal_columns())
    return take_tour(_cassettes(), Paint(colours=wants_colours(sys.stdout)), columns)


def _cassettes() -> Path:
    """The demo's cassettes: a wheel carries a copy, a clone has the originals."""
    for folder in (_PACKAGED, _IN_REPOSITORY):
        if folder.is_dir():
            return folder
    raise UsageError(f"the demo's cassettes are missing: {_PACKAGED}; install llmreplay again")
