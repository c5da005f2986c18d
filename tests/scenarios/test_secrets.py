"""No key comes out of a recording or a replay: not in a file, a log line or a message.

Keys of every form travel in every place, each place with keys of its own, so that none is known
from another. The upstream echoes them. Then everything that the processes left is searched.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import re
import subprocess
import uuid
from base64 import b64encode
from dataclasses import dataclass, field
from itertools import cycle
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import pytest

from llmreplay.cassettes import Library
from llmreplay.core.decoding import decode
from llmreplay.core.exchange import Chunk, Headers, Response, header
from tests.core.redaction.keys import FORMS, Form, Made
from tests.corpus.client import Connection, Received
from tests.fakes.manners import (
    chunked,
    event_by_event,
    in_one_piece,
    packed,
    packed_chunked,
    seeded,
)
from tests.fakes.origin import Origin
from tests.scenarios.conversing import ask, files_of, stopped
from tests.scenarios.leaks import Sought, spellings
from tests.scenarios.process import DEADLINE_S, Running, command, environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from llmreplay.core.exchange import Exchange
    from tests.fakes.manners import Play
    from tests.fakes.origin import Asked, Step

CHAT = "/openai/v1/chat/completions"
MESSAGES = "/anthropic/v1/messages"
JSON = ("content-type", "application/json")
SSE = ("content-type", "text/event-stream")
IN_FLIGHT = 8

HEADERS = cycle(
    [
        ("authorization", "Bearer {}"),
        ("x-api-key", "{}"),
        ("Api-Key", "{}"),
        ("X-Goog-Api-Key", "{}"),
        ("xi-api-key", "{}"),
        ("Ocp-Apim-Subscription-Key", "{}"),
        ("cf-aig-authorization", "Bearer {}"),
        ("helicone-auth", "Bearer {}"),
        ("proxy-authorization", "Bearer {}"),
        ("cookie", "a=1; session={}; b=2"),
        ("AUTHORIZATION", "token {}"),
        ("x-my-own-api-key", "{}"),
    ]
)
QUERIES = cycle(
    [
        ("key", "{}"),
        ("api-key", "{}"),
        ("access_token", "{}"),
        ("sig", "{}"),
        ("X-Amz-Signature", "{}"),
        ("X-Goog-Credential", "{}/20261121/auto/storage/goog4_request"),
    ]
)


@dataclass(frozen=True)
class Case:
    """A request with keys in one place, and what the upstream answers to it."""

    name: str
    keys: tuple[str, ...]
    target: str
    headers: Headers
    body: bytes
    response: Response
    play: Play = in_one_piece
    joined: Callable[[bytes], str] = field(default=lambda body: body.decode("latin-1"))
    """What a client makes of the body: the text of a stream, put together."""


def encoded(value: Any) -> bytes:  # noqa: ANN401  # any JSON value
    return json.dumps(value).encode()


def asking(content: str, **more: Any) -> bytes:  # noqa: ANN401  # any JSON value
    return encoded({"model": "m", "messages": [{"role": "user", "content": content}], **more})


def answering(body: bytes, status: int = 200, *headers: tuple[str, str]) -> Response:
    return Response(status, (JSON, *headers), (Chunk(body),))


def events(values: Iterable[Any], end: str = "data: [DONE]\n\n") -> Response:
    data = [Chunk(f"data: {json.dumps(value)}\n\n".encode()) for value in values]
    return Response(200, (SSE,), (*data, Chunk(end.encode())))


def complaint(text: str) -> bytes:
    return encoded({"error": {"message": text, "type": "invalid_request_error", "code": None}})


def in_header(form: Form, made: Made) -> Case:
    """The credential of a request, and an error that echoes it, in headers and encoded, too."""
    key = form.make(made).replace("\n", "")
    name, value = next(HEADERS)
    spelled = [
        f"Incorrect API key provided: {key}.",
        quote(key, safe=""),
        key.encode().hex(),
        *(b64encode(b"x" * before + key.encode()).decode() for before in range(3)),
        json.dumps(json.dumps({"key": key})),
    ]
    response = answering(complaint(" | ".join(spelled)), 401, ("x-echo", f"was {key}"))
    body = asking(f"authorize {form.name}; my key is {key}")
    return Case(
        f"{form.name} in the header {name}",
        (key,),
        CHAT,
        ((name, value.format(key)),),
        body,
        response,
    )


def in_query(form: Form, made: Made) -> Case:
    key, (name, value) = form.make(made), next(QUERIES)
    if "/" in key:  # no id of a key has one
        name, value = "key", "{}"
    query = f"{name}={quote(value.format(key), safe='')}"
    target = f"{CHAT}?a=1&{query}&b=2"
    response = answering(complaint(f"no such key: {key}"), 400, ("location", f"/x?{query}"))
    body = asking(f"query {form.name}")
    return Case(f"{form.name} in ?{name}", (key,), target, (), body, response)


def in_json(form: Form, made: Made) -> Case:
    """What a user says and a model repeats, escaped once and twice."""
    here, there, nested = (form.make(made) for _ in range(3))
    told = form.context.format(here)
    arguments = json.dumps({"env": form.context.format(nested)})
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": arguments}}
    message = {"role": "assistant", "content": form.context.format(there), "tool_calls": [call]}
    response = answering(encoded({"id": "chatcmpl-1", "choices": [{"message": message}]}))
    body = asking(f"json {form.name}: keep this\n{told}\nfor me", metadata={"note": told})
    return Case(
        f"{form.name} in JSON", (here, there, nested), CHAT, (), body, response, packed("gzip")
    )


def in_tool_output(form: Form, made: Made) -> Case:
    """What a tool printed: an environment, JSON within JSON."""
    first, second = form.make(made), form.make(made)
    printed = json.dumps({"stdout": f"PATH=/bin\n{form.context.format(first)}\n", "status": 0})
    content = [{"type": "text", "text": f"config: {form.context.format(second)}"}]
    body = encoded(
        {
            "model": "m",
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": f"tool {form.name}"}]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": "toolu_1", "content": printed},
                    {"type": "tool_result", "tool_use_id": "toolu_2", "content": content},
                ]},
            ],
        }
    )  # fmt: skip
    response = answering(
        encoded({"type": "message", "content": [{"type": "text", "text": printed}]})
    )
    return Case(
        f"{form.name} in tool output", (first, second), MESSAGES, (), body, response,
        packed_chunked("br"),
    )  # fmt: skip


def in_multipart(form: Form, made: Made) -> Case:
    first, second, third = (form.make(made) for _ in range(3))
    boundary = "b0undary"
    prompt = f'form-data; name="prompt"\r\n\r\nmultipart {form.name}: {form.context.format(first)}'
    notes = 'form-data; name="file"; filename="notes.txt"\r\nContent-Type: text/plain\r\n\r\n'
    notes += f"first line\n{form.context.format(second)}\nlast line\n"
    joined = "".join(f"--{boundary}\r\nContent-Disposition: {part}\r\n" for part in (prompt, notes))
    body = f"{joined}--{boundary}--\r\n".encode()
    headers = (("content-type", f"multipart/form-data; boundary={boundary}"),)
    text = Chunk(f"transcript: {form.context.format(third)}\nend".encode())
    response = Response(200, (("content-type", "text/plain"),), (text,))
    return Case(
        f"{form.name} in multipart", (first, second, third), "/openai/v1/audio/transcriptions",
        headers, body, response, chunked,
    )  # fmt: skip


def split(form: Form, made: Made, step: int = 1) -> tuple[tuple[str, ...], list[str]]:
    """Keys, each split at another offset, as pieces of text; with `step` 1, at every offset."""
    keys: list[str] = []
    pieces: list[str] = []
    longest = len(form.context.format(form.make(made)))
    for at in range(1, longest, step):
        key = form.make(made)
        told = form.context.format(key)
        keys.append(key)
        pieces += [told[:at], told[at:], " and then", "\n"]
    return tuple(keys), [*pieces, "the end."]


def in_stream(form: Form, made: Made) -> Case:
    keys, pieces = split(form, made)
    deltas = [{"choices": [{"index": 0, "delta": {"content": piece}}]} for piece in pieces]

    def text(body: bytes) -> str:
        return "".join(_deltas(body, lambda event: event["choices"][0]["delta"]["content"]))

    body = asking(f"stream {form.name}", stream=True)
    return Case(
        f"{form.name} in a stream", keys, CHAT, (), body, events(deltas), event_by_event, text
    )


def in_tool_arguments(form: Form, made: Made) -> Case:
    """The arguments of a tool call, as a model streams them: escaped, and cut anywhere."""
    keys, pieces = split(form, made, step=7)
    deltas = [
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "input_json_delta", "partial_json": json.dumps(piece)[1:-1]},
        }
        for piece in ('{"env": "', *pieces, '"}')
    ]

    def text(body: bytes) -> str:
        return "".join(_deltas(body, lambda event: event["delta"]["partial_json"]))

    body = asking(f"arguments {form.name}", stream=True)
    return Case(
        f"{form.name} in tool arguments",
        keys,
        MESSAGES,
        (),
        body,
        events(deltas, ""),
        chunked,
        text,
    )


def _deltas(body: bytes, piece: Callable[[Any], str]) -> Iterator[str]:
    for line in body.decode().split("\n"):
        if line.startswith("data: {"):
            yield piece(json.loads(line.removeprefix("data: ")))


PLACES = (
    in_header, in_query, in_json, in_tool_output, in_multipart, in_stream, in_tool_arguments
)  # fmt: skip


def cases(seed: int) -> list[Case]:
    made = Made(seed)
    return [place(form, made) for form in FORMS for place in PLACES]


def answers(told: list[Case]) -> Callable[[Asked], Iterable[Step]]:
    """The upstream: which case it is says a header that is never stored."""

    def answer(asked: Asked) -> Iterable[Step]:
        case = told[int(asked.header("x-case") or 0)]
        return case.play(case.response, seeded(1))

    return answer


async def asked_all(url: str, told: list[tuple[int, Case]], extra: bytes = b"") -> list[Received]:
    """Every case sent to `url`, some at a time; `extra` is put into the text of each."""
    waiting = iter(told)
    received: dict[int, Received] = {}

    async def one_after_another() -> None:
        async with Connection(url) as connection:
            for number, case in waiting:
                headers = dict((JSON, *case.headers))
                pairs = (*headers.items(), ("x-case", str(number)), ("accept-encoding", "gzip, br"))
                word = case.name.partition(" in ")[0].encode()
                body = case.body.replace(word, word + extra, 1)
                received[number] = await connection.ask("POST", case.target, pairs, body)

    await asyncio.gather(*(one_after_another() for _ in range(IN_FLIGHT)))
    return [received[number] for number, _ in told]


def in_exchange(exchange: Exchange, case: Case) -> str:
    """All that an exchange holds, as whoever loads it gets it, streams put together."""
    request, response = exchange.request, exchange.response
    return "\n".join(
        [
            request.url,
            repr((request.headers, response.headers)),
            request.body.decode(),
            response.body.decode(),
            case.joined(response.body),
        ]
    )


def everything_of(folder: Path, home: Path) -> Iterator[tuple[str, bytes]]:
    """Every file of the cassettes' folder and of the user's cache, and their names."""
    for root in (folder, home):
        for name, content in files_of(root).items():
            yield name, name.encode() + b"\n" + content


def commands_tell(folder: Path, home: Path) -> str:
    """What the commands that read cassettes print about them."""
    told = ""
    for line in (["ls"], ["check"], ["show", "text"], ["show", "json", "--raw"]):
        done = subprocess.run(  # noqa: S603  # our own command
            command(*line, "--cassettes", str(folder)),
            env=environment({"XDG_CACHE_HOME": str(home)}),
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert (done.returncode, done.stderr) == (0, b"")
        told += done.stdout.decode("utf-8", "replace")
    return told


def heard(case: Case, reply: Received) -> str:
    """What the client of `case` makes of a reply, whatever coding it came in."""
    coding = header(reply.headers, "content-encoding")
    return case.joined(decode(coding, reply.body, limit_bytes=2**24))


def placed(text: str, keys: Iterable[str] = ()) -> str:
    """`text` with a star for each key or placeholder."""
    for key in sorted(keys, key=len, reverse=True):
        for spelling in (key, json.dumps(key)[1:-1], json.dumps(json.dumps(key))[3:-3]):
            text = text.replace(spelling, "*")
    return re.sub(r"REDACTED-[a-z]+-\d+", "*", text)


@pytest.mark.slow
async def test_no_key_comes_out(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    folder, home = tmp_path / "cassettes", tmp_path / "home"
    env = {"XDG_CACHE_HOME": str(home)}
    first, second = cases(seed=1), cases(seed=2)
    numbered = list(enumerate(first))
    sought = Sought((case.name, key) for case in (*first, *second) for key in case.keys)
    said: list[str] = []

    async with Origin(answers(first)) as origin:
        upstreams = [f"--upstream={name}={origin.url}" for name in ("openai", "anthropic")]
        flags = [*upstreams, f"--cassettes={folder}"]
        with (
            Running("record", "--cassette=text", *flags, env=env) as text,
            Running("record", "--cassette=json", "--log-format=json", *flags, env=env) as logged,
        ):
            live = await asyncio.gather(
                asked_all(text.url, numbered[::2]), asked_all(logged.url, numbered[1::2])
            )
            leaks = {
                leak for _, each in everything_of(folder, home) for leak in sought.found_in(each)
            }
            assert leaks == set(), "while it was recorded"
            ended = [await stopped(text), await stopped(logged)]
    assert origin.failures == []
    assert [(each.status, each.errors) for each in ended] == [(0, ""), (0, "")]
    said += [each.output for each in ended]

    # Somebody else has other keys, and gets the same recordings.
    with (
        Running("serve", "--cassettes", folder, env=env) as text,
        Running("serve", "--cassettes", folder, "--log-format=json", env=env) as logged,
    ):
        others = list(enumerate(second))
        replayed, missed = await asyncio.gather(
            asked_all(text.url, others), asked_all(logged.url, others, extra=b" changed")
        )
        said += [(await stopped(each)).output for each in (text, logged)]
    said.append(commands_tell(folder, home))
    said += [f"{each.reason}\n{each.headers!r}\n{each.body.decode('latin-1')}" for each in missed]

    for name, content in everything_of(folder, home):
        assert sought.found_in(content) == set(), name
    for told in said:
        assert sought.found_in(told) == set()
    received = [reply for pair in zip(*live, strict=True) for reply in pair]
    for case, reply in zip(first, received, strict=True):
        assert (case.name, case.joined(case.response.body)) == (case.name, heard(case, reply))
    for case, reply in zip(first, replayed, strict=True):
        assert (case.name, case.response.status) == (case.name, reply.status)
        told = f"{case.joined(reply.body)}\n{reply.headers!r}\n{reply.body.decode('latin-1')}"
        assert sought.found_in(told) == set(), case.name
        whole = placed(case.joined(case.response.body), case.keys)
        if " in the header " not in case.name:  # their echoes are encoded
            assert placed(case.joined(reply.body)) == whole, case.name
    assert {each.status for each in missed} == {470}
    record_property("counted", f"{sum(len(case.keys) for case in first):,} keys, no leak")


def test_the_search_finds_a_key_however_it_is_spelled() -> None:
    made = Made(8)
    for form in FORMS:
        key = form.make(made)
        sought = Sought([(form.name, key)])
        assert all(sought.found_in(f"before{spelled}after") for spelled in spellings(key))
        assert sought.found_in("Nothing of the kind is in here.") == set()


OPAQUE = Form("a key of no known form", lambda made: made.some("abcdefghijkmnp23456789", 40))


def everywhere(form: Form, made: Made) -> Iterator[tuple[str, str, str, Headers, bytes]]:
    """The key, a method, target, headers and body with one key in all places that a log shows."""
    key = form.make(made).replace("\n", "")
    spelled = quote(key, safe="")
    auth = (("authorization", f"Bearer {key}"),)
    say = form.context.format(key)
    body = encoded({"model": say, "messages": [{"role": "user", "content": say}]})
    yield key, "POST", CHAT, auth, body
    yield key, "POST", f"/openai/v1/files/{spelled}/content?key={spelled}", auth, body
    yield key, "GET", f"/nobody/{spelled}?key={spelled}", auth, b""
    yield key, "POST", f"/{spelled}/v1/chat/completions", auth, body


@pytest.mark.parametrize("log_format", ["text", "json"])
async def test_no_key_is_in_messages_and_log_lines(tmp_path: Path, log_format: str) -> None:
    """An upstream that is dead, one that nobody knows, recordings that are missing."""
    made = Made(3)
    told = [each for form in (*FORMS, OPAQUE) for each in everywhere(form, made)]
    sought = Sought((f"{method} {target}", key) for key, method, target, _, _ in told)
    folder = tmp_path / "cassettes"
    folder.mkdir()
    flags = [f"--cassettes={folder}", f"--log-format={log_format}"]
    with (
        Running("record", "--upstream=openai=http://127.0.0.1:1", *flags) as recorder,
        Running("serve", *flags) as server,
    ):
        for url, statuses in ((recorder.url, {502, 404}), (server.url, {470})):
            async with Connection(url) as connection:
                for _, method, target, headers, body in told:
                    reply = await connection.ask(method, target, (JSON, *headers), body)
                    assert sought.found_in(f"{reply.headers} {reply.body!r}") == set()
                    assert reply.status in statuses
        said = [await stopped(recorder), await stopped(server)]
    for finished in said:
        assert sought.found_in(finished.output + finished.errors) == set()


async def test_no_key_of_a_malformed_request_is_in_messages_and_log_lines(tmp_path: Path) -> None:
    made = Made(4)
    keys = [form.make(made).replace("\n", "") for form in (*FORMS, OPAQUE)]
    sought = Sought((key, key) for key in keys)
    auth = "Connection: close\r\nAuthorization: Bearer {}\r\n"
    malformed = (
        "GET / HTTP/1.1\r\n{} : x\r\n\r\n",
        "GET / HTTP/1.1\r\nAuthorization\x00: Bearer {}\r\n\r\n",
        "GET / HTTP/9.9\r\n" + auth + "\r\n",
        "GET /?key={} nonsense HTTP/1.1\r\n\r\n",
        "GET http://[{}/ HTTP/1.1\r\n\r\n",
        "{}\r\n\r\n",
        "CONNECT {}:443 HTTP/1.1\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{}\r\n",
        "POST / HTTP/1.1\r\nContent-Length: {}\r\n\r\n",
        "POST /_s/.{}/ HTTP/1.1\r\n" + auth + "\r\n",
        "POST /_llmreplay/{}?key={} HTTP/1.1\r\n" + auth + "\r\n",
    )
    (tmp_path / "cassettes").mkdir()
    with Running("serve", "--cassettes", tmp_path / "cassettes") as server:
        for key in keys:
            for request in malformed:
                answer = await _sent(server.url, request.replace("{}", key).encode())
                assert answer.startswith(b"HTTP/1.1 4"), request
                assert sought.found_in(answer) == set(), request
        finished = await stopped(server)
    assert sought.found_in(finished.output + finished.errors) == set()


async def _sent(url: str, data: bytes) -> bytes:
    """All that comes back for `data`, which is answered with an end of the connection."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(data)
    try:
        async with asyncio.timeout(DEADLINE_S):
            return await reader.read()
    finally:
        writer.close()


