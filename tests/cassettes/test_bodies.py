"""Each body's form, and that every form gives back every byte."""

from __future__ import annotations

import base64
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given

from llmreplay.cassettes.bodies import body_of, check_body, forms
from llmreplay.cassettes.mistakes import Mistake
from llmreplay.core.streams import Framing, framing_of
from llmreplay.core.streams.event_stream import Frame, FrameHeader, HeaderKind, encode_frame
from tests.cassettes.strategies import bodies, headers
from tests.corpus.conftest import corpus, exchanges

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmreplay.core.exchange import Headers
    from tests.corpus.corpus import Taken

__all__ = ["corpus", "exchanges"]  # fixtures of the tests below

FORM = (("content-type", "application/x-www-form-urlencoded"),)
MULTIPART = (("Content-Type", 'multipart/form-data; boundary="cut here"'),)
SSE = (("content-type", "text/event-stream"),)


def form_of(body: bytes, headers: Headers = ()) -> dict[str, Any]:
    """The most readable form of a response's body."""
    return next(forms(body, headers, framing_of(headers, body, length_known=False)))


def as_read(form: Any) -> Any:  # noqa: ANN401  # any value of a form
    """A form as it comes back from YAML: outside JSON, all is text."""
    if isinstance(form, dict):
        return {k: v if k == "json" else as_read(v) for k, v in form.items()}
    if isinstance(form, list):
        return list(map(as_read, form))
    if isinstance(form, bool):
        return str(form).lower()
    return str(form)


@given(bodies, headers)
def test_every_form_of_a_body_gives_it_back(body: bytes, found: Headers) -> None:
    for labels in (found, SSE, MULTIPART, FORM, (("content-type", "multipart/form-data"),)):
        framing = framing_of(labels, body, length_known=False)
        for form in forms(body, labels, framing):
            check_body(as_read(form), labels)
            assert body_of(as_read(form), labels) == body


def test_every_body_of_real_traffic_comes_back(
    exchanges: list[Taken], record_property: Callable[[str, object], None]
) -> None:
    counted: Counter[str] = Counter()
    for taken in exchanges:
        exchange = taken.exchange
        for side, labels, body in (
            ("request", exchange.request.headers, exchange.request.body),
            ("response", exchange.response.headers, exchange.response.body),
        ):
            framing = framing_of(labels, body, length_known=False)
            found = [*forms(body, labels, framing if side == "response" else Framing.NONE)]
            assert [body_of(as_read(form), labels) for form in found] == [body] * len(found)
            counted[f"{side} {next(reversed(found[0]), 'empty')}"] += 1
    told = ", ".join(f"{name} {count}" for name, count in counted.most_common())
    record_property("counted", f"{counted.total()} of {counted.total()} bodies come back: {told}")


@pytest.mark.parametrize(
    ("body", "form"),
    [
        (b"", {}),
        (b'{"a":1}', {"json": {"a": 1}}),
        (b'{"a": 1}\n', {"json": {"a": 1}, "json_layout": "spaced-newline"}),
        (b'{\n  "a": "\\u00e9"\n}', {"json": {"a": "é"}, "json_layout": "indent-2-ascii"}),
        (b'{"a":"\\u003c"}', {"json": {"a": "<"}, "json_layout": "compact-html"}),
        (b'{"a":1.50}', {"text": '{"a":1.50}'}),
        (b'{"a":1,"a":2}', {"text": '{"a":1,"a":2}'}),
        (b'{"a":NaN}', {"text": '{"a":NaN}'}),
        (b'{"a":1e5}', {"text": '{"a":1e5}'}),
        (b'{"a":' + b"9" * 5000 + b"}", {"text": '{"a":' + "9" * 5000 + "}"}),
        (b'{ "a":1}', {"text": '{ "a":1}'}),
        (b'{"a":1', {"text": '{"a":1'}),
        (b"[" * 5000, {"text": "[" * 5000}),
        (b"[" + b"1," * 20_000 + b"1]", {"text": "[" + "1," * 20_000 + "1]"}),
        (b'"only text"', {"text": '"only text"'}),
        (b"a\r\nb\r\n", {"text": "a\nb\n", "text_layout": "crlf"}),
        (b"a\r\nb\n", {"text": "a\r\nb\n"}),
        (b"a\rb\r\n", {"text": "a\rb\r\n"}),
        (b"\xef\xbb\xbf{}", {"text": "\ufeff{}"}),
        (b"\x00", {"base64": "AA=="}),
        (b"\xff" * 60, {"base64": "/" * 76 + "\n////"}),
    ],
)
def test_forms_of_bodies_without_a_label(body: bytes, form: dict[str, Any]) -> None:
    assert form_of(body) == form
    assert body_of(as_read(form), ()) == body


