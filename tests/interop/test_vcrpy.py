from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llmreplay.core.exchange import Chunk, Exchange, Request, Response

if TYPE_CHECKING:
    from tests.interop.conftest import Reads, Refuses


def test_an_interaction_is_an_exchange(reads: Reads) -> None:
    imported = reads("""
        interactions:
        - request:
            body: '{"model": "small"}'
            headers:
              accept: ['*/*']
              Content-Type: [application/json]
            method: POST
            uri: https://llm.example:443/v1/chat?a=b#stream
          response:
            body:
              string: |+
                data: {"n":1}

                data: [DONE]

            headers:
              Content-Type: [text/event-stream]
              Set-Cookie: [a=1, b=2]
              Transfer-Encoding: [chunked]
            status: {code: 200, message: OK}
        version: 1
    """)

    assert imported.format == "vcrpy"
    assert imported.exchanges == (
        Exchange(
            number=1,
            upstream="llm.example",
            request=Request(
                method="POST",
                url="https://llm.example/v1/chat?a=b",
                headers=(("accept", "*/*"), ("Content-Type", "application/json")),
                body=b'{"model": "small"}',
                upstream="llm.example",
            ),
            response=Response(
                status=200,
                headers=(
                    ("Content-Type", "text/event-stream"),
                    ("Set-Cookie", "a=1"),
                    ("Set-Cookie", "b=2"),
                ),
                chunks=(Chunk(b'data: {"n":1}\n\n'), Chunk(b"data: [DONE]\n\n")),
            ),
        ),
    )


@pytest.mark.parametrize(
    ("response", "body"),
    [
        ("{body: {string: text}, status: {code: 200}}", b"text"),
        ("{body: {string: !!binary AP8=}, status: {code: 200}}", b"\x00\xff"),
        ("{body: {string: ''}, status: {code: 200}}", b""),
        ("{body: null, status: {code: 200}}", b""),
        ("{body: text, status: {code: 200}}", b"text"),
        ("{body: {base: 1}, status: {code: 200}}", b'{"base":1}'),
        ("{parsed_body: {a: [1, null]}, status: {code: 200}}", b'{"a":[1,null]}'),
        ("{content: text, http_version: HTTP/1.1, status_code: 200}", b"text"),
        ("{body: {string: x}, headers: {}, status: {code: 200, message: null}}", b"x"),
    ],
)
def test_every_spelling_of_a_response_body(reads: Reads, response: str, body: bytes) -> None:
    (exchange,) = reads(f"""
        interactions:
        - request: {{body: null, method: GET, uri: 'http://x/'}}
          response: {response}
    """).exchanges

    assert exchange.response.body == body


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        ("body: null", b""),
        ("body: text", b"text"),
        ("body: !!binary AP8=", b"\x00\xff"),
        ("body: {a: [1, 2]}", b'{"a":[1,2]}'),
        ("parsed_body: {a: [1, 2]}", b'{"a":[1,2]}'),
        (
            "body: !!python/object/new:_io.BytesIO {state: !!python/tuple [!!binary AP8=, 0]}",
            b"\x00\xff",
        ),
    ],
)
def test_every_spelling_of_a_request_body(reads: Reads, body: str, sent: bytes) -> None:
    (exchange,) = reads(f"""
        interactions:
        - request: {{{body}, headers: {{}}, method: POST, uri: 'http://x/'}}
          response: {{body: {{string: ''}}, status: {{code: 200}}}}
    """).exchanges

    assert exchange.request.body == sent


def test_langchain_keeps_requests_and_responses_apart(reads: Reads) -> None:
    imported = reads("""
        requests:
        - {body: a, headers: {}, method: POST, uri: 'http://x/1'}
        - {body: b, headers: {}, method: POST, uri: 'http://x/2'}
        responses:
        - {body: {string: A}, headers: {}, status: {code: 200}}
        - {body: {string: B}, headers: {}, status: {code: 201}}
    """)

    assert [
        (exchange.request.url, exchange.response.status, exchange.response.body)
        for exchange in imported.exchanges
    ] == [("http://x/1", 200, b"A"), ("http://x/2", 201, b"B")]


def test_requests_without_their_responses_are_refused(refuses: Refuses) -> None:
    assert (
        refuses("""\
        requests:
        - {body: a, headers: {}, method: POST, uri: 'http://x/1'}
        responses: []
    """)
        == "3: responses should be 1 items, one a request, but there are 0"
    )


def test_header_names_may_be_objects_of_multidict(reads: Reads) -> None:
    (exchange,) = reads("""
        interactions:
        - request:
            body: ''
            headers:
              ? !!python/object/apply:multidict._multidict.istr
              - Accept
              : - application/json
            method: POST
            uri: http://x/
          response: {body: {string: ''}, status: {code: 200}}
    """).exchanges

    assert exchange.request.headers == (("Accept", "application/json"),)


def test_a_cassette_may_be_empty(reads: Reads) -> None:
    assert reads("interactions: []\nversion: 1\n").exchanges == ()


def test_a_cassette_may_be_json(reads: Reads) -> None:
    (exchange,) = reads(
        '{"version": 1, "interactions": [{"request": {"method": "GET", "uri": "http://x/",'
        ' "body": null, "headers": {}}, "response": {"status": {"code": 404, "message": ""},'
        ' "headers": {}, "body": {"string": "no"}}}]}'
    ).exchanges

    assert (exchange.response.status, exchange.response.body) == (404, b"no")


def test_what_is_missing_is_named_with_its_line(refuses: Refuses) -> None:
    assert (
        refuses("""\
        interactions:
        - request:
            method: GET
            uri: http://x/
          response:
            body: {string: ''}
            status:
              message: OK
    """)
        == "8: interactions.0.response.status.code is missing"
    )
