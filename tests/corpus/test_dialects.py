"""Dialects over real traffic: nothing raises, and what a person would see is told."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from llmreplay.core.dialect import PartKind
from llmreplay.core.streams import Framing, framing_of, split
from llmreplay.dialects.providers import provider_of_host
from llmreplay.dialects.reading import decoded
from llmreplay.dialects.registry import recognise

if TYPE_CHECKING:
    from llmreplay.core.exchange import Response
    from tests.corpus.corpus import Taken

_SEEN = {PartKind.TEXT, PartKind.TOOL_CALL, PartKind.IMAGE, PartKind.AUDIO}
_NOT_LLM = ("/traces", "/tracing", "/telemetry", "/functions", "/v2/query", "/token")


def test_every_request_and_response_is_read(exchanges: list[Taken]) -> None:
    met: Counter[str] = Counter()
    for taken in exchanges:
        request, response = taken.exchange.request, taken.exchange.response
        dialect = recognise(request, None)
        met[dialect.name] += 1
        body = decoded(request.body)
        path = request.parts.path
        plainest = dialect.simplify(path, body)
        assert dialect.simplify(path, plainest) == plainest, str(taken)
        # Simplified or not, it is the same conversation.
        assert len(dialect.conversation(plainest)) == len(dialect.conversation(body)), str(taken)
        dialect.model(path, body)
        assert dialect.reply(response).error or response.status < 400 or not response.body, (
            f"{taken}: a failure that says nothing"
        )
    assert all(met[name] > 50 for name in ("openai", "anthropic", "plain")), met


def test_every_stream_says_what_a_person_would_see(exchanges: list[Taken]) -> None:
    streams = 0
    for taken in exchanges:
        request, response = taken.exchange.request, taken.exchange.response
        if _framing(response) is Framing.NONE or response.status >= 400 or not response.body:
            continue
        if request.method == "GET":  # files of JSON Lines
            continue
        streams += 1
        reply = recognise(request, None).reply(response)
        assert reply.error or any(
            part.kind in _SEEN and (part.text or part.name) for part in reply.parts
        ), f"{taken}: {reply}"
    assert streams > 100


def test_every_model_that_is_asked_is_asked_something(exchanges: list[Taken]) -> None:
    """A JSON request for an answer has turns, and each turn says something."""
    for taken in exchanges:
        request = taken.exchange.request
        dialect = recognise(request, None)
        body = decoded(request.body)
        if not isinstance(body, dict) or not ({"messages", "contents", "prompt"} & body.keys()):
            continue
        turns = dialect.conversation(body)
        assert turns, str(taken)
        assert any(turn.parts for turn in turns), str(taken)


def test_end_markers_come_last(exchanges: list[Taken]) -> None:
    """After an end marker there is nothing but another one, and bytes that are no event."""
    marked: Counter[str] = Counter()
    for taken in exchanges:
        response = taken.exchange.response
        framing = _framing(response)
        if framing is Framing.NONE or response.status >= 400:
            continue
        dialect = recognise(taken.exchange.request, None)
        events = [event for event in split(framing, response.body) if event.data is not None]
        ends = [dialect.ends_stream(event) for event in events]
        marked[dialect.name] += any(ends)
        after = ends[ends.index(True) :] if True in ends else []
        assert all(after), f"{taken}: {events[-2:]}"
    assert marked["openai"] > 50
    assert marked["anthropic"] > 10


def test_hosts_of_providers_are_known(exchanges: list[Taken]) -> None:
    unknown: Counter[str] = Counter()
    for taken in exchanges:
        parts = taken.exchange.request.parts
        host = parts.hostname or ""
        local = host in {"localhost", "127.0.0.1", "0.0.0.0"} or "<" in host  # noqa: S104  # not bound to
        if (
            not local
            and not parts.path.endswith(_NOT_LLM)
            and provider_of_host(parts.netloc) is None
        ):
            unknown[host] += 1
    # Telemetry, and what providers give links to.
    assert {host for host in unknown if not host.endswith(("crewai.com", "agno.com"))} <= {
        "imgen.x.ai",
        "oauth2.googleapis.com",
        "vidgen.x.ai",
    }


def _framing(response: Response) -> Framing:
    return framing_of(response.headers, response.body[:4096], length_known=True)
