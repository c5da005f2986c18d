"""Real traffic holds no secret, so redaction has nothing to take out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmreplay.core.redaction import Redactor, find_secrets

if TYPE_CHECKING:
    from tests.corpus.corpus import Taken


def test_no_body_of_a_recorded_exchange_changes(exchanges: list[Taken]) -> None:
    redactor = Redactor()
    changed = []
    for taken in exchanges:
        stored = redactor.exchange(taken.exchange)
        same = (
            stored.request.body == taken.exchange.request.body
            and stored.response.chunks == taken.exchange.response.chunks
            and redactor.exchange(stored) == stored
        )
        if not same:
            changed.append(str(taken))
    assert changed == []


def test_nothing_in_recorded_traffic_would_stop_a_write(exchanges: list[Taken]) -> None:
    bodies = [
        body.decode("latin-1")
        for taken in exchanges
        for body in (taken.exchange.request.body, taken.exchange.response.body)
    ]
    assert [find_secrets(body) for body in bodies] == [()] * len(bodies)
