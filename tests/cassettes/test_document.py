"""Exchanges come back from their documents as they were, and documents read as DESIGN has them."""

from __future__ import annotations

from textwrap import dedent

import pytest
import yaml
from hypothesis import given, settings

from llmreplay.cassettes import dump, load
from llmreplay.cassettes.document import BrokenDocumentError, read_head
from llmreplay.core.exchange import Chunk, Ending, Exchange, Recorded, Request, Response
from llmreplay.errors import CassetteError
from tests.cassettes.strategies import exchanges


@given(exchanges())
def test_whatever_travelled_comes_back(exchange: Exchange) -> None:
    text = dump(exchange)

    assert load(text) == exchange
    assert dump(load(text)) == text


@settings(max_examples=50)
@given(exchanges())
def test_every_yaml_parser_reads_what_is_written(exchange: Exchange) -> None:
    text = dump(exchange)

    by_libyaml = yaml.load(text, yaml.CSafeLoader)
    in_python = yaml.load(text, yaml.SafeLoader)

    assert by_libyaml == in_python
    assert by_libyaml["exchange"] == exchange.number
    assert by_libyaml["request"]["url"] == exchange.request.url


@settings(max_examples=50)
@given(exchanges())
def test_line_ends_of_windows_change_nothing(exchange: Exchange) -> None:
    assert load(dump(exchange).replace("\n", "\r\n")) == exchange


@settings(max_examples=50)
@given(exchanges())
def test_the_head_is_that_of_the_exchange(exchange: Exchange) -> None:
    head = read_head(dump(exchange, open_take=True).encode())

    assert head.number == exchange.number
    assert head.request == exchange.request
    assert head.status == exchange.response.status
    assert head.base_path == exchange.base_path
    assert head.open_take == (exchange.recorded.take if exchange.recorded else None)


def test_a_document_reads_as_the_design_has_it() -> None:
    events = [
        b'data: {"id":"chatcmpl-1","choices":[{"index":0,"delta":{"content":"Hel"}}]}\n\n',
        b'data: {"id":"chatcmpl-1","choices":[{"index":0,"delta":{"content":"lo"}}]}\n\n',
        b"data: [DONE]\n\n",
    ]
    exchange = Exchange(
        number=1,
        upstream="openai",
        request=Request(
            method="POST",
            url="https://api.openai.com/v1/chat/completions",
            headers=(("content-type", "application/json"),),
            body=b'{"model":"gpt-4o-mini","stream":true,'
            b'"messages":[{"role":"user","content":"Two lines\\nof prompt"}]}',
            upstream="openai",
        ),
        response=Response(
            status=200,
            headers=(
                ("content-type", "text/event-stream; charset=utf-8"),
                ("x-request-id", "req_1"),
            ),
            chunks=tuple(Chunk(*each) for each in zip(events, [412, 18, 20], strict=True)),
        ),
        recorded=Recorded("2026-11-21T10:00:00Z", "7f3a"),
    )

    assert dump(exchange) == dedent(
        """\
        ---
        exchange: 1
        upstream: openai
        request:
          method: POST
          url: https://api.openai.com/v1/chat/completions
          headers: {content-type: application/json}
          json:
            model: gpt-4o-mini
            stream: true
            messages:
            - role: user
              content: |-
                Two lines
                of prompt
        response:
          status: 200
          headers: {content-type: text/event-stream; charset=utf-8, x-request-id: req_1}
          sse: |
            data: {"id":"chatcmpl-1","choices":[{"index":0,"delta":{"content":"Hel"}}]}

            data: {"id":"chatcmpl-1","choices":[{"index":0,"delta":{"content":"lo"}}]}

            data: [DONE]

          pace_ms: [412, 18, 20]
          ending: complete
        recorded: {at: 2026-11-21T10:00:00Z, take: 7f3a}
        ...
        """
    )


def test_what_a_person_writes_need_not_be_complete() -> None:
    exchange = load(
        """
        # the plainest there is, keys in another order
        response: {json: {ok: yes, count: 010, price: 1.5}, status: 200}
        request:
            url: http://localhost:8000/v1/things   # a comment
            method: POST
            text: 007
            headers: {x-version: 1.10, x-no: no, x-empty: }
        exchange: 3
        """
    )

    assert exchange == Exchange(
        number=3,
        upstream="",
        request=Request(
            method="POST",
            url="http://localhost:8000/v1/things",
            headers=(("x-version", "1.10"), ("x-no", "no"), ("x-empty", "")),
            body=b"007",
        ),
        response=Response(200, (), (Chunk(b'{"ok":"yes","count":"010","price":1.5}'),)),
    )


def test_waits_are_hints_and_may_be_too_few_or_too_many() -> None:
    document = """
        exchange: 1
        request: {method: GET, url: http://h/}
        response: {status: 200, headers: {content-type: text/event-stream}, sse: "%s", pace_ms: %s}
        """

    few = load(document % (r"data: 1\n\ndata: 2\n", "[5]"))
    many = load(document % (r"data: 1\n", "[5, 6, 7]"))

    assert few.response.chunks == (Chunk(b"data: 1\n\n", 5), Chunk(b"data: 2\n\n"))
    assert many.response.chunks == (Chunk(b"data: 1\n\n", 5),)


