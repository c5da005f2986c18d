"""An exchange as a person reads it: who said what, and what came of it.

Values in, text out. What the messages of a provider look like, its dialect says; an exchange
that is no conversation is shown as the HTTP that it was. `show` calls it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import orjson

from llmreplay.cli.terminal import joined_fitting, printable, wrapped
from llmreplay.cli.units import counted, duration_shown, moment_shown, size_shown
from llmreplay.core.dialect import PartKind
from llmreplay.core.exchange import Ending, header
from llmreplay.core.plan import plan_replay, reason_phrase
from llmreplay.core.timing import INSTANT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llmreplay.cli.terminal import Paint
    from llmreplay.core.dialect import Dialect, Json, Part, Reply, Turn
    from llmreplay.core.exchange import Exchange, Headers, Response

__all__ = ["Transcript", "body_json", "is_stream"]

FIRST_ERROR_STATUS = 400
MAX_ARGUMENTS_ON_A_LINE = 60

_ENDINGS = {
    Ending.TRUNCATED: "the connection was closed before the end",
    Ending.RESET: "the connection broke before the end",
}
_ROLE_COLOURS = {"system": "magenta", "user": "blue", "assistant": "green", "tool": "yellow"}


def body_json(body: bytes) -> Json:
    """The decoded body, or None if it is no JSON."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def is_stream(response: Response) -> bool:
    """Whether it is replayed as a stream."""
    return plan_replay(response, INSTANT, {}).streamed


class Transcript:
    """Writes exchanges for a terminal `columns` wide; None wraps nothing."""

    def __init__(self, paint: Paint, columns: int | None) -> None:
        self._paint = paint
        self._columns = columns

    def of(self, exchange: Exchange, source: str, dialect: Dialect) -> str:
        """The whole exchange; `source` is its name."""
        request = body_json(exchange.request.body)
        turns = dialect.conversation(request)
        reply = dialect.reply(exchange.response)
        model = dialect.model(exchange.request.parts.path, request)
        lines = self._title(exchange, source, model)
        if turns:
            for turn in turns:
                lines += self._turn(turn)
        else:
            lines += self._http("request", exchange.request.headers, exchange.request.body)
        if reply.parts or reply.error:
            lines += self._reply(reply)
        else:
            lines += self._http("response", exchange.response.headers, exchange.response.body)
        lines += ["", *self._outcome(exchange.response, reply)]
        return "\n".join(lines) + "\n"

    def _title(self, exchange: Exchange, source: str, model: str | None) -> list[str]:
        asked = f"{exchange.request.method} {exchange.request.url}"
        recorded = exchange.recorded
        when = f"recorded {moment_shown(recorded.at)}, take {recorded.take}" if recorded else ""
        rest = [printable(part) for part in (asked, model, when) if part]
        facts = [(source, self._paint(source, bold=True)), *((part, part) for part in rest)]
        return joined_fitting(facts, "  ", self._columns)

    def _turn(self, turn: Turn) -> Iterator[str]:
        yield ""
        yield self._paint(turn.role, _ROLE_COLOURS.get(turn.role), bold=True)
        for part in turn.parts:
            yield from self._part(part)

    def _reply(self, reply: Reply) -> Iterator[str]:
        yield ""
        yield self._paint("reply", "green", bold=True)
        for part in reply.parts:
            yield from self._part(part)
        if reply.error:
            yield from self._wrapped(f"error: {reply.error}", colour="red")

    def _part(self, part: Part) -> Iterator[str]:
        match part.kind:
            case PartKind.TEXT:
                yield from self._wrapped(part.text)
            case PartKind.THINKING:
                yield from self._wrapped(part.text, first="(thinking) ", colour="bright_black")
            case PartKind.TOOL_CALL:
                called = f"-> {part.name or 'tool'} "
                yield from self._wrapped(_arguments(part.text), first=called, colour="cyan")
            case PartKind.TOOL_RESULT:
                came = f"<- {part.name}: " if part.name else "<- "
                yield from self._wrapped(part.text, first=came, colour="yellow")
            case _:
                yield from self._wrapped(f"[{part.kind}: {part.text}]", colour="bright_black")

    def _http(self, what: str, headers: Headers, body: bytes) -> Iterator[str]:
        yield ""
        yield self._paint(what, bold=True)
        for name, value in headers:
            yield from self._wrapped(f"{name}: {value}", colour="bright_black")
        if body:
            yield from self._wrapped(_body(headers, body))

    def _outcome(self, response: Response, reply: Reply) -> list[str]:
        status = f"{response.status} {reason_phrase(response.status)}".rstrip()
        failed = response.status >= FIRST_ERROR_STATUS
        usage = reply.usage
        more = (
            _ENDINGS.get(response.ending, ""),
            _pace(response),
            size_shown(len(response.body)),
            f"{usage.input_tokens:,} tokens in" if usage.input_tokens is not None else "",
            f"{usage.output_tokens:,} tokens out" if usage.output_tokens is not None else "",
            printable(reply.model or ""),
            f"ended by {printable(reply.finish)}" if reply.finish else "",
        )
        facts = [(status, self._paint(status, "red" if failed else "green"))]
        facts += [(fact, fact) for fact in more if fact]
        return joined_fitting(facts, ", ", self._columns)

    def _wrapped(self, text: str, *, first: str = "", colour: str | None = None) -> Iterator[str]:
        """`text`, indented and within the columns, its own line ends kept."""
        for line in (first + text).split("\n"):
            for piece in self._fitting(printable(line.rstrip("\r").expandtabs())):
                yield f"  {self._paint(piece, colour)}".rstrip()

    def _fitting(self, line: str) -> Iterable[str]:
        return (line,) if self._columns is None else wrapped(line, self._columns - 2)


def _pace(response: Response) -> str:
    waits = [chunk.wait_ms for chunk in response.chunks]
    if not any(waits):
        return ""
    if not is_stream(response):
        return f"after {duration_shown(sum(waits))}"
    events = counted(len(waits), "event")
    return f"{events} in {duration_shown(sum(waits))}, the first after {duration_shown(waits[0])}"


def _arguments(text: str) -> str:
    """A tool call's arguments: on its line if they are short, else one to a line."""
    if len(text) <= MAX_ARGUMENTS_ON_A_LINE:
        return text
    return _pretty(text.encode("utf-8", "replace")) or text


def _body(headers: Headers, body: bytes) -> str:
    pretty = _pretty(body)
    if pretty is not None:
        return pretty
    kind = header(headers, "content-type") or "bytes"
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return f"[{size_shown(len(body))} of {kind}]"
    return text.rstrip("\r\n") if "\0" not in text else f"[{size_shown(len(body))} of {kind}]"


def _pretty(body: bytes) -> str | None:
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return None
