"""The way of every exchange through llmreplay and back, and what may differ on it.

`Origins` are the providers, one for each upstream; `ask_all` is the client, many requests in
flight; `lost_on_record` and `lost_on_replay` say what a client did not get.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from llmreplay.core.decoding import decode
from llmreplay.core.exchange import Ending, header, without_headers
from llmreplay.core.redaction import Redactor
from llmreplay.core.streams import Framing, framing_of, split
from llmreplay.session import index_request
from llmreplay.settings import Settings
from tests.corpus.client import Connection
from tests.fakes.manners import good_manner, seeded
from tests.fakes.origin import Asked, Origin

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from random import Random
    from types import TracebackType

    from llmreplay.core.exchange import Headers, Response
    from tests.corpus.client import Received
    from tests.corpus.corpus import Taken
    from tests.fakes.manners import Manner
    from tests.fakes.origin import Step

__all__ = [
    "SECRET",
    "WAIT_HINTS",
    "Case",
    "Origins",
    "ask_all",
    "cases_of",
    "in_sequences",
    "lost_on_record",
    "lost_on_replay",
    "redacted",
]

SECRET = "llmreplay-test-" + "".join(seeded(11).choices("abcdefghjkmnpqrstuvwxyz", k=40))
"""What the client shows to every provider; it may be in no file afterwards."""

IN_FLIGHT = 48
MAX_BODY_BYTES = 2**28

NOT_STORED = frozenset(
    {
        # cookies, and who pays
        "set-cookie",
        "anthropic-organization-id",
        "anthropic-workspace-id",
        "dg-project-id",
        "openai-organization",
        "openai-project",
        # other for every request, and said of the connection or the way, not of the answer
        "age",
        "alt-svc",
        "cf-cache-status",
        "cf-ray",
        "date",
        "expires",
        "nel",
        "report-to",
        "reporting-endpoints",
        "server",
        "server-timing",
        "strict-transport-security",
        "traceparent",
        "via",
        "x-amz-cf-id",
        "x-amz-cf-pop",
        "x-cache",
        "x-cloud-trace-context",
        "x-envoy-upstream-service-time",
        # by their names they might hold a credential
        "x-clerk-auth-message",
        "x-clerk-auth-reason",
        "x-clerk-auth-status",
    }
)
"""The response headers that a client does not get back on replay; every other it does."""

WAIT_HINTS = frozenset({"retry-after", "retry-after-ms", "x-ms-retry-after-ms"})
"""They follow the timing: as recorded only with `--timing recorded`."""

_FRAMING = frozenset({"connection", "content-encoding", "content-length", "transfer-encoding"})
_NOT_SENT = _FRAMING | {"accept-encoding", "expect", "host", "keep-alive"}
_NUMBER = "x-test-number"
_CREDENTIALS = frozenset(
    {"api-key", "authorization", "x-api-key", "x-amz-security-token", "x-goog-api-key"}
)
_SENT_ONCE = frozenset({"user-agent"})
_PLACEHOLDER = re.compile(rb"(REDACTED-[a-z0-9-]+?)-\d+")


@dataclass(frozen=True, slots=True)
class Case:
    """An exchange to send through. `sequence` is the same for requests of one fingerprint."""

    number: int
    taken: Taken
    manner: Manner
    sequence: tuple[str, bytes]

    @property
    def response(self) -> Response:
        """What the provider answers."""
        return self.taken.exchange.response

    @property
    def origin_target(self) -> str:
        """Path and query at the provider."""
        parts = self.taken.exchange.request.parts
        return parts.path + (f"?{parts.query}" if parts.query else "")

    @property
    def target(self) -> str:
        """Path and query at llmreplay."""
        exchange = self.taken.exchange
        return f"/{exchange.upstream}{self.origin_target.removeprefix(exchange.base_path)}"

    @property
    def request_headers(self) -> Headers:
        """What the client sends, and the provider has to see."""
        return (
            *without_headers(self.taken.exchange.request.headers, _NOT_SENT),
            ("Accept-Encoding", "gzip, deflate, br, zstd"),
            (_NUMBER, str(self.number)),
        )

    @property
    def framing(self) -> Framing:
        """How the body falls into events; an empty one does not, whatever it is called."""
        body, headers = self.response.body, self.response.headers
        told = self.manner.tells_length
        return framing_of(headers, body, length_known=told) if body else Framing.NONE

    @property
    def pieces(self) -> tuple[bytes, ...]:
        """The chunks of a replay: the events of a stream, or the body in one."""
        return tuple(event.raw for event in split(self.framing, self.response.body))

    @property
    def is_stream(self) -> bool:
        """Whether the body falls into events."""
        return self.framing is not Framing.NONE


def cases_of(exchanges: Iterable[Taken]) -> list[Case]:
    """A case for each exchange; the manners go round."""
    match = Settings().match
    cases = []
    for number, taken in enumerate(map(_as_sent, exchanges)):
        request = Redactor().exchange(taken.exchange).request
        sequence = (taken.exchange.upstream, index_request(request, match).fingerprint)
        cases.append(Case(number, taken, good_manner(taken.exchange.response, number), sequence))
    return cases


def _as_sent(taken: Taken) -> Taken:
    """With a credential where its recorder put `REDACTED` or the like, as the client sent one.

    One exchange in the corpus has two user agents, which aiohttp's parser refuses, and rightly
    by RFC 9110, section 5.3: it is sent with the first.
    """
    request = taken.exchange.request
    headers: list[tuple[str, str]] = []
    for name, value in request.headers:
        if name.lower() in _SENT_ONCE and header(tuple(headers), name) is not None:
            continue
        headers.append((name, f"Bearer {SECRET}" if name.lower() in _CREDENTIALS else value))
    sent = replace(request, headers=tuple(headers))
    return replace(taken, exchange=replace(taken.exchange, request=sent))


def in_sequences(cases: Iterable[Case], random: Random) -> list[list[Case]]:
    """Cases by their sequence, in their order within one; the sequences shuffled."""
    sequences = defaultdict(list)
    for case in cases:
        sequences[case.sequence].append(case)
    shuffled = list(sequences.values())
    random.shuffle(shuffled)
    return shuffled


class Origins:
    """One origin for each upstream that the cases name: `async with Origins(cases) as origins`.

    Each answers a case in its manner, and keeps in `failures` what differs between the request
    that arrives and the one that was sent.
    """

    def __init__(self, cases: Iterable[Case]) -> None:
        self._cases = {case.number: case for case in cases}
        exchanges = [case.taken.exchange for case in self._cases.values()]
        self._bases = {exchange.upstream: exchange.base_path for exchange in exchanges}
        self._origins = {name: Origin(self._answers) for name in self._bases}
        self._open = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        for origin in self._origins.values():
            await self._open.enter_async_context(origin)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._open.aclose()

    @property
    def flags(self) -> list[str]:
        """The flags that point llmreplay here."""
        return [
            part
            for name, origin in self._origins.items()
            for part in ("--upstream", f"{name}={origin.url}{self._bases[name]}")
        ]

    def address(self, case: Case) -> str:
        """Host and port of the one that answers a case."""
        return self._origins[case.taken.exchange.upstream].url.removeprefix("http://")

    @property
    def failures(self) -> list[Exception]:
        """What was wrong with requests."""
        return [failure for origin in self._origins.values() for failure in origin.failures]

    @property
    def asked(self) -> int:
        """How many requests have arrived."""
        return sum(len(origin.asked) for origin in self._origins.values())

    def _answers(self, asked: Asked) -> Iterator[Step]:
        case = self._cases[int(asked.header(_NUMBER) or -1)]
        request = case.taken.exchange.request
        assert (asked.method, asked.target) == (request.method, case.origin_target), str(case.taken)
        assert asked.body == request.body, f"{case.taken}: another body arrived"
        missing = Counter(_lower(case.request_headers)) - Counter(_lower(asked.headers))
        assert not missing, f"{case.taken}: headers that did not arrive: {missing}"
        return case.manner.play(case.response, seeded(case.number))


def _lower(headers: Headers) -> list[tuple[str, str]]:
    return [(name.lower(), value) for name, value in headers]


async def ask_all(url: str, sequences: Iterable[list[Case]]) -> dict[int, Received]:
    """What the client gets for each case by its number; sequences at once, each in its order."""
    waiting = list(sequences)[::-1]
    received: dict[int, Received] = {}

    async def work() -> None:
        async with Connection(url) as connection:
            while waiting:
                for case in waiting.pop():
                    request = case.taken.exchange.request
                    received[case.number] = await connection.ask(
                        request.method, case.target, case.request_headers, request.body
                    )

    async with asyncio.TaskGroup() as workers:
        for _ in range(IN_FLIGHT):
            workers.create_task(work())
    return received


def lost_on_record(case: Case, received: Received) -> str:
    """What the client did not get of the provider's answer while recording; "" for nothing."""
    sent = without_headers(case.response.headers, _FRAMING)
    got = without_headers(received.headers, _FRAMING)
    body = decode(header(received.headers, "content-encoding"), received.body, MAX_BODY_BYTES)
    return _first_difference(
        ("status", case.response.status, received.status),
        ("ending", Ending.COMPLETE, received.ending),
        ("headers", Counter(_lower(sent)), Counter(_lower(got))),
        ("body", case.response.body, body),
    )


