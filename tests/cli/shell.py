"""A folder of cassettes as the commands are given it, and the commands run in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmreplay.cassettes import dump
from llmreplay.cli import main
from llmreplay.core.exchange import Chunk, Exchange, Recorded, Request, Response

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

JSON = (("content-type", "application/json"),)
CHAT_URL = "https://api.openai.com/v1/chat/completions"
STREAM = (
    b'data: {"model":"m-1","choices":[{"index":0,"delta":{"content":"He"}}]}\n\n',
    b'data: {"model":"m-1","choices":[{"index":0,"delta":{"content":"llo"}}]}\n\n',
    b"data: [DONE]\n\n",
)


def exchange(number: int, response: Response, body: bytes = b"") -> Exchange:
    """A chat completion that was recorded."""
    return Exchange(
        number,
        "openai",
        Request("POST", CHAT_URL, JSON, body, "openai"),
        response,
        Recorded("2026-11-20T16:02:11Z", "7f3a"),
    )


HELLO = exchange(
    1,
    Response(
        200,
        (("content-type", "text/event-stream"),),
        tuple(Chunk(event, 20) for event in STREAM),
    ),
    b'{"model":"m","stream":true,"messages":[{"role":"user","content":"Say hello"}]}',
)
REFUSED = exchange(
    2,
    Response(401, JSON, (Chunk(b'{"error":{"message":"no key","code":"invalid_api_key"}}', 9),)),
    b'{"model":"m","messages":[{"role":"user","content":"Say hello again"}]}',
)


@dataclass(frozen=True, slots=True)
class Said:
    """What a command did."""

    status: int
    out: str
    err: str


class Shell:
    """Runs commands in a folder with `cassettes/` in it."""

    def __init__(self, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capture = capture

    def write(self, name: str, *exchanges: Exchange, text: str = "") -> Path:
        """Writes a cassette of `exchanges`, and `text` after them."""
        path = self.folder / "cassettes" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        documents = "".join(dump(one) for one in exchanges)
        path.write_text(f"# llmreplay cassette, format 1\n{documents}{text}", encoding="utf-8")
        return path

    def run(self, *arguments: str) -> Said:
        """Runs one command."""
        self._capture.readouterr()
        status = main(arguments)
        captured = self._capture.readouterr()
        return Said(status, captured.out, captured.err)
