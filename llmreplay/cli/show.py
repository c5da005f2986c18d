"""`llmreplay show`: a recorded exchange, for a person."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from llmreplay.cli.options import examples, settings_flags, settings_from

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmreplay.core.exchange import Exchange, Headers
    from llmreplay.settings import Flag

EXAMPLES = """\
  llmreplay show checkout/refund
      Every exchange of a cassette, as a conversation.

  llmreplay show checkout/refund#3
      One of them.

  llmreplay show checkout/refund#3 --raw | tail -1
      The bytes that the client gets."""


@click.command(epilog=examples(EXAMPLES))
@click.argument("choice", metavar="NAME[#NUMBER]")
@settings_flags("cassettes")
@click.option("--raw", is_flag=True, help="Print request and response as they are on the wire.")
def show(choice: str, *, raw: bool, **flags: Flag | None) -> int:
    """Show an exchange as a conversation that a person can read.

    Messages, tool calls and results, the reply put together from its stream, what it cost and
    how long it took. What is no conversation is shown as HTTP.
    """
    from llmreplay.cassettes import Library
    from llmreplay.cli.selection import chosen_exchanges

    library = Library(settings_from(flags).cassettes)
    name, exchanges = chosen_exchanges(library, choice)
    if raw:
        _print_raw(exchanges)
    else:
        _print_transcripts(name, exchanges)
    return 0


def _print_transcripts(name: str, exchanges: tuple[Exchange, ...]) -> None:
    from llmreplay.cli.terminal import Paint, terminal_columns, wants_colours
    from llmreplay.cli.transcript import Transcript
    from llmreplay.dialects.registry import recognise

    stdout = sys.stdout
    columns = terminal_columns() if stdout.isatty() else None
    transcript = Transcript(Paint(colours=wants_colours(stdout)), columns)
    for place, exchange in enumerate(exchanges):
        dialect = recognise(exchange.request, None)
        text = transcript.of(exchange, f"{name}#{exchange.number}", dialect)
        stdout.write(("\n" if place else "") + text)


def _print_raw(exchanges: tuple[Exchange, ...]) -> None:
    from llmreplay.cli.terminal import printable

    for data in (piece for exchange in exchanges for piece in _wire(exchange)):
        if sys.stdout.isatty():
            # Recorded bytes must not command a terminal; a pipe gets them as they are.
            text = data.decode("utf-8", "backslashreplace")
            sys.stdout.write("\n".join(map(printable, text.split("\n"))))
        else:
            sys.stdout.buffer.write(data)


def _wire(exchange: Exchange) -> Iterator[bytes]:
    from llmreplay.core.plan import reason_phrase

    request, response = exchange.request, exchange.response
    yield _head(f"{request.method} {request.url}", request.headers)
    yield request.body + b"\n\n"
    yield _head(f"{response.status} {reason_phrase(response.status)}".rstrip(), response.headers)
    yield response.body + b"\n"


def _head(first: str, headers: Headers) -> bytes:
    lines = (first, *(f"{name}: {value}" for name, value in headers), "", "")
    return "\n".join(lines).encode("utf-8", "surrogateescape")
