"""What tokens cost, by the published price lists in `genai-prices`, which is optional.

Nothing is asked over the network: the lists are those of the package that is installed.
"""

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from llmreplay.dialects.providers import PROVIDERS

if TYPE_CHECKING:
    from llmreplay.control.stats import Price
    from llmreplay.core.dialect import Usage

__all__ = ["finder"]

_OTHER_NAMES = MappingProxyType({
    "bedrock": "aws",
    "bedrock-mantle": "aws",
    "codestral": "mistral",
    "gemini": "google",
    "llama": "meta",
    "moonshot": "moonshotai",
    "vertex": "google",
    "voyage": "voyageai",
})  # fmt: skip
"""What providers are called here and there, where that differs in more than dashes."""


def finder() -> Price | None:
    """(upstream, model, tokens) → USD, or None where there is no price; None without the package.

    Takes a third of a second when first asked: it reads the lists.
    """
    try:
        import genai_prices  # noqa: F401, PLC0415  # optional, and slow to import
    except ImportError:
        return None
    return price


def price(upstream: str | None, model: str | None, usage: Usage) -> float | None:
    """What these tokens cost, in USD."""
    known = provider_id(upstream or "")
    if model is None or (known is None and upstream in PROVIDERS):
        return None  # a model of the same name may be another provider's
    return _price(known, model, usage.input_tokens or 0, usage.output_tokens or 0)


@lru_cache(maxsize=16_384)
def _price(provider: str | None, model: str, input_tokens: int, output_tokens: int) -> float | None:
    import genai_prices  # noqa: PLC0415  # optional, and slow to import

    usage = genai_prices.Usage(input_tokens=input_tokens, output_tokens=output_tokens)
    try:
        found = genai_prices.calc_price(usage, model, provider_id=provider)
    except (LookupError, ValueError):
        return None
    return float(found.total_price)


@lru_cache(maxsize=1_024)
def provider_id(upstream: str) -> str | None:
    """The provider of the price lists that an upstream is; None where its name does not say.

    Then a model's own name has to say whose it is.
    """
    from genai_prices.data import providers  # noqa: PLC0415  # optional, and slow to import

    wanted = _OTHER_NAMES.get(upstream, upstream)
    known = {_plain(one.id): one.id for one in providers}
    return known.get(_plain(wanted))


def _plain(name: str) -> str:
    return name.replace("-", "").replace("_", "").lower()