@pytest.mark.parametrize(
    ("body", "form"),
    [
        (b"data: 1\n\ndata: 2\n\n", {"sse": "data: 1\n\ndata: 2\n"}),
        (b"data: 1\r\n\r\n", {"sse": "data: 1\n", "sse_layout": "crlf"}),
        (b"data: 1\n\n\n", {"sse": "data: 1\n\n"}),
        (b"data: 1\n", {"sse": "data: 1"}),
        (b"data: 1", {"text": "data: 1"}),
        (b"data: 1\n\ndata: \xff\n\n", {"base64": "ZGF0YTogMQoKZGF0YTog/woK"}),
        (b'{"error": {}}', {"json": {"error": {}}, "json_layout": "spaced"}),
    ],
)
def test_forms_of_event_streams(body: bytes, form: dict[str, Any]) -> None:
    assert form_of(body, SSE) == form
    assert body_of(as_read(form), SSE) == body


def test_lines_of_json_are_text() -> None:
    body = b'{"a": 1}\n{"a": 2}\n'

    assert form_of(body) == {"ndjson": '{"a": 1}\n{"a": 2}\n'}


@pytest.mark.parametrize(
    ("body", "form"),
    [
        (b"a=1&b=x+y%2F&c=", {"form": {"a": "1", "b": "x y/", "c": ""}}),
        (b"a=1&a=2&b=3", {"form": {"a": ["1", "2"], "b": "3"}}),
        (b"a=1&b=3&a=2", {"text": "a=1&b=3&a=2"}),
        (b"a=%20", {"text": "a=%20"}),
        (b"a", {"text": "a"}),
    ],
)
def test_forms_of_forms(body: bytes, form: dict[str, Any]) -> None:
    assert form_of(body, FORM) == form
    assert body_of(as_read(form), FORM) == body


def test_parts_have_forms_of_their_own() -> None:
    body = (
        b'--cut here\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n'
        b'--cut here\r\nContent-Disposition: form-data; name="file"; filename="\xc3\xa9.wav"\r\n'
        b"Content-Type: audio/wav\r\n\r\n\xff\xfe\r\n"
        b'--cut here\r\nContent-Type: application/json\r\n\r\n{"a": 1}\r\n'
        b"--cut here\r\n\r\n\r\n--cut here--\r\n"
    )

    form = form_of(body, MULTIPART)

    assert form == {
        "multipart": [
            {
                "headers": {"Content-Disposition": 'form-data; name="model"'},
                "text": "whisper-1",
            },
            {
                "headers": {
                    "Content-Disposition": 'form-data; name="file"; filename="é.wav"',
                    "Content-Type": "audio/wav",
                },
                "base64": "//4=",
            },
            {
                "headers": {"Content-Type": "application/json"},
                "json": {"a": 1},
                "json_layout": "spaced",
            },
            {"headers": {}},
        ]
    }
    assert body_of(as_read(form), MULTIPART) == body


def test_a_boundary_that_no_header_names_is_kept() -> None:
    body = b"--x1\r\nA: b\r\n\r\ntext\r\n--x1--\r\n"
    label = (("content-type", "multipart/mixed"),)

    form = form_of(body, label)

    assert form == {"multipart": [{"headers": {"A": "b"}, "text": "text"}], "boundary": "x1"}
    assert body_of(as_read(form), label) == body


def test_multipart_in_multipart_stays_text() -> None:
    inner = "--in\r\n\r\na\r\n--in--\r\n"
    head = "Content-Type: multipart/mixed; boundary=in"
    body = f"--cut here\r\n{head}\r\n\r\n{inner}\r\n--cut here--\r\n"

    (part,) = form_of(body.encode(), MULTIPART)["multipart"]

    assert part["text"] == inner.replace("\r\n", "\n")


def test_frames_are_read_as_headers_and_payload() -> None:
    uuid = bytes(range(16))
    typed = (
        FrameHeader(":event-type", HeaderKind.STRING, "chunk"),
        FrameHeader("yes", HeaderKind.TRUE, value=True),
        FrameHeader("no", HeaderKind.FALSE, value=False),
        FrameHeader("n", HeaderKind.SHORT, -5),
        FrameHeader("at", HeaderKind.TIMESTAMP, 1_700_000_000_000),
        FrameHeader("raw", HeaderKind.BYTES, b"\xff"),
        FrameHeader("id", HeaderKind.UUID, uuid),
    )
    twice = (FrameHeader("a", HeaderKind.BYTE, 1), FrameHeader("a", HeaderKind.BYTE, 2))
    odd = encode_frame(Frame(twice, b""))
    body = (
        encode_frame(Frame(typed, b'{"bytes":"aGk="}'))
        + encode_frame(Frame((), b""))
        + odd
        + b"\x00\x00"
    )

    form = form_of(body)

    assert form == {
        "event_stream": [
            {
                "headers": {
                    ":event-type": "chunk",
                    "yes": {"bool": True},
                    "no": {"bool": False},
                    "n": {"short": -5},
                    "at": {"timestamp": 1_700_000_000_000},
                    "raw": {"bytes": "/w=="},
                    "id": {"uuid": uuid.hex()},
                },
                "json": {"bytes": "aGk="},
            },
            {"headers": {}},
            {"base64": base64.b64encode(odd).decode()},
            {"base64": "AAA="},
        ]
    }
    assert body_of(as_read(form), ()) == body


