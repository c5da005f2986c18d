"""Calls and what they get: the values that the proxy and the answerer exchange."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeVar

from llmreplay.core.canonical import MatchSettings
from llmreplay.core.decoding import DecodingError, decode
from llmreplay.core.exchange import Headers, Request, header, without_headers
from llmreplay.core.hosts import Hosts
from llmreplay.core.matching import AfterLast
from llmreplay.core.policy import Mode
from llmreplay.core.redaction import Redactor
from llmreplay.core.routing import DEFAULT_SESSION, Reading, Upstreams, session_of
from llmreplay.core.timing import INSTANT, Timing

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmreplay.core.journal import Entry

__all__ = ["SESSION_HEADER", "Arrived", "Call", "HasSize", "Ready", "Settled", "decoded", "shown"]

SESSION_HEADER = "x-llmreplay-session"

_HEAD_BYTES = 1_500
"""What the head of a usual request takes in memory."""
_MOST_SHOWN_BYTES = 16 * 2**20

_SESSION = frozenset({SESSION_HEADER})
_OWN_HEADERS = _SESSION | {"proxy-authorization", "proxy-connection"}
_CODING_HEADER = frozenset({"content-encoding"})


class Call(NamedTuple):
    """A request as it arrived: target, headers and body as on the wire.

    What came through the proxy has an `origin` (`https://api.openai.com`), and the session that
    the proxy's URL names, if it does.
    """

    method: str
    target: str
    headers: Headers
    body: bytes
    origin: str = ""
    proxy_session: str | None = None

    @property
    def session(self) -> str | None:
        """The session that it names, in any of the three ways; None for one that names none."""
        prefix, _ = self.reading
        return prefix or header(self.headers, SESSION_HEADER) or self.proxy_session

    @property
    def reading(self) -> tuple[str | None, str]:
        """The session in its path, and the target without it."""
        return (None, self.target) if self.origin else session_of(self.target)

    @property
    def outgoing_headers(self) -> Headers:
        """The headers less those that are addressed to llmreplay."""
        return without_headers(self.headers, _OWN_HEADERS)


class Arrived:
    """A call as the journal keeps it: whole, and shown only redacted. Implements `Sent`."""

    __slots__ = ("_call",)

    def __init__(self, call: Call) -> None:
        self._call = call

    @property
    def size_bytes(self) -> int:
        """What it holds in memory, nearly."""
        return len(self._call.body) + _HEAD_BYTES

    def request(self) -> Request:
        """The request with its body decoded, less what was addressed to llmreplay, redacted."""
        call = self._call
        _, target = call.reading
        reading = Reading(None, call.origin + target)
        return Redactor().request(decoded(call, reading, _MOST_SHOWN_BYTES))


class HasSize(Protocol):
    """What an answer is made into: its `size` in bytes bounds how many are kept."""

    @property
    def size(self) -> int:
        """Bytes, nearly."""
        ...


P = TypeVar("P", bound=HasSize)


class Ready(NamedTuple, Generic[P]):
    """An answer that is known whole.

    `entry` makes its journal entry, given `elapsed_ms`, once the answer is out.
    """

    prepared: P
    entry: Callable[..., Entry]


def _nowhere() -> Hosts:
    return Hosts(Upstreams(), covers=lambda _host: False, forwards=False)


@dataclass(frozen=True, slots=True)
class Settled:
    """How calls are answered: what a person may set, and what was loaded.

    `hosts` knows the upstreams. `cassette` is what the default session records into;
    `cassettes_shown` names what is loaded, for messages.
    """

    mode: Mode = Mode.REPLAY
    hosts: Hosts = field(default_factory=_nowhere)
    match: MatchSettings = field(default_factory=MatchSettings)
    after_last: AfterLast = AfterLast.REPEAT
    timing: Timing = INSTANT
    seed: int = 0
    miss_status: int = 470
    cassette: str = DEFAULT_SESSION
    cassettes_shown: str = "cassettes/"
    max_decoded_bytes: int = 256 * 2**20
    after_client_seconds: float = 120.0


def decoded(call: Call, reading: Reading, limit_bytes: int) -> Request:
    """The request as it is stored but for its secrets: its body without content coding.

    A body that cannot be decoded stays as it is, and its header with it.
    """
    # What was said to the proxy alone stays: it is no header to store, but a secret to look for.
    headers = without_headers(call.headers, _SESSION)
    body = call.body
    coding = header(headers, "content-encoding")
    if coding is not None:
        try:
            body = decode(coding, body, limit_bytes)
            headers = without_headers(headers, _CODING_HEADER)
        except DecodingError:
            body = call.body
    return Request(call.method, reading.url, headers, body, reading.upstream)


def shown(call: Call, target: str, text: str = "") -> tuple[str, str]:
    """`target` and `text` as a log line or message may have them: without any secret.

    Those that the call brought in its headers have no form to be known by, and may be repeated
    in its path, or where a model's name belongs.
    """
    asked = Request(call.method, target, call.headers, text.encode("utf-8", "surrogateescape"))
    told = Redactor().request(asked)
    return told.url, told.body.decode("utf-8", "surrogateescape")
