"""Which upstreams and hosts a run knows, by its settings and mode."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llmreplay.cassettes import Loaded
from llmreplay.core.policy import Mode
from llmreplay.core.routing import Upstream
from llmreplay.service.hosts import authority_of, upstreams_of, vouched_hosts
from llmreplay.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


def test_providers_are_known_by_name_and_by_host() -> None:
    upstreams = upstreams_of(Settings(), Mode.ALL, Loaded(()))
    assert upstreams.named["groq"] == Upstream("groq", "https://api.groq.com")
    assert upstreams.provider_of_host("api.groq.com") == "groq"
    assert upstreams.provider_of_host("pypi.org") is None


@pytest.mark.parametrize(("mode", "known"), [(Mode.REPLAY, True), (Mode.ALL, False)])
def test_a_provider_without_one_address_is_known_by_name_for_replay(
    mode: Mode, *, known: bool
) -> None:
    assert ("azure" in upstreams_of(Settings(), mode, Loaded(())).named) is known


def test_what_the_user_names_wins_over_what_is_known() -> None:
    settings = Settings(
        upstream="https://api.groq.com/", upstreams={"openai": "http://127.0.0.1:9/v1/"}
    )
    upstreams = upstreams_of(settings, Mode.ALL, Loaded(()))
    assert upstreams.named["openai"] == Upstream("openai", "http://127.0.0.1:9/v1")
    assert upstreams.configured == frozenset({"openai"})
    assert upstreams.bare == Upstream("groq", "https://api.groq.com", ("/openai/",))


def test_private_addresses_are_only_for_hosts_that_the_user_named() -> None:
    settings = Settings(
        upstream="http://gateway.internal",
        upstreams={"mine": "http://10.0.0.1:8000"},
        allow_hosts=(("weather.internal", 8443),),
    )
    vouched = vouched_hosts(settings)
    assert {"gateway.internal", "10.0.0.1", "weather.internal", "127.0.0.1"} <= vouched
    assert "api.openai.com" not in vouched


def test_the_ca_covers_what_may_be_intercepted(tmp_path: Path) -> None:
    settings = Settings(
        ca_dir=tmp_path,
        upstreams={"mine": "https://gw.example/v1"},
        allow_hosts=(("weather.example", None),),
    )
    authority = authority_of(settings)
    covered = ("api.openai.com", "gw.example", "weather.example", "127.0.0.1")
    assert all(map(authority.covers, covered))
    assert not authority.covers("pypi.org")


def test_a_gateway_is_known_by_its_own_host_and_may_be_private(tmp_path: Path) -> None:
    settings = Settings(
        ca_dir=tmp_path,
        upstreams={"groq": "http://127.0.0.1:9"},
        gateways={"openai": "https://gw.internal/v1", "groq": "https://other.internal"},
    )
    upstreams = upstreams_of(settings, Mode.ALL, Loaded(()))
    assert (upstreams.configured, upstreams.gateways) == (
        frozenset({"groq"}),
        frozenset({"openai"}),
    )
    assert upstreams.named["openai"].url == "https://gw.internal/v1"
    assert upstreams.named["groq"].url == "http://127.0.0.1:9"
    assert "gw.internal" in vouched_hosts(settings)
    assert authority_of(settings).covers("gw.internal")
