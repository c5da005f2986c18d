"""One exchange ⇄ one YAML document."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmreplay.core.exchange import Exchange

__all__ = ["dump", "load"]


def dump(exchange: Exchange) -> str:
    """The document of `exchange`, from `---` to `...`.

    Raises:
        CassetteError: it holds what no cassette can (a header value with a line break, …).
    """
    raise NotImplementedError


def load(text: str | bytes) -> Exchange:
    """The exchange of one document; `load(dump(x)) == x`.

    Raises:
        CassetteError: every mistake in it, each with its line.
    """
    raise NotImplementedError
