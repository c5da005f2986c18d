"""Lists of hosts → what a CA is permitted, and what is covered."""

from __future__ import annotations

import pytest

from llmreplay.certificates import Names, constrained, intercepted
from llmreplay.errors import UsageError

HOSTS = (
    "api.openai.com",
    "*.openai.azure.com",
    "API.Groq.com.",
    "10.0.0.7",
    "[2001:DB8:0::7]",
    "bücher.example",
    "bedrock-runtime.*.amazonaws.com",
)


def test_names_stand_for_what_is_below_them_and_inner_stars_are_spelled_out() -> None:
    names = constrained(HOSTS)

    assert [name for name in names if not name.endswith(".amazonaws.com")] == [
        "10.0.0.7",
        "127.0.0.1",
        "2001:db8::7",
        "::1",
        "api.groq.com",
        "api.openai.com",
        "localhost",
        "openai.azure.com",
        "xn--bcher-kva.example",
    ]
    assert "bedrock-runtime.eu-central-1.amazonaws.com" in names
    assert "amazonaws.com" not in names


def test_nothing_is_said_twice() -> None:
    hosts = ("*.a.example", "b.a.example", "a.example", "c.b.a.example", "aa.example")

    assert constrained(hosts) == ("127.0.0.1", "::1", "a.example", "aa.example", "localhost")


@pytest.mark.parametrize(
    "host",
    [
        "api.openai.com",
        "API.OPENAI.COM.",
        "mine.openai.azure.com",
        "a.b.openai.azure.com",
        "10.0.0.7",
        "2001:db8::7",
        "[2001:db8::7]",
        "xn--bcher-kva.example",
        "bedrock-runtime.us-east-1.amazonaws.com",
        "localhost",
        "127.0.0.1",
        "[::1]",
    ],
)
def test_covered(host: str) -> None:
    assert Names.of(HOSTS).covers(host)


@pytest.mark.parametrize(
    "host",
    [
        "x.api.openai.com",  # the CA could, but nobody asked for it
        "openai.azure.com",
        "notopenai.azure.com",
        "openai.com",
        "api.openai.com.evil.example",
        "10.0.0.8",
        "010.0.0.7",
        "0x0a000007",
        "1.api.openai.com.7",
        "::ffff:10.0.0.7",
        "::1%lo",
        "2001:db8::8",
        "bedrock-runtime.mars-1.amazonaws.com",
        "s3.us-east-1.amazonaws.com",
        "",
        ".",
        "*",
        "*.openai.azure.com",
        "a b.openai.azure.com",
        "-a.openai.azure.com",
        f"{'a' * 64}.openai.azure.com",
        f"{'a.' * 120}openai.azure.com",
        "\udce9.openai.azure.com",
        "a\n.openai.azure.com",
        "a\0.openai.azure.com",
    ],
)
def test_not_covered(host: str) -> None:
    assert not Names.of(HOSTS).covers(host)


@pytest.mark.parametrize(
    "host",
    ["", "*", "a b", "*.*.example.com", "x.*.example.com", "*.10.0.0.7", "http://a", "a:443"],
)
def test_what_is_no_host_is_told(host: str) -> None:
    with pytest.raises(UsageError) as caught:
        constrained([host])

    assert str(caught.value) == (
        f'"{host}" is no host that a certificate can be made for: write a name, an address, or a '
        'suffix as "*.example.com"'
    )


def test_a_whole_top_level_domain_is_refused() -> None:
    with pytest.raises(UsageError, match=r'"\*\.com" is far too much'):
        constrained(["*.com"])


def test_what_is_covered_is_permitted() -> None:
    names = Names.of(HOSTS)
    bases = [host.removeprefix("*.") for host in names.hosts]

    assert [
        base
        for base in bases
        if base not in names.constraints and not any(f".{one}" in base for one in names.constraints)
    ] == []


def test_providers_upstreams_and_what_is_allowed_are_intercepted() -> None:
    hosts = intercepted(
        ["https://gateway.example:8443/v1", "http://10.0.0.7", "http://[fe80::1%25eth0]:1/"],
        ["allowed.example"],
    )

    assert hosts[-3:] == ("gateway.example", "10.0.0.7", "allowed.example")
    assert "api.anthropic.com" in hosts
    assert Names.of(hosts).covers("gateway.example")
