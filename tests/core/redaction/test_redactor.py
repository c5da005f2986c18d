from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

import llmreplay.core.redaction.redactor as redactor_module
from llmreplay.core.exchange import Chunk, Ending, Exchange, Headers, Request, Response
from llmreplay.core.redaction import Redactor, find_secrets, redact_text, redact_url
from tests.core.redaction.keys import keys, left_of

if TYPE_CHECKING:
    from collections.abc import Callable

URL = "https://api.example.com/v1/chat"
KEY = "gsk_" + "a1B2" * 13
VALUE = "Zx9/k+Q3=opaque~value"
JSON: Headers = (("content-type", "application/json"),)
SSE: Headers = (("content-type", "text/event-stream"),)


def exchange(
    body: bytes = b"",
    *chunks: bytes,
    url: str = URL,
    headers: Headers = (),
    answer: Headers = JSON,
) -> Exchange:
    return Exchange(
        3,
        "example",
        Request("POST", url, headers, body, "example"),
        Response(200, answer, tuple(Chunk(chunk, 7) for chunk in chunks), Ending.TRUNCATED),
        base_path="/v1",
    )


def echo(text: str) -> bytes:
    return json.dumps({"echo": text}).encode()


def key_of(form: str) -> str:
    return {one.name: key for one, key in keys()}[form]


def quoted(text: str) -> str:
    return quote(text, safe="")


CREDENTIALS: dict[str, tuple[Headers, str]] = {
    "bearer": ((("Authorization", f"Bearer {VALUE}"),), URL),
    "api key": ((("x-api-key", VALUE),), URL),
    "unknown header": ((("acme-api-key", VALUE),), URL),
    "basic": (
        (("authorization", "Basic " + base64.b64encode(f"me:{VALUE}".encode()).decode()),),
        URL,
    ),
    "proxy": ((("Proxy-Authorization", f"Bearer {VALUE}"),), URL),
    "cookie": ((("cookie", f"a=1; session={VALUE}"),), URL),
    "token": ((("X-Amz-Security-Token", VALUE),), URL),
    "query": ((), f"{URL}?a=b&key=Zx9%2Fk%2BQ3%3Dopaque~value"),
    "user": ((), URL.replace("//", "//me:Zx9%2Fk%2BQ3%3Dopaque~value@")),
}


@pytest.mark.parametrize(("headers", "url"), CREDENTIALS.values(), ids=CREDENTIALS)
def test_a_credential_is_scrubbed_wherever_it_appears(headers: Headers, url: str) -> None:
    twice = json.dumps({"args": json.dumps({"k": f'"{VALUE}"'})})
    bodies = (
        echo(f"no: {VALUE}."),
        twice.encode(),
        echo(VALUE).replace(b"/", b"\\/"),
        echo(base64.b64encode(f"x{VALUE}y".encode()).decode()),
        echo(VALUE.encode().hex()),
        f"k={VALUE.replace('/', '%2f').replace('+', '%2B').replace('=', '%3D')}&x=1".encode(),
        b"\xff\xfe" + VALUE.encode() + b"\xff",
    )
    redactor = Redactor()
    for body in bodies:
        answer = (*JSON, ("location", f"/x?{VALUE}"), ("x-request-id", "req_1"))
        before = exchange(body, body, headers=headers, url=url, answer=answer)
        stored = redactor.exchange(before)

        assert left_of(VALUE, repr(stored).encode()) == []
        assert left_of(VALUE, stored.request.body + stored.response.body) == []
        assert stored.request.body == stored.response.body
        assert dict(stored.response.headers)["location"] == "/x?REDACTED-key-1"
        assert dict(stored.response.headers)["x-request-id"] == "req_1"
        assert redactor.exchange(stored) == stored
        assert redactor.request(before.request) == stored.request
        assert redactor.leaks(body.decode("latin-1"), before) != ()
        assert redactor.leaks(stored.request.body.decode("latin-1"), before) == ()
    assert "REDACTED-key-1" in redactor.exchange(before).request.url + stored.response.body.decode(
        "latin-1"
    )


def test_everything_but_the_secret_stays() -> None:
    body = b'{ "a" :\t"gsk_%s" ,\r\n"b":1.0e5 , "c": "\\u00e9\xc3\xa9" }' % (b"a1B2" * 13)
    stored = Redactor().exchange(exchange(body, body, url=f"{URL}?x=%7e&y"))
    expected = body.replace(KEY.encode(), b"REDACTED-groq-1")
    assert stored == exchange(expected, expected, url=f"{URL}?x=%7e&y")


