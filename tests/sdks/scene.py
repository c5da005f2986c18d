"""A scene: what one scenario asked with a real SDK, and all that it was given.

Everything shown is turned into plain JSON, so that what came from a recording and what came from
its replay can be compared by another process. It knows SDK objects, not llmreplay.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anthropic
import openai
from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx2

__all__ = ["SCENARIOS", "Addresses", "Scenario", "Scene", "async_scenario", "plain", "scenario"]

TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the two providers are: base URLs as an SDK takes them."""

    openai: str
    anthropic: str
    key: str


class Scene:
    """Clients, the label that makes a scenario's requests its own, and what was seen."""

    def __init__(self, addresses: Addresses) -> None:
        self.name = ""
        self.shown: list[tuple[str, Any]] = []
        self.http: list[dict[str, Any]] = []
        both: dict[str, Any] = {"api_key": addresses.key, "timeout": TIMEOUT_S}
        # The SDKs' own HTTP clients, with a hook that looks and touches nothing.
        self.openai = openai.OpenAI(
            base_url=addresses.openai,
            http_client=openai.DefaultHttpxClient(event_hooks={"response": [self._saw]}),
            **both,
        )
        self.anthropic = anthropic.Anthropic(
            base_url=addresses.anthropic,
            http_client=anthropic.DefaultHttpxClient(event_hooks={"response": [self._saw]}),
            **both,
        )
        self.async_openai = openai.AsyncOpenAI(
            base_url=addresses.openai,
            http_client=openai.DefaultAsyncHttpxClient(event_hooks={"response": [self._saw_async]}),
            **both,
        )
        self.async_anthropic = anthropic.AsyncAnthropic(
            base_url=addresses.anthropic,
            http_client=anthropic.DefaultAsyncHttpxClient(
                event_hooks={"response": [self._saw_async]}
            ),
            **both,
        )

    def begin(self, name: str) -> None:
        """Forgets the scenario before."""
        self.name = name
        self.shown = []
        self.http = []

    def show(self, label: str, value: object) -> None:
        """Keeps `value` for the comparison."""
        self.shown.append((label, plain(value)))

    def show_failure(self, label: str, call: Callable[[], object]) -> None:
        """Keeps the exception that `call` ends with; ending without one is shown, too."""
        try:
            self.show(label + " did not fail", call())
        except Exception as error:  # noqa: BLE001  # whatever it is, it is what the user sees
            self.show(label, error)

    async def show_failure_async(self, label: str, call: Awaitable[object]) -> None:
        """The same for a coroutine."""
        try:
            self.show(label + " did not fail", await call)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is what the user sees
            self.show(label, error)

    def ask(self, directions: str = "") -> str:
        """A prompt that no other scenario sends."""
        return f"{self.name}: what floats on “the river”? {directions}".strip()

    def _saw(self, response: httpx2.Response) -> None:
        request = response.request
        self.http.append(
            {
                "request": f"{request.method} {request.url.raw_path.decode()}",
                "status": response.status_code,
                "headers": sorted(response.headers.multi_items()),
            }
        )

    async def _saw_async(self, response: httpx2.Response) -> None:
        self._saw(response)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A named piece of use. `group` says in which runs it takes part."""

    name: str
    group: str
    run: Callable[[Scene], None] | None = None
    run_async: Callable[[Scene], Awaitable[None]] | None = None


SCENARIOS: list[Scenario] = []


def scenario(group: str = "replay") -> Callable[[Callable[[Scene], None]], Callable[[Scene], None]]:
    """Enters a function of the sync clients in the list, under its own name."""

    def enter(run: Callable[[Scene], None]) -> Callable[[Scene], None]:
        SCENARIOS.append(Scenario(run.__name__, group, run=run))
        return run

    return enter


def async_scenario(
    group: str = "replay",
) -> Callable[[Callable[[Scene], Awaitable[None]]], Callable[[Scene], Awaitable[None]]]:
    """The same for a coroutine function of the async clients."""

    def enter(run: Callable[[Scene], Awaitable[None]]) -> Callable[[Scene], Awaitable[None]]:
        SCENARIOS.append(Scenario(getattr(run, "__name__", ""), group, run_async=run))
        return run

    return enter


def plain(value: object) -> Any:  # noqa: ANN401, PLR0911  # any JSON value; one case a line
    """`value` as JSON, with its class where it is an SDK's object."""
    match value:
        case BaseModel():
            dump = value.model_dump(mode="json", warnings=False)
            request_id = getattr(value, "_request_id", None)
            return {"class": type(value).__name__, "request_id": request_id, "fields": dump}
        case BaseException():
            return _plain_error(value)
        case bytes():
            return {"bytes": base64.b64encode(value).decode()}
        case dict():
            return {str(key): plain(inner) for key, inner in value.items()}
        case list() | tuple():
            return [plain(inner) for inner in value]
        case None | bool() | int() | float() | str():
            return value
        case _:
            return repr(value)


_ERROR_FIELDS = ("status_code", "code", "param", "type", "request_id", "body", "error_code")


def _plain_error(error: BaseException) -> dict[str, Any]:
    fields = {name: plain(getattr(error, name)) for name in _ERROR_FIELDS if hasattr(error, name)}
    cause = type(error.__cause__).__name__ if error.__cause__ else None
    return {"class": type(error).__name__, "text": str(error), "cause": cause, "fields": fields}
