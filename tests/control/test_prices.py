"""What tokens cost, by the lists of genai-prices."""

from __future__ import annotations

import sys

import pytest

from llmreplay.control.prices import finder, price, provider_id
from llmreplay.core.dialect import Usage

MILLION = Usage(1_000_000, 0)


@pytest.mark.parametrize(
    ("upstream", "provider"),
    [
        ("openai", "openai"),
        ("gemini", "google"),
        ("bedrock", "aws"),
        ("xai", "x-ai"),
        ("moonshot", "moonshotai"),
        ("ollama", None),
        ("my-gateway", None),
    ],
)
def test_providers_go_by_other_names_there(upstream: str, provider: str | None) -> None:
    assert provider_id(upstream) == provider


def test_a_model_has_its_price() -> None:
    assert price("openai", "gpt-4o-mini", MILLION) == pytest.approx(0.15)
    assert price("openai", "gpt-4o-mini", Usage(None, None)) == 0


def test_a_gateway_sells_what_its_models_are_called() -> None:
    assert price("my-gateway", "gpt-4o-mini", MILLION) == pytest.approx(0.15)
    assert price(None, "gpt-4o-mini", MILLION) == pytest.approx(0.15)


@pytest.mark.parametrize(
    ("upstream", "model"),
    [("openai", "nobody-knows-it"), ("openai", None), ("ollama", "gpt-4o-mini"), (None, "x")],
)
def test_what_nobody_knows_has_no_price(upstream: str | None, model: str | None) -> None:
    assert price(upstream, model, MILLION) is None


def test_without_the_package_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert finder() is price
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    assert finder() is None