@pytest.mark.parametrize(
    ("fields", "place", "reason"),
    [
        ({"json": 1, "text": "a"}, ("text",), "a second body; there is 'json' already"),
        ({"json": 1, "json_layout": "wide"}, ("json_layout",), "unknown layout 'wide'; known are"),
        ({"json": 1, "json_layout": []}, ("json_layout",), "unknown layout []; known are"),
        ({"text": ["a"]}, ("text",), "'text' is text; put it in quotes or in a block after `|`"),
        ({"sse": "", "sse_layout": "lf"}, ("sse_layout",), "unknown layout 'lf'; the only one"),
        ({"ndjson": "", "ndjson_layout": {}}, ("ndjson_layout",), "unknown layout {}; the only"),
        ({"base64": "a"}, ("base64",), "not base64: "),
        ({"base64": "é"}, ("base64",), "not base64: "),
        ({"base64": {}}, ("base64",), "base64 is text"),
        ({"form": "a=1"}, ("form",), "a form is a mapping of names to texts, or to lists"),
        ({"form": {"a": {"b": "c"}}}, ("form",), "a form is a mapping of names to texts, or"),
        ({"multipart": []}, ("multipart",), "no boundary: name it in the content type or as"),
        ({"multipart": {}, "boundary": "x"}, ("multipart",), "'multipart' is a list"),
        ({"multipart": ["a"], "boundary": "x"}, ("multipart", 0), "a mapping with `headers`"),
        (
            {"multipart": [{"headers": {}}, {"hedaers": {}}], "boundary": "x"},
            ("multipart", 1, "hedaers"),
            "unknown key 'hedaers'; did you mean 'headers'?",
        ),
        (
            {"multipart": [{"headers": {"a b": "c"}}], "boundary": "x"},
            ("multipart", 0, "headers", "a b"),
            "'a b' is no name of a header",
        ),
        (
            {"event_stream": [{"headers": {"a": {"float": "1"}}}]},
            ("event_stream", 0, "headers"),
            "the frame header 'a' has a type 'float' that is none of bool, bytes, uuid, byte,",
        ),
        (
            {"event_stream": [{"headers": {"a": {"byte": "300"}}}]},
            ("event_stream", 0, "headers"),
            "",
        ),
        (
            {"event_stream": [{"headers": {"a": {"byte": "x"}}}]},
            ("event_stream", 0, "headers"),
            "the frame header 'a' is no byte: 'x'",
        ),
        (
            {"event_stream": [{"headers": {"a": {"bool": "maybe"}}}]},
            ("event_stream", 0, "headers"),
            "the frame header 'a' is no bool: 'maybe'",
        ),
        (
            {"event_stream": [{"headers": {"a": {"bool": "true", "byte": "1"}}}]},
            ("event_stream", 0, "headers"),
            "the frame header 'a' must be text or one `type: value`",
        ),
        (
            {"event_stream": [{"headers": {"a": {"bytes": {}}}}]},
            ("event_stream", 0, "headers"),
            "the frame header 'a' must be text or one `type: value`",
        ),
        (
            {"event_stream": [{"headers": {"a": {"uuid": "00"}}}]},
            ("event_stream", 0, "headers"),
            "",
        ),
        (
            {"event_stream": [{"headers": ["a"]}]},
            ("event_stream", 0, "headers"),
            "headers of a frame are a mapping",
        ),
        (
            {"event_stream": [{"headers": {}, "json": 1, "json_layout": "x"}]},
            ("event_stream", 0, "json_layout"),
            "unknown layout 'x'",
        ),
    ],
)
def test_what_cannot_be_rendered_says_where_and_why(
    fields: dict[str, Any], place: tuple[str | int, ...], reason: str
) -> None:
    for read in (body_of, check_body):
        with pytest.raises(Mistake) as caught:
            read(fields, ())
        assert caught.value.place == place
        assert caught.value.reason.startswith(reason)


def test_no_body_is_no_key() -> None:
    assert body_of({"method": "GET"}, ()) == b""
    check_body({}, ())


def test_what_nobody_reviews_value_by_value_is_stored_whole() -> None:
    frame = encode_frame(Frame((), b""))
    many_frames = form_of(frame * 20_000)
    many_values = form_of(frame + encode_frame(Frame((), b"," * 20_000)))
    many_parts = form_of(b"--cut here\r\n\r\na\r\n" * 1_001 + b"--cut here--\r\n", MULTIPART)
    many_fields = form_of(b"&".join([b"a=1"] * 20_002), FORM)

    assert [next(iter(form)) for form in (many_frames, many_values)] == ["base64", "base64"]
    assert [next(reversed(form)) for form in (many_parts, many_fields)] == ["text", "text"]


def test_json_is_not_rendered_to_be_checked() -> None:
    what_no_json_holds = {"json": {1, 2}}

    check_body(what_no_json_holds, ())
    with pytest.raises(TypeError):
        body_of(what_no_json_holds, ())
