"""Hosts and ports, as clients spell them."""

from __future__ import annotations

import pytest

from llmreplay.proxy.destination import Destination, split


@pytest.mark.parametrize(
    ("authority", "expected"),
    [
        ("api.openai.com:443", ("api.openai.com", 443)),
        ("API.OpenAI.com.:8443", ("api.openai.com", 8443)),
        ("my_host-1.local:1", ("my_host-1.local", 1)),
        ("192.0.2.1:65535", ("192.0.2.1", 65535)),
        ("[2001:DB8:0::1]:443", ("2001:db8::1", 443)),
        ("api.openai.com", None),
        ("api.openai.com:", None),
        ("API.openai.com.:443", ("api.openai.com", 443)),
        ("api.openai.com:0", None),
        ("api.openai.com:65536", None),
        ("api.openai.com:٤", None),
        ("api.openai.com:443:443", None),
        ("2001:db8::1:443", None),
        ("[2001:db8::1]", None),
        ("[2001:db8::1:443", None),
        ("[fe80::1%eth0]:443", None),
        ("[1.2.3]:443", None),
        (":443", None),
        (".openai.com:443", None),
        ("openai.com/x:443", None),
        ("user@openai.com:443", None),
        ("café.example:443", None),
        ("a" * 254 + ":443", None),
        ("a" * 64 + ":443", None),
        ("a.." + "a:443", None),
    ],
)
def test_an_authority(authority: str, expected: tuple[str, int] | None) -> None:
    assert Destination.parsed(authority) == expected


@pytest.mark.parametrize(
    ("destination", "secure", "expected"),
    [
        (Destination("api.openai.com", 443), True, "https://api.openai.com"),
        (Destination("api.openai.com", 80), True, "https://api.openai.com:80"),
        (Destination("api.openai.com", 80), False, "http://api.openai.com"),
        (Destination("api.openai.com", 443), False, "http://api.openai.com:443"),
        (Destination("2001:db8::1", 443), True, "https://[2001:db8::1]"),
        (Destination("2001:db8::1", 8443), True, "https://[2001:db8::1]:8443"),
    ],
)
def test_its_origin(destination: Destination, secure: bool, expected: str) -> None:  # noqa: FBT001  # from the table
    assert destination.origin(secure=secure) == expected


def test_addresses_are_told_from_names() -> None:
    hosts = ("192.0.2.1", "2001:db8::1", "api.openai.com")
    assert [Destination(host, 443).is_address for host in hosts] == [True, True, False]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("http://a.test/v1?x=/%2F#c", (("a.test", 80), False, "/v1?x=/%2F#c")),
        ("HTTPS://a.test/v1", (("a.test", 443), True, "/v1")),
        ("http://a.test:/v1", (("a.test", 80), False, "/v1")),
        ("http://a.test:8080", (("a.test", 8080), False, "/")),
        ("http://a.test?x=1", (("a.test", 80), False, "/?x=1")),
        ("http://user:secret@a.test/", (("a.test", 80), False, "/")),
        ("http://[2001:db8::1]:81//x", (("2001:db8::1", 81), False, "//x")),
        ("ftp://a.test/", None),
        ("http:///v1", None),
        ("http://a.test:99999/", None),
        ("/v1", None),
        ("*", None),
    ],
)
def test_a_target_in_absolute_form(
    target: str, expected: tuple[tuple[str, int], bool, str] | None
) -> None:
    assert split(target) == expected
