"""What a rule can see of a request. Each fact is worked out when a rule first asks for it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING

from llmreplay.core.dialect import PartKind

if TYPE_CHECKING:
    from llmreplay.core.dialect import Dialect, Json, Turn
    from llmreplay.core.exchange import Headers

__all__ = ["Arrival", "Asked"]

_STREAM_PATH = re.compile(r"stream|/api/(?:chat|generate)/?$", re.IGNORECASE)
"""Gemini's and Bedrock's say so in their name, Ollama's stream unless told not to."""


@dataclass(frozen=True)
class Asked:
    """A request as rules see it.

    `path` is without query; `body` is decoded JSON, None where it is none. `fingerprint` names
    the request among all others; rules with chance need it. `by_base_url` it came to this port
    itself, on a connection that did not say for whom it is.
    """

    session: str
    upstream: str | None
    method: str
    path: str
    headers: Headers
    body: Json
    dialect: Dialect
    fingerprint: str = ""
    by_base_url: bool = False

    @cached_property
    def model(self) -> str:
        """The model asked for, empty where there is none."""
        return self.dialect.model(self.path, self.body) or ""

    @cached_property
    def stream(self) -> bool:
        """Whether the answer is asked for as a stream."""
        told = self.body.get("stream") if isinstance(self.body, dict) else None
        return told if isinstance(told, bool) else _STREAM_PATH.search(self.path) is not None

    @cached_property
    def conversation(self) -> tuple[Turn, ...]:
        """Its messages."""
        return self.dialect.conversation(self.body)

    @cached_property
    def turn(self) -> int:
        """Which answer of the model in this conversation is asked for, from 1."""
        runs = groupby(turn.role == "assistant" for turn in self.conversation)
        return 1 + sum(is_assistant for is_assistant, _ in runs)

    @cached_property
    def text(self) -> str:
        """The text of the last message of the user."""
        users = (turn for turn in reversed(self.conversation) if turn.role == "user")
        last = next(users, None)
        parts = last.parts if last is not None else ()
        return "\n".join(part.text for part in parts if part.kind is PartKind.TEXT)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A connection before any request: what its proxy address and its TLS greeting tell."""

    session: str
    upstream: str | None = None
