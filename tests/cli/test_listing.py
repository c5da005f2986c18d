"""What was recorded, as a table."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from llmreplay.cli.listing import Row, as_json, as_text, row_of
from llmreplay.cli.terminal import Paint
from llmreplay.core.exchange import Chunk, Exchange, Recorded, Request, Response

SSE = (("content-type", "text/event-stream"),)

CHAT = Exchange(
    1,
    "openai",
    Request(
        "POST",
        "https://api.openai.com/v1/chat/completions?x=1",
        (("content-type", "application/json"),),
        b'{"model":"gpt-4o-mini","messages":[]}',
    ),
    Response(200, SSE, (Chunk(b"data: 1\n\n"), Chunk(b"data: [DONE]\n\n"))),
    Recorded("2026-11-20T16:02:11Z", "7f3a"),
)
OTHER = Exchange(
    12, "default", Request("GET", "http://x/a\x1b[2J"), Response(404, (), (Chunk(b"x" * 1_234),))
)

ROWS = {"chat": [row_of(CHAT), row_of(OTHER)], "empty": []}


def test_a_row_says_what_an_exchange_is() -> None:
    assert row_of(CHAT) == Row(
        number=1,
        upstream="openai",
        request="POST /v1/chat/completions",
        model="gpt-4o-mini",
        stream=True,
        status=200,
        size=23,
        recorded="2026-11-20T16:02:11Z",
    )


def test_columns_stand_under_each_other() -> None:
    assert "".join(as_text(ROWS, Paint(colours=False))) == (
        "chat  2 exchanges\n"
        "   1  openai   POST /v1/chat/completions  gpt-4o-mini  stream  200    23 B"
        "  2026-11-20 16:02\n"
        "  12  default  GET /a\\x1b[2J              -            -       404  1.2 kB  -\n"
        "empty  0 exchanges\n"
    )


def test_no_cassettes_are_an_empty_table() -> None:
    assert "".join(as_text({}, Paint(colours=False))) == ""


def test_json_has_every_field() -> None:
    listed = json.loads(as_json({"chat": ROWS["chat"][1:]}))
    assert listed == [
        {
            "cassette": "chat",
            "exchanges": [
                {
                    "number": 12,
                    "upstream": "default",
                    "request": "GET /a\x1b[2J",
                    "model": None,
                    "stream": False,
                    "status": 404,
                    "size": 1_234,
                    "recorded": None,
                }
            ],
        }
    ]


@pytest.mark.parametrize(
    ("columns", "row"),
    [
        (80, "   1  openai   POST /v1/chat/completions  gpt-4o-mini  stream  200    23 B"),
        (76, "   1  openai   POST /v1/chat/completions  gpt-4o-mini  stream  200    23 B"),
        (70, "   1  openai   POST /v1/chat/completions  gpt-4o-mini  stream  200"),
        (64, "   1  openai   POST /v1/chat/completi…  gpt-4o-mini  stream  200"),
        (40, "   1  openai   POST /v1/chat/compl…  gpt-4o-mini  stream  200"),
    ],
)
def test_a_narrow_terminal_shows_less(columns: int, row: str) -> None:
    shown = list(as_text(ROWS, Paint(colours=False), columns))
    assert shown[1] == f"{row}\n"


def test_an_empty_table_is_narrow_enough() -> None:
    assert "".join(as_text({"empty": []}, Paint(colours=False), 40)) == "empty  0 exchanges\n"


def test_what_a_person_wrote_may_name_no_upstream() -> None:
    by_hand = replace(CHAT, upstream="", recorded=None)
    assert list(as_text({"chat": [row_of(by_hand)]}, Paint(colours=False)))[1] == (
        "  1  -  POST /v1/chat/completions  gpt-4o-mini  stream  200  23 B  -\n"
    )
