"""Hosts that are asked for through the proxy: whose they are, and what becomes of them."""

from __future__ import annotations

import pytest

from llmreplay.core.hosts import Hosts, Verdict, Way
from llmreplay.core.routing import Upstream, Upstreams

UPSTREAMS = Upstreams(
    provider_of_host={"api.openai.com": "openai", "127.0.0.1:11434": "ollama"}.get,
    allowed=frozenset({("weather.example", None), ("gw.example", 8443)}),
)


def hosts(*, forwards: bool) -> Hosts:
    return Hosts(UPSTREAMS, covers=lambda host: host != "gw.example", forwards=forwards)


@pytest.mark.parametrize("forwards", [True, False])
@pytest.mark.parametrize(
    ("host", "port"),
    [("api.openai.com", 443), ("weather.example", 443), ("127.0.0.1", 11434)],
)
def test_what_is_known_or_allowed_is_read(host: str, port: int, *, forwards: bool) -> None:
    assert hosts(forwards=forwards).judge(host, port) == Verdict(Way.INTERCEPT)


def test_others_are_passed_by_unread_while_recording() -> None:
    assert hosts(forwards=True).judge("pypi.org", 443) == Verdict(Way.TUNNEL)
    assert hosts(forwards=True).judge("pypi.org", 80, secure=False) == Verdict(Way.TUNNEL)


@pytest.mark.parametrize(
    ("host", "port", "forwards", "reason"),
    [
        (
            "pypi.org",
            443,
            False,
            (
                "pypi.org is no provider known here, and replay lets nothing out; "
                "to record and replay it: --allow-host pypi.org"
            ),
        ),
        (
            "db.example",
            5432,
            True,
            (
                "db.example:5432 is not known here, and only port 443 of others is passed by; "
                "to record and replay it: --allow-host db.example:5432"
            ),
        ),
        (
            "gw.example",
            8443,
            True,
            (
                "gw.example is not covered by the local CA; "
                "to record and replay it: --allow-host gw.example:8443"
            ),
        ),
    ],
)
def test_a_refusal_says_why_and_what_to_do(
    host: str, port: int, reason: str, *, forwards: bool
) -> None:
    assert hosts(forwards=forwards).judge(host, port) == Verdict(Way.REFUSE, reason)


def test_in_the_clear_no_certificate_is_needed() -> None:
    verdict = hosts(forwards=False).judge("gw.example", 8443, secure=False)
    assert verdict == Verdict(Way.INTERCEPT)


def test_a_configured_address_is_an_upstream_too() -> None:
    named = {"mine": Upstream("mine", "https://gw.example:9443/v1")}
    upstreams = Upstreams(named=named, configured=frozenset({"mine"}))
    ours = Hosts(upstreams, covers=lambda _host: True, forwards=False)
    assert ours.judge("gw.example", 9443).way is Way.INTERCEPT
    assert ours.judge("gw.example", 443).way is Way.REFUSE


def test_what_may_be_a_key_is_not_repeated() -> None:
    told = hosts(forwards=False).judge("362f51fd0db1d7be8bb762e5c7966067", 443).reason
    assert told.startswith("that host is no provider known here")
    told = hosts(forwards=False).judge("sk-proj-" + "a1B2" * 12 + ".example", 443).reason
    assert "a1B2" not in told