def _innocent() -> dict[str, Any]:
    """What looks like chance and is none of a secret's forms: replay breaks if it is touched."""
    dice = random.Random(5)  # noqa: S311  # test data
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

    def some(length: int) -> str:
        return "".join(dice.choices(letters, k=length))

    def blob(length: int) -> str:
        return b64encode(dice.randbytes(length)).decode()

    return {
        "uuids": [str(uuid.UUID(int=dice.getrandbits(128), version=4)) for _ in range(200)],
        "digests": [hashlib.sha256(dice.randbytes(8)).hexdigest() for _ in range(200)],
        "md5": [f"{dice.getrandbits(128):032x}" for _ in range(200)],
        "commits": [f"{dice.getrandbits(160):040x}" for _ in range(200)],
        "image": "data:image/png;base64," + blob(60_000),
        "audio": [blob(9_000), blob(9_001), blob(9_002)],
        "embedding": [dice.uniform(-1, 1) for _ in range(1536)],
        "embedding_base64": blob(6144),
        "ids": [
            prefix + some(length)
            for _ in range(50)
            for prefix, length in (
                ("call_", 24), ("toolu_01", 22), ("chatcmpl-", 29), ("resp_", 48), ("msg_01", 22),
                ("file-", 24), ("batch_", 24), ("req_", 32), ("fc_", 48), ("rs_", 48),
                ("asst_", 24), ("thread_", 24), ("run_", 24), ("vs_", 24), ("fp_", 10),
            )
        ],
        "signature": blob(400),
        "encrypted_content": "gAAAAA" + blob(2_000).replace("+", "-").replace("/", "_"),
        "prose": "The sk- prefix, gsk_ and hf_ are what keys begin with; key=value; Bearer none.",
    }  # fmt: skip


