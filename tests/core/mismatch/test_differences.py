from __future__ import annotations

from dataclasses import replace
from hashlib import blake2b
from typing import Any

import orjson
import pytest

from llmreplay.core.canonical import MatchSettings, canonical
from llmreplay.core.dialect import Part, PartKind, Turn
from llmreplay.core.exchange import Headers, Request
from llmreplay.core.mismatch import Difference, differences, drift
from tests.fakes.dialects import CHAT

URL = "https://api.example.com/v1/chat"
SETTINGS = MatchSettings(headers=("x-beta",))
FORM = (("Content-Type", "application/x-www-form-urlencoded"),)


def request(
    body: Any = b"",  # noqa: ANN401  # bytes as they are, anything else as JSON
    *,
    url: str = URL,
    method: str = "POST",
    headers: Headers = (),
) -> Request:
    sent = body if isinstance(body, bytes) else orjson.dumps(body)
    return Request(method, url, headers, sent)


def between(recorded: Request, asked: Request) -> tuple[Difference, ...]:
    ours, theirs = (canonical(one, CHAT, SETTINGS) for one in (recorded, asked))
    return differences(ours, theirs, CHAT)


def told(recorded: Request, asked: Request) -> list[str]:
    return [one.sentence for one in between(recorded, asked)]


