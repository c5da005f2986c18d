"""An upstream and a recorder made of values: what a session meets when it forwards."""

from collections.abc import AsyncIterator, Callable, Sequence

from llmreplay.core.exchange import Ending, Exchange, Headers, Request
from llmreplay.errors import CassetteError, UpstreamError
from tests.fakes.clock import FakeClock


class FakeAnswer:
    """A live response whose pieces come at given moments of the fake clock."""

    def __init__(  # the parts of a response
        self,
        clock: FakeClock,
        pieces: Sequence[tuple[float, bytes]] = (),
        *,
        status: int = 200,
        headers: Headers = (("content-type", "text/event-stream"),),
        content_length: int | None = None,
        ending: Ending = Ending.COMPLETE,
        has_begun: bool = False,
    ) -> None:
        self.has_begun = has_begun
        self.status = status
        self.reason = "OK"
        self.headers = headers
        self.content_length = content_length
        self.ending = ending
        self.problem = ""
        self.closed = False
        self._clock = clock
        self._pieces = pieces

    async def chunks(self) -> AsyncIterator[bytes]:
        for moment, piece in self._pieces:
            await self._clock.sleep_until(moment)
            yield piece

    async def close(self) -> None:
        self.closed = True


class FakeForwarder:
    """Answers what it is told to, and keeps what it was asked."""

    def __init__(self, *answers: FakeAnswer | UpstreamError) -> None:
        self.asked: list[Request] = []
        self._answers = list(answers)

    async def send(self, request: Request) -> FakeAnswer:
        self.asked.append(request)
        answer = self._answers.pop(0)
        if isinstance(answer, UpstreamError):
            raise answer
        return answer


class FakeRecorder:
    """Keeps exchanges in a list. `before_stored` runs while an exchange is not yet durable."""

    def __init__(
        self, *, fails_with: str | None = None, before_stored: Callable[[], None] = lambda: None
    ) -> None:
        self.stored: list[tuple[str, Exchange]] = []
        self._reserved = 0
        self._fails_with = fails_with
        self._before_stored = before_stored

    def reserve(self, cassette: str) -> int:  # noqa: ARG002  # the protocol's
        self._reserved += 1
        return self._reserved

    async def append(self, cassette: str, exchange: Exchange) -> str:
        self._before_stored()
        if self._fails_with is not None:
            raise CassetteError(self._fails_with)
        self.stored.append((cassette, exchange))
        return f"{cassette}#{exchange.number}"
