"""Which cassettes and exchanges a command is about, from what was typed after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmreplay.errors import CassetteError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmreplay.cassettes import Library
    from llmreplay.core.exchange import Exchange

__all__ = ["all_exchanges", "chosen_cassettes", "chosen_exchanges"]


def chosen_cassettes(library: Library, names: Sequence[str]) -> tuple[str, ...]:
    """The named cassettes, or all of them. UsageError tells of every name that is none."""
    known = library.names()
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UsageError("\n".join(_no_cassette(library, name, known) for name in unknown))
    return tuple(names) or known


def chosen_exchanges(library: Library, choice: str) -> tuple[str, tuple[Exchange, ...]]:
    """`NAME` or `NAME#NUMBER` → the cassette's name, and all its exchanges or that one."""
    name, hash_sign, number = choice.partition("#")
    chosen_cassettes(library, (name,))
    exchanges = library.exchanges(name)
    if not hash_sign:
        return name, exchanges
    found = tuple(exchange for exchange in exchanges if str(exchange.number) == number)
    if not found:
        numbers = ", ".join(str(exchange.number) for exchange in exchanges)
        raise UsageError(f'there is no exchange "{number}" in {name}; it has {numbers or "none"}')
    return name, found


def all_exchanges(library: Library, names: Sequence[str]) -> dict[str, tuple[Exchange, ...]]:
    """The exchanges of each cassette. CassetteError tells of every one that is broken."""
    read: dict[str, tuple[Exchange, ...]] = {}
    mistakes: list[str] = []
    for name in chosen_cassettes(library, names):
        try:
            read[name] = library.exchanges(name)
        except CassetteError as error:
            mistakes.append(str(error))
    if mistakes:
        raise CassetteError("\n".join(mistakes))
    return read


def _no_cassette(library: Library, name: str, known: Sequence[str]) -> str:
    from difflib import get_close_matches

    if not known:
        return f'there is no cassette "{name}": {library.folder} is empty'
    close = get_close_matches(name.removesuffix(".yaml"), known, n=1)
    near = f'; did you mean "{close[0]}"?' if close else "; llmreplay ls lists them"
    return f'there is no cassette "{name}" in {library.folder}{near}'
