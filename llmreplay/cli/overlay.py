"""`llmreplay overlay`: are overlay files sound, and what would they do?"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llmreplay.cli.options import examples, settings_flags, settings_from

if TYPE_CHECKING:
    from llmreplay.settings import Flag

EXAMPLES = """\
  llmreplay overlay check overlays/flaky.yaml
      Every mistake in it, with file, line and field.

  llmreplay overlay explain overlays/flaky.yaml --exchange checkout/refund#3
      What a client would receive.

  llmreplay overlay schema > overlay.schema.json
      For an editor that completes and checks what you type."""


@click.group(epilog=examples(EXAMPLES))
def overlay() -> None:
    """Check and explain rules that make the provider misbehave."""


@overlay.command()
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
def check(files: tuple[Path, ...]) -> int:
    """Find every mistake in overlay files. Exit status 2 if there is one."""
    from llmreplay.cli.terminal import printable
    from llmreplay.cli.units import counted
    from llmreplay.overlays import load_overlays

    rules = load_overlays(files)
    told = f"{counted(len(rules), 'rule')} in {counted(len(files), 'overlay')}"
    sys.stdout.write(f"{told} {'is' if len(rules) == 1 else 'are'} sound\n")
    reminders = filter(None, (rule.reminder for rule in rules))
    sys.stdout.writelines(f"note: {printable(reminder)}\n" for reminder in reminders)
    return 0


@overlay.command()
def schema() -> int:
    """Print the JSON Schema of overlay files."""
    from llmreplay.core.faults.schema import schema as described

    sys.stdout.write(json.dumps(described(), indent=2) + "\n")
    return 0


@overlay.command()
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option(
    "--exchange",
    metavar="NAME#NUMBER",
    required=True,
    help="The recorded exchange to lay the rules over.",
)
@click.option(
    "--nth",
    metavar="NUMBER",
    type=click.IntRange(1, 10_000),
    default=1,
    help="Which time this request comes in its session.  [1]",
)
@click.option("--session", metavar="NAME", default="default", help="The session.  [default]")
@settings_flags("cassettes")
def explain(
    files: tuple[Path, ...], *, exchange: str, nth: int, session: str, **flags: Flag | None
) -> int:
    """Say which rules would fire for a recorded exchange, and what its client would receive.

    Nothing is run: rules are asked, and the answer is shown step by step, as it would be sent with
    no waits of its own.
    """
    from llmreplay.cassettes import Library
    from llmreplay.cli.explaining import explained
    from llmreplay.cli.selection import chosen_exchanges
    from llmreplay.errors import UsageError
    from llmreplay.overlays import load_overlays

    rules = load_overlays(files)
    library = Library(settings_from(flags).cassettes)
    name, found = chosen_exchanges(library, exchange)
    if len(found) != 1:
        example = f'; write "{name}#{found[0].number}"' if found else ": it has none"
        raise UsageError(f"which exchange of {name}{example}")
    sys.stdout.writelines(explained(rules, found[0], nth=nth, session=session))
    return 0
