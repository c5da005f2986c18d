from __future__ import annotations

import gzip

import pytest

from llmreplay.core.exchange import Headers, Request
from llmreplay.core.routing import Reading
from llmreplay.session.calls import Call, decoded, shown

URL = "https://api.openai.com/v1/chat"
READING = Reading("openai", URL)
KEY = "correct-horse-battery-staple-9"


def test_headers_for_llmreplay_do_not_go_on() -> None:
    headers = (("X-Llmreplay-Session", "mine"), ("accept", "*/*"))
    assert Call("GET", "/", headers, b"").outgoing_headers == (("accept", "*/*"),)


@pytest.mark.parametrize(
    ("headers", "body", "kept_headers", "kept_body"),
    [
        ((("a", "b"),), b"{}", (("a", "b"),), b"{}"),
        (
            (("Content-Encoding", "gzip"), ("a", "b")),
            gzip.compress(b"{}", mtime=0),
            (("a", "b"),),
            b"{}",
        ),
        # What cannot be decoded stays as it came: broken, unknown, larger than the limit.
        *(
            ((("content-encoding", coding),), body, (("content-encoding", coding),), body)
            for coding, body in (
                ("gzip", b"no gzip"),
                ("dcb", b"{}"),
                ("gzip", gzip.compress(b"x" * 101, mtime=0)),
            )
        ),
    ],
)
def test_bodies_are_stored_without_their_coding(
    headers: Headers, body: bytes, kept_headers: Headers, kept_body: bytes
) -> None:
    got = decoded(Call("POST", "/openai/v1/chat", headers, body), READING, 100)
    assert got == Request("POST", URL, kept_headers, kept_body, "openai")


def test_what_came_as_a_credential_is_shown_nowhere() -> None:
    call = Call("GET", f"/v1/{KEY}?key={KEY}", (("authorization", f"Bearer {KEY}"),), b"")
    target, text = shown(call, call.target, f"half \udcff of {KEY}")
    assert KEY not in target + text
    assert target.startswith("/v1/REDACTED-")
    assert text.startswith("half \udcff of REDACTED-")
    assert shown(call, "/v1/models") == ("/v1/models", "")


def test_what_was_said_to_the_proxy_is_known_as_a_secret_and_goes_no_further() -> None:
    said = ("Proxy-Authorization", "Basic c2VjcmV0OnNlY3JldA==")
    call = Call("POST", "/v1", (("a", "b"), said, ("x-llmreplay-session", "mine")), b"{}")
    assert call.outgoing_headers == (("a", "b"),)
    assert decoded(call, READING, 100).headers == (("a", "b"), said)