@pytest.mark.parametrize("value", ["EMPTY", "ollama", "not-needed", "your-api-key-here"])
def test_a_plain_value_goes_by_its_place_alone(value: str) -> None:
    headers = (("authorization", f"Bearer {value}"), ("accept", "*/*"))
    stored = Redactor().exchange(
        exchange(echo(value), echo(value), headers=headers, url=f"{URL}?api-key={value}&b=1")
    )
    assert stored.request == Request(
        "POST", f"{URL}?api-key=REDACTED-key-1&b=1", headers[1:], echo(value), "example"
    )
    assert stored.response.body == echo(value)


def test_signatures_and_their_keys_are_scrubbed() -> None:
    signature = "0123456789abcdef" * 4
    authorization = (
        f"AWS4-HMAC-SHA256 Credential=AKIAABCDEFGHIJKLMNOP/20260101/us-east-1/bedrock/aws4_request,"
        f" SignedHeaders=host, Signature={signature}"
    )
    stored = Redactor().exchange(
        exchange(
            echo(f"{signature} {authorization}"),
            url=f"{URL}?X-Amz-Credential=AKIAABCDEFGHIJKLMNOP%2F20260101&X-Amz-Date=20260101T0000Z",
            headers=(("Authorization", authorization),),
        )
    )
    assert stored.request.body == echo(
        "REDACTED-key-3 AWS4-HMAC-SHA256 Credential=REDACTED-aws-1/20260101/us-east-1/bedrock/"
        "aws4_request, SignedHeaders=host, Signature=REDACTED-key-3"
    )
    assert "AKIA" not in stored.request.url
    assert "20260101" not in stored.request.url


HEADER = "x-amz-security-token:{}"
QUERY = "X-Amz-Security-Token={}&X-Amz-SignedHeaders=host"


@pytest.mark.parametrize(
    ("form", "placeholders"),
    [
        ("aws token", ("REDACTED-aws-1", "REDACTED-key-1")),
        ("aws echo", ("REDACTED-key-1", "REDACTED-key-2")),
    ],
)
@pytest.mark.parametrize(("line", "spelled"), [(HEADER, str), (QUERY, quoted)])
def test_a_token_that_aws_echoes_is_scrubbed_although_the_client_did_not_send_it(
    form: str, placeholders: tuple[str, str], line: str, spelled: Callable[[str], str]
) -> None:
    """As when the request was signed anew, with credentials that the client does not know."""
    message = (
        "The request signature we calculated does not match the signature you provided.\n\n"
        "The Canonical String for this request should have been\n'POST\n/model/m/converse\n\n"
        f"host:bedrock-runtime.us-east-1.amazonaws.com\n{line}\n\n"
        "host;x-amz-date;x-amz-security-token\n{}'\n"
    )
    digest = "0123456789abcdef" * 4  # of the body; it stands where a token might
    body = json.dumps({"message": message.format(spelled(key_of(form)), digest)})
    stored = Redactor().exchange(exchange(b"", body.encode()))
    shown = json.loads(stored.response.body)["message"]
    assert message.format(*placeholders) == shown
    assert [f"REDACTED-{finding.kind}-1" for finding in find_secrets(body)] == [placeholders[0]]


@pytest.mark.parametrize("status", [200, 429])
def test_accounts_are_scrubbed_in_errors_but_not_in_base64(status: int) -> None:
    organization = "b320df16-c763-4455-b901-3f7d54e9a012"
    encrypted = base64.b64encode(f"\x01{organization}\x02".encode()).decode()
    before = exchange(
        echo(organization),
        echo(f"{organization} {encrypted}"),
        answer=(*JSON, ("anthropic-organization-id", organization)),
    )
    stored = Redactor().exchange(replace(before, response=replace(before.response, status=status)))
    shown = organization if status == 200 else "REDACTED-key-1"
    assert stored.response.body == echo(f"{shown} {encrypted}")
    assert stored.response.headers == JSON
    assert stored.request.body == echo(organization)


def test_signatures_and_passwords_in_urls_are_scrubbed_in_a_success() -> None:
    said = "https://x.blob.core.windows.net/i.png?se=1&sig={} postgres://me:{}@db/x"
    stored = Redactor().exchange(exchange(b"", echo(said.format("a1B2" * 10 + "%3D", "p4ssw0rd!"))))
    assert stored.response.body == echo(said.format("REDACTED-key-1", "REDACTED-key-2"))


def test_the_account_in_an_arn_is_scrubbed() -> None:
    arn = "arn%3Aaws%3Abedrock%3Aus-east-1%3A{}%3Aprofile%2Fx"
    stored = Redactor().exchange(exchange(url=f"https://h.com/model/{arn.format(123456789012)}/go"))
    assert stored.request.url == f"https://h.com/model/{arn.format('REDACTED-account-1')}/go"


