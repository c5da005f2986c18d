"""Calls and recordings of one chat, for the tests of what answers them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmreplay.core.canonical import MatchSettings, Strictness
from llmreplay.core.exchange import Chunk, Exchange, Headers, Request, Response
from llmreplay.core.hosts import Hosts
from llmreplay.core.routing import Upstream, Upstreams
from llmreplay.core.tape import Recording, Tape
from llmreplay.session import Call, index_request

if TYPE_CHECKING:
    from llmreplay.core.plan import Plan

__all__ = [
    "JSON",
    "OPENAI",
    "PATH",
    "Played",
    "chat",
    "reaching",
    "recorded",
    "recording",
    "tape_of",
]

OPENAI = Upstreams(named={"openai": Upstream("openai", "https://api.openai.com")})
JSON: Headers = (("content-type", "application/json"),)
PATH = "/openai/v1/chat/completions"


@dataclass(frozen=True)
class Played:
    """What `prepare` makes here: the plan itself."""

    plan: Plan
    size: int = 1

    @property
    def body(self) -> bytes:
        """All bytes that the client is sent."""
        return b"".join(step.data for step in self.plan.steps)


def reaching(upstreams: Upstreams, *, forwards: bool = False) -> Hosts:
    """Hosts of `upstreams`, each of which the CA covers."""
    return Hosts(upstreams, covers=lambda _host: True, forwards=forwards)


def chat(content: str, *, key: str = "sk-none", path: str = PATH, headers: Headers = ()) -> Call:
    """A call as an SDK makes it."""
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": content}]}
    sent = (*JSON, *headers, ("authorization", f"Bearer {key}"))
    return Call("POST", path, sent, json.dumps(body).encode())


def recorded(
    number: int, content: str, answer: str, *, url: str | None = None, headers: Headers = ()
) -> Exchange:
    """What is recorded of such a call, and of the answer to it."""
    url = url or "https://api.openai.com/v1/chat/completions"
    request = Request("POST", url, (*JSON, *headers), chat(content).body, "openai")
    response = Response(200, JSON, (Chunk(json.dumps({"say": answer}).encode()),))
    return Exchange(number, "openai", request, response)


def recording(exchange: Exchange, match: MatchSettings | None = None) -> Recording:
    """`exchange` as it is loaded."""
    found = index_request(exchange.request, match or MatchSettings())
    return Recording(
        fingerprint=found.fingerprint,
        features=found.features,
        upstream=exchange.upstream,
        method=found.method,
        path=found.path,
        source=f"default#{exchange.number}",
        load=lambda: exchange,
        strictness=Strictness.EXACT,
    )


def tape_of(*exchanges: Exchange, match: MatchSettings | None = None) -> Tape:
    """A tape with these, loaded under the settings `match`."""
    tape = Tape()
    for exchange in exchanges:
        tape.add(recording(exchange, match))
    return tape
