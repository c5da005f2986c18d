"""`llmreplay check`: is every cassette sound?"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from llmreplay.cli.options import examples, settings_flags, settings_from

if TYPE_CHECKING:
    from llmreplay.settings import Flag

EXAMPLES = """\
  llmreplay check
      Every cassette; fits a pre-commit hook or a step in CI.

  llmreplay check checkout/refund
      One cassette."""


@click.command(epilog=examples(EXAMPLES))
@click.argument("names", metavar="[NAME]...", nargs=-1)
@settings_flags("cassettes")
def check(names: tuple[str, ...], **flags: Flag | None) -> int:
    """Prove that every cassette loads and gives back every byte.

    Each exchange is loaded, written and loaded again, and must be the same; and nothing in it may
    look like a credential. Exit status 1 if something is wrong.
    """
    from llmreplay.cassettes import Library
    from llmreplay.cli.inspection import inspected
    from llmreplay.cli.selection import chosen_cassettes
    from llmreplay.cli.units import counted

    library = Library(settings_from(flags).cassettes)
    found = [inspected(library, name) for name in chosen_cassettes(library, names)]
    problems = [problem for one in found for problem in one.problems]
    sys.stdout.writelines(f"{problem}\n" for problem in problems)
    sound = sum(one.sound for one in found)
    exchanges = sum(one.exchanges for one in found)
    told = f"{counted(exchanges, 'exchange')} in {counted(len(found), 'cassette')}"
    verb = "is" if exchanges == 1 else "are"
    sys.stdout.write(f"{sound:,} of {told} {verb} sound\n")
    return 1 if problems else 0