def test_values_of_earlier_requests_are_sought_in_later_ones() -> None:
    redactor = Redactor()
    redactor.request(exchange(headers=(("x-api-key", VALUE),)).request)
    assert redactor.exchange(exchange(echo(VALUE))).request.body == echo("REDACTED-key-1")
    assert redactor.text(f"failed: {VALUE}") == "failed: REDACTED-key-1"


def test_cookies_are_not_sought_later_nor_values_long_ago() -> None:
    redactor = Redactor()
    redactor.request(exchange(headers=(("cookie", f"a={VALUE}"),)).request)
    redactor.request(exchange(headers=(("x-api-key", f"first-{VALUE}"),)).request)
    for number in range(32):
        redactor.request(exchange(headers=(("x-api-key", f"{number}-key-of-many"),)).request)
    assert redactor.request(exchange(echo(VALUE)).request).body == echo(VALUE)


def test_numbers_go_on_after_those_in_the_file() -> None:
    redactor = Redactor.continuing("a: REDACTED-groq-7\nb: REDACTED-groq-3 REDACTED-aws-1\n")
    assert redactor.request(exchange(echo(KEY)).request).body == echo("REDACTED-groq-8")
    assert Redactor.continuing("").text(KEY) == "REDACTED-groq-1"


def test_passes_over_a_body_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redactor_module, "_MOST_PASSES", 1)
    assert Redactor().request(exchange(echo(KEY)).request).body == echo("REDACTED-groq-1")


def test_leaks_are_forms_and_what_has_been_seen() -> None:
    redactor = Redactor()
    redactor.request(exchange(headers=(("x-api-key", VALUE),)).request)
    assert [finding.kind for finding in redactor.leaks(f"{KEY} {VALUE}")] == ["groq", "key"]


def test_a_redactor_shows_nothing() -> None:
    redactor = Redactor()
    redactor.text(KEY)
    assert repr(redactor) == "<Redactor: 1 secrets seen>"


def test_pieces_keep_their_number_and_their_waits() -> None:
    chunks = [b'data: {"d":"gsk_"}\n\n', *(b'data: {"d":"a1B2"}\n\n' for _ in range(13))]
    stored = Redactor().exchange(exchange(b"", *chunks, answer=SSE)).response
    assert stored.chunks[0] == Chunk(b'data: {"d":"REDACTED-groq-1"}\n\n', 7)
    assert stored.chunks[1:] == (Chunk(b'data: {"d":""}\n\n', 7),) * 13
    assert stored.ending is Ending.TRUNCATED


def test_a_piece_that_was_all_secret_goes() -> None:
    stored = Redactor().exchange(exchange(b"", KEY[:20].encode(), b"", KEY[20:].encode()))
    assert stored.response.chunks == (Chunk(b"REDACTED-groq-1", 7), Chunk(b"", 7))


def test_a_key_goes_with_the_text_it_is_in_although_a_part_of_it_would_do() -> None:
    key = "sk-ant-api03-" + "Ab1-" * 24
    chunks = [f'data: {{"d":"{part}"}}\n\n'.encode() for part in (key[:94], key[94:], " so")]
    stored = Redactor().exchange(exchange(b"", *chunks, answer=SSE)).response
    assert [json.loads(chunk.data[6:])["d"] for chunk in stored.chunks] == [
        "REDACTED-anthropic-1",
        "",
        " so",
    ]


def test_base64_told_in_pieces_stays_in_its_pieces() -> None:
    digits = base64.b64encode(f"so {KEY} it is, and nothing but it".encode()).decode()
    parts = [digits[at : at + 20] for at in range(0, len(digits), 20)]
    chunks = [f'data: {{"d":"{part}"}}\n\n'.encode() for part in parts]
    stored = Redactor().exchange(exchange(b"", *chunks, answer=SSE)).response
    told = [json.loads(chunk.data[6:])["d"] for chunk in stored.chunks]
    assert base64.b64decode("".join(told)) == b"so REDACTED-groq-1 it is, and nothing but it"
    assert [len(part) for part in told[:3]] == [20, 20, 20]


def test_base64_whole_in_its_piece_changes_there_alone() -> None:
    digits = [base64.b64encode(text.encode()).decode() for text in ("one two", f"so {KEY} is")]
    chunks = [f'data: {{"d":"{d}"}}\n\n'.encode() for d in (*digits, digits[0])]
    stored = Redactor().exchange(exchange(b"", *chunks, answer=SSE)).response
    told = [base64.b64decode(json.loads(chunk.data[6:])["d"]) for chunk in stored.chunks]
    assert told == [b"one two", b"so REDACTED-groq-1 is", b"one two"]


