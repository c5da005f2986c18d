"""How long the explanation of a miss takes among 10,000 recordings that are all much alike.

Each recording is one conversation with two calls of tools, about another matter. What is asked
is one of them with a single change; the scenarios of misses ask the same and read the answers.
"""

from __future__ import annotations

import http.client
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks import cassettes, processes
from llmreplay.core.exchange import Chunk, Response

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CHANGES", "Change", "matter", "request", "write"]

EXCHANGES = 10_000
ASKED = 4_711
ROUNDS = 20
MODEL = "gpt-4o-mini"
_SENTENCE = "Rule {}: weigh what the tools report against what the user has told you before. "


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a request, in place, and the line of the explanation that names it."""

    name: str
    make: Callable[[dict[str, Any]], object]
    told: str


def _tool_result(asked: dict[str, Any]) -> None:
    result = asked["messages"][-1]
    result["content"] = result["content"].replace("21 degrees", "12 degrees")


def _word_of_system_prompt(asked: dict[str, Any]) -> None:
    system = asked["messages"][0]
    system["content"] = system["content"].replace("Rule 34: weigh", "Rule 34: ignore")


def _model(asked: dict[str, Any]) -> None:
    asked["model"] = "gpt-4o"


def _extra_field(asked: dict[str, Any]) -> None:
    asked["top_logprobs"] = 5


CHANGES = (
    Change(
        "tool result in turn 3",
        _tool_result,
        "turn 3: tool result of measure differs at word 5 ($.messages[5]): recorded "
        '"…town {0}: 21 degrees, wind from the…", asked "…town {0}: 12 degrees, wind from the…"',
    ),
    Change(
        "word of a long system prompt",
        _word_of_system_prompt,
        "system prompt differs at word 517 ($.messages[0]): recorded "
        '"…you before. Rule 34: weigh what the tools report…", asked '
        '"…you before. Rule 34: ignore what the tools report…"',
    ),
    Change("model", _model, 'model differs: recorded "gpt-4o-mini", asked "gpt-4o"'),
    Change("extra field", _extra_field, "field top_logprobs is new: 5"),
)
"""`{0}` in what is told is the matter."""


def matter(number: int) -> str:
    """What recording `number`, from 0, is about."""
    return f"PROMPT-{number:07}"


def request(matter: str) -> bytes:
    """The recorded request about `matter`: its third turn, after two calls of tools."""
    system = "You are an assistant. " + "".join(_SENTENCE.format(n) for n in range(40))
    calls = [("call_1", "forecast"), ("call_2", "measure")]
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": system},
        {"role": "user", "content": f"What is the weather in town {matter}?"},
    ]
    for call_id, name in calls:
        function = {"name": name, "arguments": json.dumps({"town": matter})}
        call = {"id": call_id, "type": "function", "function": function}
        told = f"{name} of town {matter}: 21 degrees, wind from the west"
        messages += [
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": call_id, "content": told},
        ]
    return json.dumps({"model": MODEL, "messages": messages}, separators=(",", ":")).encode()


def write(folder: Path, count: int) -> None:
    """Cassettes with `count` recordings, the first about `matter(0)`."""
    answer = Response(200, cassettes.JSON, (Chunk(b'{"id":"chatcmpl-1","choices":[]}'),))
    cassettes.write(folder, cassettes.Sample(request(cassettes.MARK), answer), count)


def main() -> None:
    """Asks a server for what it has not, over one connection."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, EXCHANGES)
        port = processes.free_port()
        with processes.serving("serve", "--cassettes", str(folder), "--quiet", port=port):
            print(f"a miss explained, {EXCHANGES:,} recordings all alike:")
            for change in CHANGES:
                times = [_asked(port, change, ASKED + n) for n in range(ROUNDS)]
                print(
                    f"  {change.name}: median {median(times) * 1000:.1f} ms, "
                    f"longest {max(times) * 1000:.1f} ms"
                )


def _asked(port: int, change: Change, number: int) -> float:
    asked = json.loads(request(matter(number)))
    change.make(asked)
    body = json.dumps(asked)
    connection = http.client.HTTPConnection("127.0.0.1", port)
    start = time.perf_counter()
    connection.request("POST", "/openai/v1/chat/completions", body, dict(cassettes.JSON))
    response = connection.getresponse()
    response.read()
    seconds = time.perf_counter() - start
    connection.close()
    if response.status != 470:  # noqa: PLR2004  # the status of a miss
        raise RuntimeError(f"{change.name}: status {response.status}, no miss")
    return seconds


if __name__ == "__main__":
    main()