def digest(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()


def multipart(**parts: bytes) -> bytes:
    body = b"".join(
        b'--x\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n' % (name.encode(), content)
        for name, content in parts.items()
    )
    return body + b"--x--\r\n"


ONE_BYTE = f"1 bytes, blake2b {digest(bytes([255]))}"
TWO_BYTES = f"2 bytes, blake2b {digest(bytes([254, 255]))}"
MESSAGES = [{"role": "user", "content": "hi"}]


@pytest.mark.parametrize(
    ("recorded", "asked", "sentences"),
    [
        (request({"a": 1}), request({"a": 1}), []),
        (
            request({"model": "m", "messages": MESSAGES, "n": 2}),
            request({"model": "o", "messages": [], "n": 3, "x": 1}),
            [
                'model differs: recorded "m", asked "o"',
                'turn 1: user message is missing ($.messages[0]): recorded "hi"',
                "field n differs: recorded 2, asked 3",
                "field x is new: 1",
            ],
        ),
        (
            request({"model": "m"}),
            request({}),
            ['field model is missing: recorded "m"'],
        ),
        (
            request(url="https://h/models/m:generate"),
            request(url="https://h/models/o:generate"),
            ['model differs: recorded "m", asked "o"'],
        ),
        (
            request(url="https://h/v1/models"),
            request(url="https://h/v1/model", method="GET"),
            [
                'method differs: recorded "POST", asked "GET"',
                'path differs: recorded "/v1/models", asked "/v1/model"',
            ],
        ),
        (
            request({"model": "m"}, url="https://h/v1/chat"),
            request({"model": "o"}, url="https://h/v2/chat"),
            [
                'model differs: recorded "m", asked "o"',
                'path differs: recorded "/v1/chat", asked "/v2/chat"',
            ],
        ),
        (
            request(url=f"{URL}?a=1&b=1&c=1&c=2"),
            request(url=f"{URL}?b=2&c=1&c=3&d=1"),
            [
                'query parameter a is missing: recorded "1"',
                'query parameter b differs: recorded "1", asked "2"',
                'query parameter c[1] differs: recorded "2", asked "3"',
                'query parameter d is new: "1"',
            ],
        ),
        (
            request(headers=(("X-Beta", "a"),)),
            request(headers=(("x-beta", "b"),)),
            ['header x-beta differs: recorded "a", asked "b"'],
        ),
        (request(b"text"), request({"a": 1}), ["body differs: recorded text, asked JSON"]),
        (request(), request(b"\xff"), ["body differs: recorded none, asked binary data"]),
        (
            request(b"some text"),
            request(b"some words"),
            ['body differs: recorded "some text", asked "some words"'],
        ),
        (request([1, 2]), request([1, 3]), ["$[1] differs: recorded 2, asked 3"]),
        (request([1]), request({"a": 1}), ['body differs: recorded [1], asked {"a":1}']),
        (
            request(b"a=1&b=1", headers=FORM),
            request(b"a=2&c=1", headers=FORM),
            [
                'form field a differs: recorded "1", asked "2"',
                'form field b is missing: recorded "1"',
                'form field c is new: "1"',
            ],
        ),
        (
            request(multipart(model=b"m", file=b"\xff")),
            request(multipart(model=b"o", file=b"\xfe\xff")),
            [
                f'part file.data differs: recorded "{ONE_BYTE}", asked "{TWO_BYTES}"',
                'part model.text differs: recorded "m", asked "o"',
            ],
        ),
    ],
)
def test_what_differs_is_told_most_important_first(
    recorded: Request, asked: Request, sentences: list[str]
) -> None:
    assert sentences == told(recorded, asked)


def test_what_no_part_of_a_message_says_is_found_in_its_fields() -> None:
    recorded = request({"messages": [{"role": "user", "content": "hi", "name": "a"}]})
    asked = request({"messages": [{"role": "user", "content": "hi", "name": "b"}]})
    assert told(recorded, asked) == ['$.messages[0].name differs: recorded "a", asked "b"']


def test_what_a_turn_told_is_not_told_again() -> None:
    recorded = request({"messages": [*MESSAGES, {"role": "user", "content": "a", "name": "x"}]})
    asked = request({"messages": [{**MESSAGES[0], "name": "y"}, {"role": "user", "content": "b"}]})
    assert told(recorded, asked) == [
        'turn 1: user message differs ($.messages[1]): recorded "a", asked "b"',
        '$.messages[0].name is new: "y"',
    ]
    assert told(request({"system": "a"}), request({})) == [
        'system prompt is missing ($.system): recorded "a"'
    ]


@pytest.mark.parametrize(
    ("recorded", "asked", "ignore"),
    [
        (request({"model": "m"}), request({"model": "o"}), "$.model"),
        (request(url="https://h/models/m"), request(url="https://h/models/o"), None),
        (request({}), request({"a": 1}), "$.a"),
        (request(url=f"{URL}?v=1"), request(url=f"{URL}?v=2"), "?v"),
        (request(headers=(("X-Beta", "a"),)), request(), None),
        (request(b"a=1", headers=FORM), request(b"a=2", headers=FORM), '$[?@.name == "a"]'),
        (request(multipart(a=b"1")), request(multipart(a=b"2")), '$[?@.name == "a"]'),
    ],
)
def test_what_could_be_ignored_is_known(
    recorded: Request, asked: Request, ignore: str | None
) -> None:
    assert [ignore] == [one.ignore for one in between(recorded, asked)]


def test_drift_is_a_few_sentences() -> None:
    recorded, live = (
        canonical(request(body), CHAT, SETTINGS)
        for body in ({}, {f"x{number}": number for number in range(12)})
    )
    assert drift(live, recorded, CHAT) == (
        "field x0 is new: 0",
        "field x1 is new: 1",
        "field x10 is new: 10",
        "field x11 is new: 11",
        "field x2 is new: 2",
        "and 7 more",
    )
    assert drift(live, live, CHAT) == ()


def test_differences_are_counted_within_bounds() -> None:
    recorded, live = (
        canonical(request(body), CHAT, SETTINGS)
        for body in ({}, {f"x{number}": number for number in range(1_000)})
    )
    assert len(differences(recorded, live, CHAT)) == 100


def test_a_turn_that_is_the_whole_body_hides_only_the_conversation() -> None:
    whole = replace(
        CHAT,
        conversation=lambda body: (Turn("user", (Part(PartKind.TEXT, body["content"]),), "$"),),
        conversation_keys=frozenset({"content"}),
    )
    recorded, asked = (
        canonical(request({"content": text, "metadata": text}), whole, SETTINGS) for text in "ab"
    )
    assert [one.sentence for one in differences(recorded, asked, whole)] == [
        'turn 1: user message differs ($): recorded "a", asked "b"',
        'field metadata differs: recorded "a", asked "b"',
    ]


@pytest.mark.parametrize(
    ("recorded", "asked", "sentence"),
    [
        (request({"a": 1}), request({"a": 1, "stream": True}), "field stream is new: true"),
        (
            request({"encoding_format": "float"}),
            request({"encoding_format": "base64"}),
            'field encoding_format differs: recorded "float", asked "base64"',
        ),
        (
            request({}, url=f"{URL}?alt=json"),
            request({}, url=f"{URL}?alt=sse"),
            'query parameter alt differs: recorded "json", asked "sse"',
        ),
    ],
)
def test_what_decides_the_form_of_the_answer_is_not_to_be_ignored(
    recorded: Request, asked: Request, sentence: str
) -> None:
    (found,) = between(recorded, asked)
    assert (found.sentence, found.ignore, found.answer_form) == (sentence, None, True)
