"""A fake OpenAI and a fake Anthropic, of our own writing, on two free ports of 127.0.0.1.

Their answers have the shape of the real ones on the wire, and never repeat: a request that
comes twice gets other ids and other words. Everything that came in is counted. Tests and
benchmarks run it in a thread of its own; `python -m tests.fakes.provider` runs it for a person.
"""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

from aiohttp import web

from llmreplay.replay.background import Background
from tests.fakes.provider_anthropic import FakeAnthropic
from tests.fakes.provider_openai import FakeOpenAI
from tests.fakes.provider_wire import Directions

if TYPE_CHECKING:
    from types import TracebackType

    from aiohttp.typedefs import Handler, Middleware

__all__ = ["FakeProvider", "Seen"]

_MAX_UPLOAD_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Seen:
    """A request that arrived. `target` is path and query."""

    provider: str
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class _Provider(Protocol):
    """One provider: where its routes are, and how it says no."""

    name: str

    def routes(self) -> list[web.RouteDef]:
        """What it answers."""
        ...

    def failure(self, request: web.Request, kind: str) -> web.Response:
        """Its answer for the kind of failure that a stage direction names."""
        ...

    def refusal(self, request: web.Request) -> web.Response | None:
        """Its answer to a request with no credential or a wrong one; None lets it pass."""
        ...


class FakeProvider:
    """Both providers, running between `with` and its end.

    `openai_url` and `anthropic_url` are what the real hosts would be, without the path that an
    SDK's base URL adds (`/v1` for OpenAI).
    """

    def __init__(self) -> None:
        self.openai_url = ""
        self.anthropic_url = ""
        self.seen: list[Seen] = []
        self._failed: Counter[bytes] = Counter()
        self._background = Background("provider")
        self._runners: list[web.AppRunner] = []

    @property
    def requests(self) -> int:
        """How many requests have arrived, at both together."""
        return len(self.seen)

    def __enter__(self) -> Self:
        self._background.start()
        self.openai_url, self.anthropic_url = self._background.run(self._start())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._background.run(self._stop())
        self._background.stop()

    async def _start(self) -> tuple[str, str]:
        return await self._serve(FakeOpenAI()), await self._serve(FakeAnthropic())

    async def _serve(self, provider: _Provider) -> str:
        app = web.Application(
            client_max_size=_MAX_UPLOAD_BYTES, middlewares=[self._attendant(provider)]
        )
        app.add_routes(provider.routes())
        # A test that stops the provider never waits for its idle connections.
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        self._runners.append(runner)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        return f"http://{host}:{port}"

    async def _stop(self) -> None:
        for runner in self._runners:
            await runner.cleanup()

    def _attendant(self, provider: _Provider) -> Middleware:
        """What happens to every request, whichever route it takes."""

        @web.middleware
        async def attend(request: web.Request, handler: Handler) -> web.StreamResponse:
            body = await request.read()
            headers = {name.lower(): value for name, value in request.headers.items()}
            target = request.raw_path
            self.seen.append(Seen(provider.name, request.method, target, headers, body))
            refusal = provider.refusal(request)
            if refusal is not None:
                return refusal
            directions = Directions.of(body)
            if directions.fail and self._fails_now(request, body, directions):
                return provider.failure(request, directions.fail)
            try:
                return await handler(request)
            except web.HTTPNotFound:
                return provider.failure(request, "not_found")

        return attend

    def _fails_now(self, request: web.Request, body: bytes, directions: Directions) -> bool:
        if directions.fail_times is None:
            return True
        # A repeated upload has another boundary, and is the same request all the same.
        boundary = request.headers.get("content-type", "").partition("boundary=")[2].encode()
        content = body.replace(boundary, b"") if boundary else body
        same = hashlib.sha256(request.raw_path.encode() + b"\n" + content).digest()
        self._failed[same] += 1
        return self._failed[same] <= directions.fail_times


def _main() -> None:
    with FakeProvider() as provider:
        print(f"openai {provider.openai_url}\nanthropic {provider.anthropic_url}", flush=True)  # noqa: T201  # for a person
        threading.Event().wait()


if __name__ == "__main__":
    _main()
