"""Every form of key, in every place, told in pieces cut everywhere: nothing of it is left."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import pytest

from llmreplay.core.exchange import Chunk, Exchange, Request, Response
from llmreplay.core.redaction import Redactor, find_secrets
from tests.core.redaction.keys import FORMS, Form, Made, left_of
from tests.core.redaction.told import WAYS, Told

if TYPE_CHECKING:
    from collections.abc import Callable

URL = "https://api.openai.com/v1/chat/completions"
JSON = (("content-type", "application/json"),)
EVERY_NTH = 11

PLACES: dict[str, Callable[[str], str]] = {
    "json": lambda text: json.dumps({"content": f"so {text} it is"}),
    "json after a line break": lambda text: json.dumps({"content": f"so\n{text}\nit is"}),
    "tool arguments": lambda text: json.dumps({"arguments": json.dumps({"a": f"\t{text}"})}),
    "nested thrice": lambda text: json.dumps(json.dumps(json.dumps({"a": f"\n{text}\n"}))),
    "php json": lambda text: json.dumps({"a": text}).replace("/", "\\/"),
    "coloured": lambda text: json.dumps({"output": f"\x1b[1;32m{text}\x1b[0m"}),
    "form": lambda text: urlencode({"a": f"so {text}", "b": "c"}),
    "url in json": lambda text: json.dumps({"url": "https://x.com/?q=" + quote(text, safe="")}),
    "multipart": lambda text: (
        f'--cut\r\nContent-Disposition: form-data; name="a"\r\n\r\n{text}\r\n--cut--\r\n'
    ),
    "error echo": lambda text: json.dumps({"error": {"message": f"wrong key: {text}. See docs"}}),
    "tool output": lambda text: json.dumps({"tool_result": f"$ env\nHOME=/root\nX={text}\nY=1"}),
    "base64": lambda text: base64.b64encode(f"so {text} it is".encode()).decode(),
    "url-safe base64": lambda text: base64.urlsafe_b64encode(f"it {text} is".encode()).decode(),
    "data url": lambda text: "data:text/plain;base64," + base64.b64encode(text.encode()).decode(),
    "plain": lambda text: text,
}


def made(form: Form, seed: object = 0) -> tuple[str, str]:
    """A key, and the text that gives it away."""
    key = form.make(Made(f"{form.name} {seed}"))
    return key, form.context.format(key)


def exchange(request: bytes, response: list[bytes], media_type: str = JSON[0][1]) -> Exchange:
    return Exchange(
        1,
        "openai",
        Request("POST", URL, JSON, request),
        Response(200, (("content-type", media_type),), tuple(map(Chunk, response))),
    )


def in_base64(place: str) -> bool:
    return "base64" in place or place == "data url"


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_no_key_is_left_in_any_place(form: Form, place: str) -> None:
    key, text = made(form, place)
    body = PLACES[place](text).encode()
    redactor = Redactor()
    stored = redactor.exchange(exchange(body, [body]))

    assert left_of(key, stored.request.body) == []
    assert stored.response.body == stored.request.body != body
    assert redactor.exchange(stored) == stored
    assert redactor.leaks(stored.request.body.decode()) == ()


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_the_same_key_has_the_same_placeholder_in_request_and_response(form: Form) -> None:
    _, text = made(form)
    body = json.dumps({"a": text}).encode()
    stored = Redactor().exchange(exchange(body, [b'{"b": 1}', b" ", body]))
    shown = json.loads(stored.request.body)["a"]

    assert shown.startswith(form.context.partition("{}")[0] + "REDACTED-")
    assert shown.endswith("-1")
    assert stored.response.chunks == (
        Chunk(b'{"b": 1}'),
        Chunk(b" "),
        Chunk(json.dumps({"a": shown}).encode()),
    )


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_no_key_is_left_in_a_url_or_a_header(form: Form) -> None:
    key, _ = made(form)
    asked = Request(
        "GET",
        f"https://h.com/{quote(form.context.format(key), safe='')}?key={quote(key, safe='')}&a=b",
        (("X-Api-Key", key), ("accept", f"text/{key}")),
    )
    stored = Redactor().request(asked)

    assert left_of(key, repr(stored).encode()) == []
    assert stored.url.endswith("-1&a=b")


@pytest.mark.parametrize("form", [f for f in FORMS if f.context == "{}"], ids=lambda f: f.name)
def test_the_last_scan_finds_a_key_that_was_not_redacted(form: Form) -> None:
    key, _ = made(form)
    found = find_secrets(f"  text: |-\n    é so\n    {key}\n")
    start = found[0].start

    assert [key] == [f"  text: |-\n    é so\n    {key}\n"[start : found[0].end]]
    assert key not in repr(found)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_no_key_is_left_in_a_chat_stream_cut_at_any_place(form: Form) -> None:
    key, text = made(form)
    for at in range(1, len(text)):
        expect_gone(WAYS[0], key, f"It is {text} now", [f"It is {text[:at]}", f"{text[at:]} now"])


# A line of plain text has no line break in it, and a PEM block has several.
STREAMED = [
    (form, told) for form in FORMS for told in WAYS if {form.name, told.name} != {"pem", "text"}
]


@pytest.mark.parametrize(("form", "told"), STREAMED, ids=lambda one: one.name)
def test_no_key_is_left_in_any_stream_letter_by_letter_or_cut(form: Form, told: Told) -> None:
    key, text = made(form, told.name)
    expect_gone(told, key, f"It is {text} now", list(f"It is {text} now"))
    for at in range(1 + len(told.name) % EVERY_NTH, len(text), EVERY_NTH):
        expect_gone(told, key, f"It is {text} now", [f"It is {text[:at]}", text[at:], " now"])


def expect_gone(told: Told, key: str, text: str, parts: list[str]) -> None:
    """Of what is told, the key alone has gone, and every event is still there."""
    chunks = told.tell(parts)
    redactor = Redactor()
    stored = redactor.exchange(exchange(b"", chunks, told.media_type))
    pieces = [chunk.data for chunk in stored.response.chunks]
    shown = told.read(pieces)

    before, after = text.split(key)
    assert len(chunks) == len(pieces)
    assert shown.startswith(f"{before}REDACTED-")
    assert shown.endswith(f"-1{after}")
    assert left_of(key, shown.encode()) == []
    assert left_of(key, stored.response.body) == []
    assert redactor.exchange(stored) == stored
