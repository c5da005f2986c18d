"""A head goes out as the client wrote it, but for what is this hop's."""

from __future__ import annotations

import pytest
import yarl

from llmreplay.core.exchange import Headers, Request
from llmreplay.core.proxies import Proxy
from llmreplay.upstream.head import end_to_end, head_of, parted


def lines(request: Request, proxy: Proxy | None = None) -> list[str]:
    """The head that `request` gets, a line each."""
    origin, target = parted(request.url)
    head = head_of(request, yarl.URL(origin), target, proxy)
    assert head.endswith(b"\r\n\r\n")
    return head.decode("utf-8", "surrogateescape").split("\r\n")[:-2]


def test_a_head_in_the_clients_own_words() -> None:
    headers = (("x-First", "1"), ("X-Twice", "a"), ("Expect", "100-continue"), ("x-twice", "b"))
    assert lines(Request("POST", "https://api.acme.test/v1?a=%2f", headers, b"{}")) == [
        "POST /v1?a=%2f HTTP/1.1",
        "Host: api.acme.test",
        "x-First: 1",
        "X-Twice: a",
        "x-twice: b",
        "Content-Length: 2",
    ]


@pytest.mark.parametrize(
    ("url", "said", "host"),
    [
        ("https://api.acme.test/", "127.0.0.1:8787", "api.acme.test"),
        ("https://api.acme.test:443/", "api.acme.test:443", "api.acme.test:443"),
        ("https://api.acme.test/", "API.acme.test", "API.acme.test"),
        ("http://api.acme.test:81/", "api.acme.test", "api.acme.test:81"),
        ("http://[::1]:81/", "x", "[::1]:81"),
    ],
)
def test_host_follows_from_the_url_however_it_is_spelled(url: str, said: str, host: str) -> None:
    assert lines(Request("GET", url, (("Host", said),)))[1:] == [f"Host: {host}"]


@pytest.mark.parametrize(
    ("method", "headers", "body", "expected"),
    [
        ("GET", (), b"", []),
        ("DELETE", (), b"", []),
        ("POST", (), b"", ["Content-Length: 0"]),
        ("GET", (), b"x", ["Content-Length: 1"]),
        ("PUT", (("content-length", "9"), ("a", "b")), b"x", ["content-length: 1", "a: b"]),
    ],
)
def test_the_length_is_that_of_the_body(
    method: str, headers: Headers, body: bytes, expected: list[str]
) -> None:
    assert lines(Request(method, "http://acme.test/", headers, body))[2:] == expected


def test_a_proxy_is_told_the_whole_url_where_it_may_read_it_and_who_asks() -> None:
    proxy = Proxy("proxy.test", 3128, "me", "secret")
    clear = lines(Request("GET", "http://acme.test/a?b"), proxy)
    assert clear[0] == "GET http://acme.test/a?b HTTP/1.1"
    assert clear[2:] == ["Proxy-Authorization: Basic bWU6c2VjcmV0"]
    assert lines(Request("GET", "https://acme.test/a?b"), proxy) == [
        "GET /a?b HTTP/1.1",
        "Host: acme.test",
    ]


def test_bytes_that_are_no_utf_8_stay_what_they_are() -> None:
    request = Request("GET", "http://acme.test/x\udce9", (("X-Raw", "x\udce9 é"),))
    head = head_of(request, yarl.URL("http://acme.test"), "/x\udce9", None)
    assert head.startswith(b"GET /x\xe9 HTTP/1.1\r\n")
    assert b"X-Raw: x\xe9 \xc3\xa9\r\n" in head


@pytest.mark.parametrize(
    ("url", "origin", "target"),
    [
        ("https://a.test", "https://a.test", "/"),
        ("https://a.test?b", "https://a.test", "/?b"),
        ("https://a.test/b?", "https://a.test", "/b?"),
        ("https://a.test:1//b/../c://d?e=/#f", "https://a.test:1", "//b/../c://d?e=/"),
    ],
)
def test_a_target_is_what_stands_in_the_url(url: str, origin: str, target: str) -> None:
    assert parted(url) == (origin, target)


@pytest.mark.parametrize("unfit", ["a\r\nb: c", "a\nb", "a\rb", "a\0b", "a\x0bb", "a\x7f"])
def test_what_no_head_can_hold_is_refused(unfit: str) -> None:
    request = Request("GET", "http://acme.test/", (("X-Raw", unfit),))
    with pytest.raises(ValueError, match="its header 'X-Raw' has a control character in it"):
        lines(request)
    with pytest.raises(ValueError, match="its target has a control character in it"):
        lines(Request("GET", f"http://acme.test/{unfit}"))


@pytest.mark.parametrize("method", ["", "GET /x", "GET\r\nb: c", "GÉT"])
def test_a_method_is_a_token(method: str) -> None:
    with pytest.raises(ValueError, match="is not one of HTTP"):
        lines(Request(method, "http://acme.test/"))


def test_a_tab_may_stand_in_a_header() -> None:
    assert lines(Request("GET", "http://acme.test/", (("X", "a\tb"),)))[2:] == ["X: a\tb"]


def test_headers_of_this_hop_are_the_standard_ones_and_those_named() -> None:
    assert end_to_end(
        (
            ("CONNECTION", "Close , x-A"),
            ("X-a", "1"),
            ("connection", "X-B"),
            ("x-b", "2"),
            ("X-C", "3"),
            ("Proxy-Connection", "keep-alive"),
            ("Proxy-Authenticate", "Basic"),
        )
    ) == (("X-C", "3"),)
