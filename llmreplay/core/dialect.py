"""The `Dialect` type: what is known about one provider's wire, as data and small functions.

The values are made in `llmreplay.dialects`; `core` and `session` only ask them. No dialect
knows another, and a request that nobody recognises is in the plain one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

from llmreplay.core.failure import Failures

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llmreplay.core.exchange import Headers, Response
    from llmreplay.core.streams import Event

__all__ = ["Dialect", "Json", "Part", "PartKind", "Reply", "Turn", "Usage"]

Json: TypeAlias = Any
"""A decoded JSON value: dict, list, str, int, float, bool or None."""


class PartKind(StrEnum):
    """What a part of a message is."""

    TEXT = "text"
    THINKING = "thinking"
    TOOL_CALL = "tool call"
    TOOL_RESULT = "tool result"
    IMAGE = "image"
    AUDIO = "audio"
    FILE = "file"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a message. `text` is what a person reads (for a tool call, its arguments).

    `name` is the tool's, where there is one.
    """

    kind: PartKind
    text: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation. `where` is its place in the request, as JSONPath.

    `role` is `system`, `user`, `assistant` or `tool`.
    """

    role: str
    parts: tuple[Part, ...]
    where: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, as the provider counted them; None where it did not say."""

    input_tokens: int | None = None
    output_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What a response says, put together from its body or its stream."""

    parts: tuple[Part, ...] = ()
    model: str | None = None
    finish: str | None = None
    usage: Usage = field(default_factory=Usage)
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Dialect:
    """One provider's wire.

    Paths are given without query. JSON arguments are decoded bodies, or None where a body is
    no JSON; every function takes any value without raising.
    """

    name: str
    recognises: Callable[[str, str, Headers], bool]
    """(method, path, headers) → is this request in the dialect, by its shape alone?"""
    conversation: Callable[[Json], tuple[Turn, ...]]
    """Request body → its messages, system prompt first."""
    conversation_keys: frozenset[str]
    """The top-level request fields that `conversation` reads."""
    model: Callable[[str, Json], str | None]
    """(path, request body) → the model asked for."""
    reply: Callable[[Response], Reply]
    """Response → what it says."""
    error_body: Callable[[int, str, str], Json]
    """(status, message, code) → an error in the provider's shape, which its SDKs show."""
    simplify: Callable[[str, Json], Json] = lambda _path, body: body
    """(path, request body) → the same meaning in the provider's plainest spelling; idempotent.

    Returns a new value; drops fields that hold their documented default, turns a lone text
    part into a string, and so on.
    """
    id_keys: frozenset[str] = frozenset()
    """JSON keys, at any depth, whose values (strings or lists of them) are ids, compared up to
    renaming; except below `opaque_keys`."""
    opaque_keys: frozenset[str] = frozenset()
    """JSON keys whose values are the caller's own data: tool arguments, schemas, metadata.

    Below them nothing is an id: `get_user(id="42")` and `get_user(id="43")` differ.
    """
    id_prefixes: tuple[str, ...] = ()
    """What ids in a path segment begin with: `file-`, `resp_`, …"""
    volatile: tuple[str, ...] = ()
    """JSONPaths of request fields that change without changing the meaning."""
    answer_keys: frozenset[str] = frozenset({"alt", "encoding_format", "stream"})
    """Top-level request fields and query parameters that decide which form an answer has.

    A client that asked for a stream cannot read anything else."""
    ends_stream: Callable[[Event], bool] = lambda _event: False
    """Is this event the provider's own end marker?"""
    least_wait: Mapping[str, str] = field(default_factory=dict)
    """Wait hints with the shortest wait that the dialect's SDKs accept: header → value.

    Given with `--timing instant` in place of recorded hints.
    """
    event_text: Callable[[Event], str] = lambda _event: ""
    """Event → what it says as text to the user; the pieces of all events make up the text."""
    tool_arguments: Callable[[Event], str] = lambda _event: ""
    """Event → the piece of a tool call's arguments that it brings."""
    has_usage: Callable[[Event], bool] = lambda _event: False
    """Is this the event with the final count of tokens?"""
    failures: Failures = field(default_factory=Failures)
    """How the provider fails, in its own words."""
