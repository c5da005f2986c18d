"""The demo's tour: a server of its own, four stops, and a check that each went as it is told.

It talks HTTP as any client does, with no SDK, and knows only what the demo's cassettes hold.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit

from llmreplay.cli.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from llmreplay.cli.terminal import Paint

__all__ = ["take_tour"]

Json: TypeAlias = dict[str, Any]

OK = 200
TIMEOUT_S = 10.0
LEAST_STREAM_S = 0.5
"""A stream at its recorded pace takes longer than this from its first piece to its last."""

QUESTION: Json = {
    "model": "gpt-4o-mini",
    "messages": [
        {"role": "system", "content": "Answer in one sentence."},
        {"role": "user", "content": "Why should a test replay what an LLM said?"},
    ],
}
POEM: Json = {
    "model": "gpt-4o-mini",
    "stream": True,
    "stream_options": {"include_usage": True},
    "messages": [{"role": "user", "content": "Write a haiku about a recorded answer."}],
}
WEATHER: Json = {
    "model": "claude-sonnet-4-5",
    "max_tokens": 256,
    "stream": True,
    "tools": [
        {
            "name": "get_weather",
            "description": "The weather in a city, now.",
            "input_schema": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
            },
        }
    ],
    "messages": [{"role": "user", "content": "Do I need an umbrella in Lisbon?"}],
}


def with_tool_result(result: str) -> Json:
    """The second turn of WEATHER: the tool was called and gave `result`."""
    call = {
        "type": "tool_use",
        "id": "toolu_01Hq3vKz8RwYp5JmXc7NbTdE",
        "name": "get_weather",
        "input": {"city": "Lisbon"},
    }
    answer = {"type": "tool_result", "tool_use_id": call["id"], "content": result}
    return WEATHER | {
        "messages": [
            *WEATHER["messages"],
            {
                "role": "assistant",
                "content": [{"type": "text", "text": "Let me look at the sky."}, call],
            },
            {"role": "user", "content": [answer]},
        ]
    }


class _DidNotWorkError(Exception):
    """A stop did not go as the tour tells it."""


def take_tour(cassettes: Path, paint: Paint, columns: int = 80) -> int:
    """Show the tour on stdout, wrapped to `columns`.

    0 if all of it worked, else 1, with what did not on stderr.
    """
    try:
        with _serving(cassettes) as first_line:
            _Tour(first_line, paint, columns).take()
    except (_DidNotWorkError, OSError, HTTPException, ValueError, LookupError) as error:
        sys.stdout.flush()
        print(f"\nllmreplay: error: the demo did not work: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


@contextmanager
def _serving(cassettes: Path) -> Iterator[str]:
    """A server of the demo's cassettes, by the line that it begins with."""
    clean = {name: value for name, value in os.environ.items() if "LLMREPLAY_" not in name}
    arguments = ("serve", "--cassettes", str(cassettes), "--port", "0", "--timing", "recorded")
    server = subprocess.Popen(  # noqa: S603  # ourselves
        [sys.executable, "-m", "llmreplay", *arguments, "--quiet"],
        # Not where the user is: a llmreplay.yaml there is not for the demo.
        cwd=cassettes,
        env=clean,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    assert server.stdout is not None  # noqa: S101  # PIPE was asked for
    with server.stdout:
        try:
            first_line = server.stdout.readline().rstrip()
            if not first_line:
                raise _DidNotWorkError("the server did not start")
            yield first_line
        finally:
            server.terminate()
            status = server.wait(TIMEOUT_S)
    if status != 0:
        raise _DidNotWorkError(f"the server ended with status {status}")


@dataclass(frozen=True, slots=True)
class _Answer:
    """What came back. `pieces` are SSE payloads with the time of each, or the body alone."""

    status: int
    source: str
    pieces: tuple[tuple[float, str], ...]

    @property
    def body(self) -> Any:  # noqa: ANN401  # JSON
        return json.loads(self.pieces[0][1])


class _Tour:
    """The stops, told and checked."""

    def __init__(self, first_line: str, paint: Paint, columns: int) -> None:
        self._first_line = first_line
        self._paint = paint
        self._columns = columns
        self._is_streaming = False
        found = re.search(r"https?://\S+", first_line)
        if found is None:
            raise _DidNotWorkError(f"the server gave no address: {first_line}")
        self._url = urlsplit(found[0])

    def take(self) -> None:
        self._say("llmreplay records what passes between your code and an LLM provider,")
        self._say("and replays it: here with no key and no network.\n")
        self._say("$ llmreplay serve --timing recorded", "bright_black")
        self._say(self._first_line, "bright_black")
        self._answer()
        self._stream()
        self._agent()
        self._miss()
        self._farewell()

    def _answer(self) -> None:
        self._title("1. An answer", "Your client's base URL points at llmreplay; nothing else.")
        answer = self._replayed("/openai/v1/chat/completions", QUESTION, lambda _piece: None)
        self._tell(answer.body["choices"][0]["message"]["content"], "green", first="< ")
        self._came_from(answer, "every byte as it was recorded")

    def _stream(self) -> None:
        self._title("2. A stream", "The same events, at the pace at which they were recorded.")
        answer = self._replayed("/openai/v1/chat/completions", POEM, self._openai_piece)
        took = answer.pieces[-1][0] - answer.pieces[0][0]
        if took < LEAST_STREAM_S:
            raise _DidNotWorkError(f"the stream came all at once, in {took:.3f} s")
        self._came_from(answer, f"{len(answer.pieces)} events in {took:.1f} s")

    def _agent(self) -> None:
        self._title("3. An agent", "A tool call, its result, and what the model makes of it.")
        for request in (WEATHER, with_tool_result("17 degrees, light rain")):
            answer = self._replayed("/anthropic/v1/messages", request, self._anthropic_piece)
            self._came_from(answer, f"{len(answer.pieces)} events")

    def _miss(self) -> None:
        self._title("4. A miss", "Now the tool says something that was never recorded.")
        changed = with_tool_result("31 degrees, clear sky")
        self._ask("/anthropic/v1/messages", changed)
        answer = self._post("/anthropic/v1/messages", changed, lambda _piece: None)
        message = answer.body["error"]["message"] if answer.status != OK else ""
        if "31 degrees" not in message:
            raise _DidNotWorkError(f"a miss was not explained, with status {answer.status}")
        self._tell(message, "yellow", first="< ")
        self._tell(
            f"{answer.status}: no SDK retries it, and its exception shows this text",
            "bright_black",
        )

    def _farewell(self) -> None:
        self._say("\nNow with your own code:", bold=True)
        self._say("   llmreplay record -- python app.py   once, with the real key")
        self._say("   llmreplay serve -- python app.py    ever after: offline, free, the same")
        self._say("Any command will do. Without one, both go on until ^C, for a program that is")
        self._say("told where they are: OPENAI_BASE_URL=http://127.0.0.1:8787/openai/v1")

    # -- telling ---------------------------------------------------------------------------

    def _write(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()

    def _say(self, text: str, colour: str | None = None, *, bold: bool | None = None) -> None:
        self._write(self._paint(text, colour, bold=bold) + "\n")

    def _title(self, title: str, text: str) -> None:
        self._write(f"\n{self._paint(title, bold=True)}  {text}\n")

    def _tell(self, text: str, colour: str | None = None, *, first: str = "") -> None:
        """`text` below a title, wrapped; `first` stands before it, like the mark of a speaker."""
        lines = [
            piece
            for line in text.splitlines()
            for piece in textwrap.wrap(printable(line), self._columns - 5, break_on_hyphens=False)
        ]
        indent = " " * (3 + len(first))
        for place, line in enumerate(lines):
            self._write(f"{indent if place else f'   {first}'}{self._paint(line, colour)}\n")

    def _ask(self, path: str, request: Json) -> None:
        last = request["messages"][-1]["content"]
        text = last if isinstance(last, str) else f"tool result: {last[0]['content']}"
        self._tell(f"POST {path}  {request['model']}", "bright_black")
        self._tell(text, first="> ")

    def _came_from(self, answer: _Answer, remark: str) -> None:
        self._tell(f"{answer.status} from {answer.source}, {remark}", "bright_black")

    def _openai_piece(self, data: str) -> None:
        if data != "[DONE]":
            for choice in json.loads(data)["choices"]:
                self._stream_text(choice["delta"].get("content") or "")

    def _anthropic_piece(self, data: str) -> None:
        event = json.loads(data)
        block = event.get("content_block", {})
        if block.get("type") == "tool_use":
            self._stream_text(f"\n{block['name']} ")
        delta = event.get("delta", {})
        self._stream_text(delta.get("text") or delta.get("partial_json") or "")

    def _stream_text(self, text: str) -> None:
        if text and not self._is_streaming:
            self._is_streaming = True
            self._write("   < ")
        self._write(self._paint(text, "green").replace("\n", "\n     "))

    # -- asking ----------------------------------------------------------------------------

    def _replayed(self, path: str, request: Json, on_piece: Callable[[str], None]) -> _Answer:
        """The recorded answer to `request`, which must be there."""
        self._ask(path, request)
        self._is_streaming = False
        answer = self._post(path, request, on_piece)
        if self._is_streaming:
            self._write("\n")
        if answer.status != OK or not answer.source:
            told = answer.pieces[0][1] if answer.pieces else ""
            raise _DidNotWorkError(f"the recording was not found: status {answer.status} {told}")
        return answer

    def _post(self, path: str, request: Json, on_piece: Callable[[str], None]) -> _Answer:
        host, port = self._url.hostname or "", self._url.port
        with closing(HTTPConnection(host, port, timeout=TIMEOUT_S)) as connection:
            headers = {"content-type": "application/json", "authorization": "Bearer no-key"}
            connection.request("POST", path, json.dumps(request), headers)
            response = connection.getresponse()
            if "event-stream" not in response.headers["content-type"]:
                pieces = [(time.monotonic(), response.read().decode())]
            else:
                pieces = []
                for line in response:
                    if line.startswith(b"data: "):
                        data = line.removeprefix(b"data: ").decode().rstrip()
                        pieces.append((time.monotonic(), data))
                        on_piece(data)
            source = response.headers["x-llmreplay-exchange"] or ""
            return _Answer(response.status, source, tuple(pieces))
