from __future__ import annotations

import pytest

from llmreplay.core.exchange import Exchange, Request, Response
from llmreplay.core.redaction import Redactor

KEY = "sk-proj-" + "a1B2" * 12
HEADERS = (
    ("Content-Type", "application/json"),
    ("X-Tier", "gold"),
    ("X-Trace", "1"),
    ("X-Echo", KEY),
    ("Authorization", f"Bearer {KEY}"),
)


@pytest.mark.parametrize(
    ("also_store", "stored"),
    [
        (frozenset(), HEADERS[:1]),
        (frozenset({"x-tier"}), HEADERS[:2]),
        # Without their secrets, and never one that holds nothing else.
        (
            frozenset({"x-tier", "x-echo", "authorization"}),
            (*HEADERS[:2], ("X-Echo", "REDACTED-openai-1")),
        ),
    ],
)
def test_headers_that_a_setting_names_are_stored_too(
    also_store: frozenset[str], stored: tuple[tuple[str, str], ...]
) -> None:
    request = Request("POST", "https://api.openai.com/v1/x", HEADERS)
    exchange = Exchange(1, "openai", request, Response(200))
    assert stored == Redactor(also_store).request(request).headers
    assert stored == Redactor(also_store).exchange(exchange).request.headers
    assert stored == Redactor.continuing("", also_store).request(request).headers
