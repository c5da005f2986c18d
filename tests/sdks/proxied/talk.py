"""What one client asked and was given, as plain JSON, and the list of all clients.

A client's function makes it as any program would: no address unless its name says so, keys from
the environment. It knows SDK objects, and neither llmreplay nor which SDKs are installed.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["CLIENTS", "FAILING", "Client", "Talk", "async_client", "client", "plain"]

FAILING = "[fail bad_request]"
"""What makes the stand-ins answer 400, which no SDK tries again."""


class Talk:
    """The prompts of one client, which no other sends, and what came of them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.shown: list[tuple[str, Any]] = []

    def prompt(self, about: str) -> str:
        """What is asked about `about`, directions to the stand-in included."""
        return f"{self.name}: what floats on “the river”? {about}"

    def show(self, label: str, value: object) -> None:
        """Keeps `value` for the comparison."""
        self.shown.append((label, plain(value)))

    def show_failure(self, call: Callable[[], object]) -> None:
        """Keeps the exception that `call` ends with, as "error"."""
        try:
            self.show("no error", call())
        except Exception as error:  # noqa: BLE001  # whatever it is, it is what the user sees
            self.show("error", error)

    async def show_failure_async(self, call: Awaitable[object]) -> None:
        """The same for a coroutine."""
        try:
            self.show("no error", await call)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is what the user sees
            self.show("error", error)


@dataclass(frozen=True, slots=True)
class Client:
    """A client by name: one of the two functions."""

    name: str
    run: Callable[[Talk], None] | None = None
    run_async: Callable[[Talk], Awaitable[None]] | None = None


CLIENTS: list[Client] = []


def client(name: str) -> Callable[[Callable[[Talk], None]], Callable[[Talk], None]]:
    """Enters a function in the list."""

    def enter(run: Callable[[Talk], None]) -> Callable[[Talk], None]:
        CLIENTS.append(Client(name, run=run))
        return run

    return enter


def async_client(
    name: str,
) -> Callable[[Callable[[Talk], Awaitable[None]]], Callable[[Talk], Awaitable[None]]]:
    """Enters a coroutine function in the list."""

    def enter(run: Callable[[Talk], Awaitable[None]]) -> Callable[[Talk], Awaitable[None]]:
        CLIENTS.append(Client(name, run_async=run))
        return run

    return enter


def plain(value: object) -> Any:  # noqa: ANN401, PLR0911  # any JSON value; one case a line
    """`value` as JSON; of an SDK's object, all its fields but those of that one connection."""
    match value:
        case BaseModel():
            dump = value.model_dump(mode="json", warnings=False, exclude={"sdk_http_response"})
            return {"class": type(value).__name__, "fields": dump}
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


_ERROR_FIELDS = ("status_code", "code", "status", "body", "message", "request_id")


def _plain_error(error: BaseException) -> dict[str, Any]:
    """Not the text as well: Cohere's holds all headers, and so the time of day."""
    fields = {name: plain(getattr(error, name)) for name in _ERROR_FIELDS if hasattr(error, name)}
    return {"class": type(error).__name__, "fields": fields or str(error)}
