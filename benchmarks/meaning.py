"""What it costs to understand a request, to find its recording, and to explain that there is none.

CPU time of one thread, the best of several rounds, so that other work on the machine counts
little: `python benchmarks/meaning.py`.
"""

from __future__ import annotations

import random
import string
import sys
from functools import partial
from pathlib import Path
from time import thread_time
from timeit import repeat
from typing import TYPE_CHECKING, Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import orjson

from llmreplay.core.canonical import MatchSettings, canonical
from llmreplay.core.exchange import Exchange, Request, Response
from llmreplay.core.fingerprint import features, fingerprint
from llmreplay.core.matching import Miss, MissReason, match
from llmreplay.core.mismatch import Question, explain
from llmreplay.core.tape import Asked, Recording, Tape
from llmreplay.dialects.openai import OPENAI

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["main"]

PLAIN = MatchSettings()
AGENT = MatchSettings(presets=("claude-code",))
NEVER = Miss(MissReason.NEVER_RECORDED)
CHANCE = random.Random(7)  # noqa: S311  # words for prompts
WORDS = ["".join(CHANCE.choices(string.ascii_lowercase, k=6)) for _ in range(2_000)]
SYSTEM = " ".join(CHANCE.choices(WORDS, k=300))


def conversation(turns: int, words: int, about: str = "Ulm") -> dict[str, Any]:
    """A request in turn `turns`: in each but the first a tool's result of that many words."""
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": SYSTEM},
        {"role": "user", "content": f"What is the weather in {about}?"},
    ]
    for turn in range(2, turns + 1):
        call = {
            "id": f"call_{turn}",
            "type": "function",
            "function": {"name": "get_weather", "arguments": f'{{"day": {turn}}}'},
        }
        text = f"{about}: {' '.join(CHANCE.choices(WORDS, k=words))}"
        messages += [
            {"role": "assistant", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": call["id"], "content": text},
        ]
    return {"model": "gpt-4o-mini", "messages": messages, "temperature": 0.2}


def request(body: dict[str, Any]) -> Request:
    """`body` as asked of OpenAI."""
    url = "https://api.openai.com/v1/chat/completions"
    return Request("POST", url, body=orjson.dumps(body), upstream="openai")


def microseconds(action: Callable[[], object], number: int) -> float:
    """What one `action` takes."""
    return min(repeat(action, number=number, repeat=7, timer=thread_time)) / number * 1e6


def understanding() -> None:
    """Canonical form, fingerprint and features by size of the request."""
    print("request       canonical  with preset  fingerprint  features   (µs)")
    for name, turns, words in (("1 kB", 1, 0), ("10 kB", 8, 150), ("150 kB", 80, 230)):
        body = conversation(turns, words)
        if name == "1 kB":
            body["messages"][0]["content"] = SYSTEM[:800]
        asked = request(body)
        form = canonical(asked, OPENAI, PLAIN)
        number = max(3, 2_000_000 // len(asked.body) // 10)
        columns = (
            microseconds(partial(canonical, asked, OPENAI, PLAIN), number),
            microseconds(partial(canonical, asked, OPENAI, AGENT), number),
            microseconds(partial(fingerprint, form), number),
            microseconds(partial(features, form, OPENAI), number),
        )
        print(
            f"{name:6}{len(asked.body):7}",
            "{:10.0f} {:12.0f} {:12.0f} {:9.0f}".format(*columns),
        )


def finding() -> None:
    """A hit, by how many recordings there are."""
    print("\nrecordings    a hit (µs)")
    for count in (1, 1_000, 100_000):
        tape = Tape()
        keys = [number.to_bytes(16) for number in range(count)]
        for key in keys:
            tape.add(Recording(key, (), "openai", "POST", "/v1/chat", "x#1", _never))
        asked = [Asked(key, "POST", "/v1/chat", "openai") for key in keys[:: max(1, count // 500)]]

        taken = microseconds(partial(_ask, tape, asked), max(1, 5_000 // len(asked)))
        print(f"{count:10}    {taken / len(asked):.2f}")


def _ask(tape: Tape, asked: list[Asked]) -> None:
    for one in asked:
        match(tape, "default", one)


def _itself(exchange: Exchange) -> Exchange:
    return exchange


def _never() -> Exchange:
    raise AssertionError("a hit loads nothing")


def explaining() -> None:
    """A miss among 10,000 recordings, by what differs."""
    tape = Tape()
    for number in range(3_334):
        body = conversation(3, 40, f"City {number}")
        for messages in (2, 4, 6):
            asked = request(body | {"messages": body["messages"][:messages]})
            form = canonical(asked, OPENAI, PLAIN)
            exchange = Exchange(number, "openai", asked, Response(200))
            tape.add(
                Recording(
                    fingerprint(form),
                    features(form, OPENAI),
                    "openai",
                    form.method,
                    form.path,
                    f"cities#{number}",
                    partial(_itself, exchange),
                )
            )
        kept = orjson.dumps(body)
    edits: dict[str, Callable[[dict[str, Any]], object]] = {
        "tool result": lambda body: body["messages"][5].update(content="sunny"),
        "system prompt": lambda body: body["messages"][0].update(content=f"{SYSTEM} now"),
        "model": lambda body: body.update(model="gpt-4o"),
        "extra field": lambda body: body.update(seed=7),
    }
    print(f"\nexplained among {len(tape)}    (ms)")
    for name, edit in edits.items():
        body = orjson.loads(kept)
        edit(body)
        asked = request(body)
        question = Question(asked, canonical(asked, OPENAI, PLAIN), OPENAI, PLAIN)
        taken = microseconds(partial(explain, question, tape, NEVER), 3)
        print(f"{name:24} {taken / 1e3:8.1f}")


def main() -> None:
    """All three."""
    understanding()
    finding()
    explaining()


if __name__ == "__main__":
    main()
