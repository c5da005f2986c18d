"""A company's proxy, as the usual variables name it."""

from __future__ import annotations

import pytest

from llmreplay.core.proxies import Proxies, Proxy, read_proxy

CORP = Proxy("proxy.corp", 3128)


@pytest.mark.parametrize(
    ("text", "proxy"),
    [
        ("http://proxy.corp:3128", CORP),
        ("http://proxy.corp:3128/", CORP),
        ("proxy.corp:3128", CORP),
        ("http://proxy.corp", Proxy("proxy.corp", 80)),
        ("http://a:b%40c@proxy.corp:3128", Proxy("proxy.corp", 3128, "a", "b@c")),
        ("http://[2001:db8::1]:8080", Proxy("2001:db8::1", 8080)),
    ],
)
def test_how_proxies_are_written(text: str, proxy: Proxy) -> None:
    assert read_proxy(text) == proxy


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("http://", "this is no address of a proxy: write it as http://proxy.example:3128"),
        (
            "http://me:secret@proxy.corp:port",
            "this is no address of a proxy: write it as http://proxy.example:3128",
        ),
        (
            "socks5://me:secret@proxy.corp:1080",
            "proxies are spoken to as http://, and not socks5://: name one of that kind",
        ),
    ],
)
def test_what_is_none_is_told_without_repeating_it(text: str, told: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011  # the text is compared below
        read_proxy(text)
    assert str(refused.value) == told


def test_its_text_has_no_credential() -> None:
    proxy = read_proxy("http://me:s%C3%A9cret@[::1]:3128")
    assert str(proxy) == "[::1]:3128"
    assert "cret" not in repr(proxy)
    assert "me" not in repr(proxy)
    assert proxy.authorization == "Basic bWU6c8OpY3JldA=="
    assert (str(CORP), CORP.authorization) == ("proxy.corp:3128", "")


def test_small_letters_go_before_capitals_and_a_word_for_all_comes_last() -> None:
    environ = {
        "HTTPS_PROXY": "http://large:1",
        "https_proxy": "http://small:2",
        "ALL_PROXY": "http://all:3",
    }
    found, wrong = Proxies.of_environment(environ)
    assert (found.https, found.http, wrong) == (Proxy("small", 2), Proxy("all", 3), ())
    assert found.all == (Proxy("small", 2), Proxy("all", 3))
    assert Proxies.of_environment({"ALL_PROXY": "http://a:1"})[0].all == (Proxy("a", 1),)


def test_without_variables_there_is_none() -> None:
    found, wrong = Proxies.of_environment({"HTTPS_PROXY": "", "NO_PROXY": "*"})
    assert (bool(found), found.all, wrong) == (False, (), ())
    assert bool(Proxies(None, CORP))


def test_what_cannot_be_used_is_told_once() -> None:
    found, wrong = Proxies.of_environment({"ALL_PROXY": "socks5://me:secret@proxy.corp:1080"})
    assert not found
    assert wrong == (
        "ALL_PROXY: proxies are spoken to as http://, and not socks5://: name one of that kind",
    )


def test_each_scheme_has_its_own() -> None:
    proxies = Proxies(https=CORP)
    assert proxies.to("api.openai.com", 443, secure=True) == CORP
    assert proxies.to("api.openai.com", 80, secure=False) is None


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "127.0.0.1", "127.9.9.9", "::1"])
def test_the_way_to_this_machine_is_direct(host: str) -> None:
    assert Proxies(CORP, CORP).to(host, 443, secure=True) is None


@pytest.mark.parametrize(
    ("past", "host", "port", "is_direct"),
    [
        ("*", "api.openai.com", 443, True),
        ("corp", "gw.corp", 443, True),
        ("corp", "corp", 443, True),
        (".corp", "GW.corp", 443, True),
        ("*.corp", "gw.corp", 443, True),
        ("corp", "notcorp", 443, False),
        (" a.test , b.test", "b.test", 443, True),
        ("a.test b.test", "b.test", 443, True),
        ("gw.corp:8443", "gw.corp", 8443, True),
        ("gw.corp:8443", "gw.corp", 443, False),
        ("10.0.0.0/8", "10.1.2.3", 443, True),
        ("10.0.0.0/8", "11.1.2.3", 443, False),
        ("10.0.0.0/8", "gw.corp", 443, False),
        ("2001:db8::1", "2001:db8::1", 443, True),
        ("[2001:db8::1]:443", "2001:db8::1", 443, True),
        (".", "gw.corp", 443, False),
    ],
)
def test_hosts_that_are_reached_directly(
    past: str,
    host: str,
    port: int,
    is_direct: bool,  # noqa: FBT001  # from the table
) -> None:
    found, _ = Proxies.of_environment({"HTTPS_PROXY": str(CORP), "no_proxy": past})
    assert (found.to(host, port, secure=True) is None) == is_direct


def test_one_that_leads_back_here_is_none() -> None:
    proxies = Proxies(Proxy("127.0.0.1", 8787), CORP, ("past",))
    kept = proxies.but_for(lambda host, port: (host, port) == ("127.0.0.1", 8787))
    assert (kept.https, kept.http, kept.past) == (None, CORP, ("past",))
