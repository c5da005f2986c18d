"""Cassettes of any length for the benchmarks: one dumped exchange, varied by its prompt."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmreplay.cassettes import dump
from llmreplay.core.exchange import Chunk, Exchange, Headers, Recorded, Request, Response

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Sample", "answer", "stream", "write"]

URL = "https://api.openai.com/v1/chat/completions"
MARK = "PROMPT-0000000"
JSON: Headers = (("content-type", "application/json"),)
PER_FILE = 1_000


@dataclass(frozen=True, slots=True)
class Sample:
    """A request and the response to it, as bytes; `MARK` in the request makes it one of many."""

    request: bytes
    response: Response

    @property
    def exchange(self) -> Exchange:
        """The sample as it would have been recorded."""
        return Exchange(
            1,
            "openai",
            Request("POST", URL, JSON, self.request, "openai"),
            self.response,
            Recorded("2026-11-21T10:00:00Z", "7f3a"),
        )


def answer() -> Sample:
    """A chat completion of about 590 bytes, indented as OpenAI sends it."""
    body = {
        "id": "chatcmpl-BenchmarkBenchmarkBenchmark",
        "object": "chat.completion",
        "created": 1_763_700_000,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "An answer of a sentence or two.",
                    "refusal": None,
                },
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 20, "completion_tokens": 8, "total_tokens": 28},
        "service_tier": "default",
    }
    data = json.dumps(body, indent=2).encode()
    return Sample(_request(streaming=False), Response(200, JSON, (Chunk(data, 400),)))


def stream(events: int = 60) -> Sample:
    """A streamed chat completion."""
    pieces = [
        {
            "id": "chatcmpl-BenchmarkBenchmarkBenchmark",
            "object": "chat.completion.chunk",
            "created": 1_763_700_000,
            "model": "gpt-4o-mini-2024-07-18",
            "choices": [{"index": 0, "delta": {"content": f" word{n}"}, "finish_reason": None}],
        }
        for n in range(events - 1)
    ]
    lines = [json.dumps(piece, separators=(",", ":")) for piece in pieces] + ["[DONE]"]
    chunks = tuple(Chunk(f"data: {line}\n\n".encode(), 15) for line in lines)
    headers = (("content-type", "text/event-stream; charset=utf-8"),)
    return Sample(_request(streaming=True), Response(200, headers, chunks))


def write(folder: Path, sample: Sample, count: int) -> None:
    """Cassettes with `count` exchanges in `folder`, the n-th asking for `PROMPT-n`."""
    folder.mkdir(parents=True, exist_ok=True)
    document = dump(sample.exchange)
    for first in range(0, count, PER_FILE):
        numbers = range(first, min(first + PER_FILE, count))
        documents = (
            document.replace(MARK, f"PROMPT-{n:07}").replace("exchange: 1", f"exchange: {n + 1}", 1)
            for n in numbers
        )
        text = "# llmreplay cassette, format 1\n" + "".join(documents)
        (folder / f"part-{first // PER_FILE:04}.yaml").write_text(text, "utf-8")


def _request(*, streaming: bool) -> bytes:
    body = {
        "model": "gpt-4o-mini",
        "stream": streaming,
        "messages": [
            {"role": "system", "content": "You answer in a sentence or two."},
            {"role": "user", "content": f"{MARK}: what is a cassette?"},
        ],
    }
    return json.dumps(body, separators=(",", ":")).encode()