def lost_on_replay(
    case: Case, received: Received, *, redaction: bool = False, wait_hints: bool = False
) -> str:
    """What the client did not get of the provider's answer on replay; "" for nothing.

    With `redaction`, the answer less its secrets is what it should get. With `wait_hints`,
    those have to come as they were.
    """
    response = redacted(case) if redaction else case.response
    excepted = frozenset() if wait_hints else WAIT_HINTS
    sent = without_headers(response.headers, NOT_STORED | _FRAMING | excepted)
    got = without_headers(received.headers, _FRAMING | excepted)
    expected, actual = case.pieces, received.pieces
    if redaction:
        expected = _said(case.framing, tuple(chunk.data for chunk in response.chunks))
        actual = _said(case.framing, actual)
    return _first_difference(
        ("status", response.status, received.status),
        ("ending", Ending.COMPLETE, received.ending),
        ("headers", sent, _without_own(got)),
        ("body", b"".join(expected), b"".join(actual)),
        ("framing", case.is_stream, received.chunked),
        ("event boundaries", expected, actual),
        ("content coding", None, header(received.headers, "content-encoding")),
    )


def redacted(case: Case) -> Response:
    """The answer as it is stored."""
    return Redactor().exchange(case.taken.exchange).response


def _said(framing: Framing, pieces: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """What each piece says, with placeholders that have no number.

    They are numbered within a cassette, and which comes first there is chance; checksums of
    frames differ with them.
    """
    return tuple(
        _PLACEHOLDER.sub(rb"\1-n", event.name.encode() + (event.data or event.raw))
        for piece in pieces
        for event in split(framing, piece)
    )


def _without_own(headers: Headers) -> Headers:
    return tuple(pair for pair in headers if not pair[0].lower().startswith("x-llmreplay-"))


def _first_difference(*compared: tuple[str, object, object]) -> str:
    for what, expected, actual in compared:
        if expected != actual:
            return f"{what}: {_short(expected, actual)}"
    return ""


def _short(expected: object, actual: object) -> str:
    """Both, from a little before where they part."""
    one, other = repr(expected), repr(actual)
    parted = next(
        (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b),
        min(len(one), len(other)),
    )
    start = max(0, parted - 40)
    return f"expected …{one[start : parted + 120]!s}… got …{other[start : parted + 120]!s}…"
