"""An exchange as a person reads it."""

from __future__ import annotations

from dataclasses import replace
from textwrap import dedent

from llmreplay.cli.terminal import Paint
from llmreplay.cli.transcript import Transcript
from llmreplay.core.dialect import Dialect, Json, Part, PartKind, Reply, Turn, Usage
from llmreplay.core.exchange import Chunk, Ending, Exchange, Recorded, Request, Response

JSON = (("content-type", "application/json"),)


def dialect(turns: tuple[Turn, ...] = (), reply: Reply | None = None) -> Dialect:
    """A dialect in which every exchange says `turns` and `reply`."""
    return Dialect(
        name="test",
        recognises=lambda _method, _path, _headers: True,
        conversation=lambda _body: turns,
        conversation_keys=frozenset(),
        model=lambda _path, _body: "gpt-4o-mini" if turns else None,
        reply=lambda _response: reply or Reply(),
        error_body=lambda _status, message, _code: message,
    )


def exchange(
    response: Response | None = None, body: bytes = b"", *, recorded: Recorded | None = None
) -> Exchange:
    request = Request("POST", "https://api.openai.com/v1/x", JSON, body, "openai")
    return Exchange(1, "openai", request, response or Response(200), recorded)


def shown(
    one: Exchange, spoken: Dialect, columns: int | None = None, *, colours: bool = False
) -> str:
    return Transcript(Paint(colours=colours), columns).of(one, "chat#1", spoken)


def text(words: str) -> Part:
    return Part(PartKind.TEXT, words)


TURNS = (
    Turn("system", (text("Be brief."),), "$.messages[0]"),
    Turn(
        "user", (text("What is this?"), Part(PartKind.IMAGE, "image/png, 34 kB")), "$.messages[1]"
    ),
    Turn(
        "assistant",
        (
            Part(PartKind.THINKING, "A picture."),
            Part(PartKind.TOOL_CALL, '{"zoom": 2}', "look"),
        ),
        "$.messages[2]",
    ),
    Turn("tool", (Part(PartKind.TOOL_RESULT, "a cat\non a mat", "look"),), "$.messages[3]"),
)
REPLY = Reply(
    parts=(text("A cat."), Part(PartKind.TOOL_CALL, '{"x": "' + "y" * 60 + '"}', None)),
    model="gpt-4o-mini-2024",
    finish="stop",
    usage=Usage(1200, 3),
)


def test_a_conversation_reads_from_top_to_bottom() -> None:
    stream = Response(
        200,
        (("content-type", "text/event-stream"),),
        (Chunk(b"data: 1\n\n", 412), Chunk(b"data: 2\n\n", 1_088)),
    )
    recorded = Recorded("2026-11-20T16:02:11Z", "7f3a")
    assert shown(exchange(stream, recorded=recorded), dialect(TURNS, REPLY)) == dedent(
        """\
        chat#1  POST https://api.openai.com/v1/x  gpt-4o-mini  recorded 2026-11-20 16:02, take 7f3a

        system
          Be brief.

        user
          What is this?
          [image: image/png, 34 kB]

        assistant
          (thinking) A picture.
          -> look {"zoom": 2}

        tool
          <- look: a cat
          on a mat

        reply
          A cat.
          -> tool {
            "x": "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"
          }

        200 OK, 2 events in 1.5 s, the first after 412 ms, 18 B, 1,200 tokens in, 3 tokens out, \
gpt-4o-mini-2024, ended by stop
        """
    )


def test_what_is_no_conversation_is_http() -> None:
    response = Response(201, (*JSON, ("x-a", "b")), (Chunk(b'{"ok":true}', 90),))
    assert shown(exchange(response, b'{"n":[1]}'), dialect()) == dedent(
        """\
        chat#1  POST https://api.openai.com/v1/x

        request
          content-type: application/json
          {
            "n": [
              1
            ]
          }

        response
          content-type: application/json
          x-a: b
          {
            "ok": true
          }

        201 Created, after 90 ms, 11 B
        """
    )


def test_bytes_are_told_by_kind_and_size() -> None:
    response = Response(200, (("content-type", "image/png"),), (Chunk(b"\x89PNG\xff" * 1000),))
    told = shown(exchange(response, b"plain\r\ntext\r\n"), dialect()).splitlines()
    assert told[4:6] == ["  plain", "  text"]
    assert told[9] == "  [5.0 kB of image/png]"
    nul = Response(200, (), (Chunk(b"a\0b"),))
    assert "  [3 B of bytes]" in shown(exchange(nul), dialect()).splitlines()


def test_errors_and_broken_ends_are_told() -> None:
    response = Response(429, JSON, (Chunk(b"{}", 5),), Ending.RESET)
    told = shown(exchange(response), dialect(TURNS[:1], Reply(error="rate_limit: slow down")))
    assert told.splitlines()[-4:] == [
        "reply",
        "  error: rate_limit: slow down",
        "",
        "429 Too Many Requests, the connection broke before the end, after 5 ms, 2 B",
    ]
    cut = replace(response, status=299, ending=Ending.TRUNCATED)
    assert shown(exchange(cut), dialect()).splitlines()[-1] == (
        "299, the connection was closed before the end, after 5 ms, 2 B"
    )


def test_text_is_wrapped_where_there_are_columns() -> None:
    turn = Turn("user", (text("one two three four five\n    indented words go on"),), "$")
    told = shown(exchange(), dialect((turn,), Reply(parts=(text("ok"),))), columns=20)
    assert told.splitlines() == [
        "chat#1",
        "  POST https://api.openai.com/v1/x",
        "  gpt-4o-mini",
        "",
        "user",
        "  one two three four",
        "  five",
        "      indented words",
        "      go on",
        "",
        "reply",
        "  ok",
        "",
        "200 OK, 0 B",
    ]


def test_nothing_recorded_commands_a_terminal() -> None:
    evil = "\x1b[31m\u202e"
    turn = Turn("user", (text(evil), Part(PartKind.TOOL_CALL, evil, evil)), "$")
    reply = Reply(parts=(text(evil),), model=evil, finish=evil, error=evil)
    response = Response(200, (("x", evil),), (Chunk(evil.encode()),))
    for spoken in (dialect((turn,), reply), dialect()):
        assert shown(exchange(response), spoken).replace("\n", "").isprintable()


def test_colours_are_for_roles_and_outcomes() -> None:
    told = shown(exchange(), dialect(TURNS[:1], Reply(parts=(text("ok"),))), colours=True)
    assert "\x1b[35m\x1b[1msystem\x1b[0m" in told
    assert "\x1b[32m200 OK\x1b[0m" in told


def test_any_body_can_be_shown() -> None:
    bodies: tuple[Json, ...] = (b"[" * 100_000, b"\xff", b"", b"null", b'"\xf0\x9f\x98\x80"')
    for body in bodies:
        assert shown(exchange(Response(200, (), (Chunk(body),)), body), dialect())