async def test_what_is_no_key_survives_untouched(tmp_path: Path) -> None:
    """In a request, an answer and the events of a stream; with a key beside it that goes."""
    innocent = _innocent()
    key = Made(6).some("abcdef0123456789", 40)
    body = encoded({"model": "m", "input": innocent})
    answer = answering(encoded({"id": "chatcmpl-1", **innocent}))
    pieces = [{"delta": {name: value}} for name, value in innocent.items()]
    stream = events(pieces)

    def reply(asked: Asked) -> Iterable[Step]:
        return event_by_event(stream if asked.target.endswith("stream") else answer, seeded(1))

    headers = (JSON, ("authorization", f"Bearer {key}"))
    targets = ("/openai/v1/answer", "/openai/v1/stream")
    async with Origin(reply) as origin:
        upstream = f"--upstream=openai={origin.url}"
        with Running("record", upstream, "--cassettes", tmp_path) as recorder:
            for target in targets:
                await ask(recorder.url, "POST", target, body, headers)
            assert (await stopped(recorder)).status == 0
    with Running("serve", "--cassettes", tmp_path) as server:
        replayed = [await ask(server.url, "POST", target, body, headers) for target in targets]
    assert [answer.body, stream.body] == [each.body for each in replayed]
    stored = Library(tmp_path).exchanges("default")
    assert [body, body] == [each.request.body for each in stored]
    assert b"REDACTED" not in (tmp_path / "default.yaml").read_bytes()