def logprobs(tokens: list[str]) -> bytes:
    return json.dumps(
        {
            "content": [
                {
                    "token": token,
                    "logprob": -0.25,
                    "bytes": list(token.encode()),
                    "top_logprobs": [
                        {"token": one, "logprob": -1, "bytes": list(one.encode())}
                        for one in (token, "x")
                    ],
                }
                for token in tokens
            ]
        }
    ).encode()


@pytest.mark.parametrize("answer", [JSON, SSE])
def test_log_probabilities_say_no_key(answer: Headers) -> None:
    parts = [KEY[at : at + 3] for at in range(0, len(KEY), 3)]
    tokens = ["so ", *parts, " 😀"]
    hidden = ["so ", "REDACTED-groq-1", *("" for _ in parts[1:]), " 😀"]
    stored = Redactor().exchange(exchange(b"", logprobs(tokens), answer=answer))
    assert json.loads(stored.response.body) == json.loads(logprobs(hidden))


def test_multipart_keeps_its_boundaries_and_its_other_parts() -> None:
    body = (
        b'--a1b2\r\nContent-Disposition: form-data; name="k"\r\n\r\n%b\r\n'
        b'--a1b2\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n%b\r\n'
        b"--a1b2--\r\n"
    )
    image = bytes(range(256)) * 8
    headers = (("content-type", "multipart/form-data; boundary=a1b2"),)
    stored = Redactor().request(exchange(body % (KEY.encode(), image), headers=headers).request)
    assert stored.body == body % (b"REDACTED-groq-1", image)
    assert stored.headers == headers


def test_stored_headers_are_scanned() -> None:
    stored = Redactor().exchange(
        exchange(headers=(("accept", f"x/{KEY}"),), answer=(("x-url", f"/?sig={'a1' * 20}"),))
    )
    assert stored.request.headers == (("accept", "x/REDACTED-groq-1"),)
    assert stored.response.headers == (("x-url", "/?sig=REDACTED-key-1"),)


def test_headers_that_are_no_utf_8_stay() -> None:
    answer = (("x-note", "caf\udce9"),)
    assert Redactor().exchange(exchange(answer=answer)).response.headers == answer


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("/v1/chat?a=%20", "/v1/chat?a=%20"),
        (f"http://me:you@h.com/{KEY}?key=abc", "http://h.com/REDACTED-groq-1?key=REDACTED-key-1"),
        ("http://[bad/?sig=x y", "http://[bad/?sig=REDACTED-key-1"),
    ],
)
def test_a_url_for_a_log_line(url: str, shown: str) -> None:
    assert shown == redact_url(url)


def test_a_text_for_a_message() -> None:
    assert redact_text(f"cannot reach x with {KEY} \udce9") == (
        "cannot reach x with REDACTED-groq-1 \udce9"
    )


GENERATED = [form.context.format(key) for seed in range(3) for form, key in keys(seed)]
FRAGMENTS = st.one_of(
    st.sampled_from(GENERATED),
    st.sampled_from(GENERATED).flatmap(lambda text: st.sampled_from([text[:40], text[20:]])),
    st.sampled_from(["\\n", '\\"', "%3D", "+", "/", "=", "\n", " ", '"', "api_key: ", "Bearer "]),
    st.sampled_from([VALUE, "REDACTED-", "REDACTED-key-1", "sk-", "eyJ", "AKIA", ".", "-", "\0"]),
    st.text(max_size=5),
    st.sampled_from(GENERATED).map(lambda text: base64.b64encode(text.encode()).decode()),
)


@given(st.lists(FRAGMENTS, max_size=8).map("".join), st.sampled_from(["json", "raw", "sse"]))
def test_what_is_redacted_stays_as_it_is_and_leaks_nothing(text: str, form: str) -> None:
    body = text.encode() if form == "raw" else json.dumps({"d": text}).encode()
    chunks = [
        f"data: {json.dumps({'d': text[at : at + 9]})}\n\n".encode()
        for at in range(0, len(text) if form == "sse" else 0, 9)
    ]
    redactor = Redactor()
    before = exchange(
        body, *(chunks or [body]), headers=(("api-key", VALUE),), answer=SSE if chunks else JSON
    )
    stored = redactor.exchange(before)

    assert redactor.exchange(stored) == stored
    assert Redactor().exchange(stored) == stored
    assert redactor.leaks(stored.request.body.decode(), before) == ()
    assert redactor.leaks(stored.response.body.decode(), before) == ()
