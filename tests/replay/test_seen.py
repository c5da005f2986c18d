"""Requests as tests read them."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from llmreplay.core.exchange import Request
from llmreplay.core.journal import Entry, Outcome
from llmreplay.replay.seen import seen


@dataclass(frozen=True)
class Sent:
    body: bytes
    size_bytes: int = 0

    def request(self) -> Request:
        return Request("POST", "/v1/x", (("Content-Type", "application/json"),), self.body)


def entry(body: bytes | None) -> Entry:
    sent = Sent(body) if body is not None else None
    made = Entry("s", Outcome.HIT, "POST", "/v1/x", 200, "openai", "m", "c#1", faults=("a",))
    return made._replace(sent=sent)


def test_a_request_is_seen_as_it_was_sent() -> None:
    one = seen(entry(b'{"model":"m"}'))
    assert one.json == {"model": "m"}
    assert one.text == '{"model":"m"}'
    assert (one.header("content-type"), one.header("x")) == ("application/json", None)
    assert (one.method, one.path, one.outcome, one.status) == ("POST", "/v1/x", "hit", 200)
    assert (one.upstream, one.model, one.source, one.faults) == ("openai", "m", "c#1", ("a",))


def test_one_without_a_body() -> None:
    assert seen(entry(b"")).json is None
    assert (seen(entry(None)).body, seen(entry(None)).headers) == (b"", ())


def test_a_body_that_is_no_json_is_still_text() -> None:
    with pytest.raises(ValueError, match="unexpected"):
        assert seen(entry(b"caf\xc3\xa9")).json
    assert seen(entry(b"caf\xc3\xa9")).text == "café"