@pytest.mark.parametrize(
    "body",
    [
        rb'{"emoji":"\ud83d"}',
        b'{"' + b"k" * 600 + b'":1}',
        b'{"a":' * 60 + b"1" + b"}" * 60,
        b"--cut\r\nno header: x\r\n\r\n\r\n--cut--\r\n",
    ],
)
def test_a_form_that_yaml_cannot_hold_gives_way_to_a_plainer_one(body: bytes) -> None:
    headers = (("content-type", "multipart/form-data; boundary=cut"),)
    exchange = Exchange(1, "", Request("GET", "http://h/", headers, body), Response(200))

    text = dump(exchange)

    assert "\n  text" in text
    assert load(text) == exchange


def test_an_ending_that_was_none_comes_back() -> None:
    exchange = Exchange(1, "", Request("GET", "http://h/"), Response(200, (), (), Ending.RESET))

    assert "ending: reset" in dump(exchange)
    assert load(dump(exchange)) == exchange


@pytest.mark.parametrize(
    ("document", "messages"),
    [
        pytest.param(
            """\
            exchange: one
            upstrem: openai
            request: {method: GET POST, url: /v1}
            response: {stauts: 200, ending: abrupt}
            """,
            [
                "1: 'exchange' is a whole number, not 'one'",
                "2: unknown key 'upstrem'; did you mean 'upstream'?",
                "3: '/v1' is no absolute http or https URL",
                "3: 'GET POST' is no HTTP method",
                "4: 'abrupt' is none of complete, truncated, reset",
                "4: 'status' is missing",
                "4: unknown key 'stauts'; did you mean 'status'?",
            ],
            id="all mistakes at once",
        ),
        pytest.param("a list", ["1: no exchange; one begins with `exchange: NUMBER`"], id="text"),
        pytest.param("", ["1: nothing stands in this document"], id="nothing"),
        pytest.param(
            "{}",
            ["1: 'exchange' is missing", "1: 'request' is missing", "1: 'response' is missing"],
            id="an empty mapping",
        ),
        pytest.param(
            """\
            exchange: 1
            request:
              method: GET
              url: http://h/
              headers:
                x-a: "1\\r\\nset-cookie: a"
            response:
              status: 20
              headers: {a b: c}
            """,
            [
                "6: the header 'x-a' holds a line break or NUL; take it out",
                "8: a status has three digits",
                "9: 'a b' is no name of a header",
            ],
            id="what no header can be",
        ),
        pytest.param(
            """\
            exchange: 1
            request: {method: GET, url: http://h/, headers: text, text: a, json: 1}
            response: [200]
            recorded: 2026
            """,
            [
                "2: a second body; there is 'text' already",
                "2: headers are a mapping of names to values, or a list of [name, value] pairs",
                "3: 'response' is a mapping",
                "4: 'recorded' is a mapping",
            ],
            id="other shapes",
        ),
        pytest.param(
            """\
            exchange: 1
            request: {method: GET, url: "http://[", json: 1, json_layout: narrow}
            response:
              status: 200
              base64: "?"
              pace_ms: [1, two]
              chunk_bytes: 5
            """,
            [
                "2: 'http://[' is no URL: Invalid IPv6 URL",
                "2: unknown layout 'narrow'; known are compact, compact-newline, ",
                "5: not base64: ",
                "6: 'pace_ms' is a list of whole numbers",
                "7: 'chunk_bytes' is a list of whole numbers",
            ],
            id="bodies that cannot be rendered",
        ),
        pytest.param(
            """\
            exchange: 1
            request: {method: GET, url: http://h/}
            response: {status: 200, text: abc, chunk_bytes: [1, 1]}
            """,
            ["3: the sizes add up to 2, the body has 3 bytes; leave it out"],
            id="chunks that are not the body",
        ),
        pytest.param(
            "exchange: 1\nrequest: &a {method: GET, url: http://h/}\nresponse: *a\n",
            ["2: anchors and aliases are not read; write the value out"],
            id="aliases",
        ),
    ],
)
def test_mistakes_are_told_together_each_with_its_line(document: str, messages: list[str]) -> None:
    with pytest.raises(CassetteError) as of_all:
        load(dedent(document))
    with pytest.raises(BrokenDocumentError) as of_head:
        read_head(dedent(document).encode())

    told = str(of_all.value).replace("<document>:", "").split("\n")
    assert len(told) == len(messages)
    assert all(map(str.startswith, told, messages)), told
    assert [f"{line}: {reason}" for line, reason in of_head.value.mistakes] == told


def test_what_no_cassette_can_hold_is_refused_before_it_is_written() -> None:
    request = Request("GET", "http://h/", (("x-a", "1\r\n2"),))

    with pytest.raises(CassetteError, match="exchange 7 fits in no cassette: the header 'x-a'"):
        dump(Exchange(7, "", request, Response(200)))
