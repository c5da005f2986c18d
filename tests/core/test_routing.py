"""Targets are read into session, upstream and URL."""

import pytest

from llmreplay.core.routing import Reading, Upstream, Upstreams, session_of, valid_name

OPENAI = Upstream("openai", "https://api.openai.com")
GATEWAY = Upstream("gateway", "https://gw.example/team/v1")
GROQ = Upstream("groq", "https://api.groq.com", own_paths=("/openai/",))


def first(upstreams: Upstreams, target: str) -> Reading:
    return upstreams.readings(target)[0]


def test_a_session_prefix_is_taken_off() -> None:
    assert session_of("/_s/alice/openai/v1/models?x=1") == ("alice", "/openai/v1/models?x=1")
    assert session_of("/_s/alice") == ("alice", "/")
    assert session_of("/v1/models") == (None, "/v1/models")


@pytest.mark.parametrize("name", ["a", "test-1", "A.b_c", "x" * 128])
def test_names_of_sessions(name: str) -> None:
    assert valid_name(name)


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "a b", "ü", "x" * 129, "../up"])
def test_what_names_no_session(name: str) -> None:
    assert not valid_name(name)


def test_a_known_name_goes_to_its_upstream() -> None:
    known = Upstreams(named={"openai": OPENAI})
    assert first(known, "/openai/v1/chat/completions?beta=true") == Reading(
        "openai", "https://api.openai.com/v1/chat/completions?beta=true"
    )


def test_a_name_alone_is_the_upstreams_root() -> None:
    known = Upstreams(named={"openai": OPENAI})
    assert first(known, "/openai") == Reading("openai", "https://api.openai.com/")
    assert first(known, "/openai?x=1") == Reading("openai", "https://api.openai.com/?x=1")


def test_a_bare_path_goes_to_the_bare_upstream() -> None:
    assert first(Upstreams(bare=OPENAI), "/v1/models") == Reading(
        "openai", "https://api.openai.com/v1/models"
    )


def test_a_base_path_goes_before_the_clients_unless_the_client_has_it() -> None:
    upstreams = Upstreams(bare=GATEWAY)
    with_base = Reading("gateway", "https://gw.example/team/v1/messages", "/team/v1")
    assert first(upstreams, "/messages") == with_base
    assert first(upstreams, "/team/v1/messages") == Reading("gateway", with_base.url)
    assert first(upstreams, "/team/v12") == Reading(
        "gateway", "https://gw.example/team/v1/team/v12", "/team/v1"
    )


def test_the_bare_upstreams_own_path_wins_over_a_known_name() -> None:
    upstreams = Upstreams(named={"openai": OPENAI}, bare=GROQ)
    target = "/openai/v1/chat/completions"
    assert first(upstreams, target) == Reading("groq", f"https://api.groq.com{target}")


def test_a_name_that_the_user_configured_wins_over_both() -> None:
    upstreams = Upstreams(named={"openai": OPENAI}, bare=GROQ, configured=frozenset({"openai"}))
    assert first(upstreams, "/openai/v1/models").upstream == "openai"


def test_replay_knows_base_paths_from_cassettes() -> None:
    upstreams = Upstreams(named={"openai": OPENAI}, recorded_bases={"openai": ("/v9",)})
    assert upstreams.readings("/openai/chat") == (
        Reading("openai", "https://api.openai.com/chat"),
        Reading("openai", "https://api.openai.com/v9/chat", "/v9"),
        Reading(None, "http://localhost/v9/openai/chat", "/v9"),
        Reading(None, "http://localhost/openai/chat"),
    )


def test_an_upstream_known_by_name_only_still_has_a_path() -> None:
    upstreams = Upstreams(named={"mine": Upstream("mine")})
    assert first(upstreams, "/mine/x") == Reading("mine", "http://localhost/x")


def test_a_path_that_nobody_claims_is_read_as_it_stands() -> None:
    assert Upstreams().readings("/v1/x") == (Reading(None, "http://localhost/v1/x"),)


def by_host(**more: object) -> Upstreams:
    known = {"api.openai.com": "openai", "eu.api.openai.com": "openai"}
    fields: dict[str, object] = {"named": {"openai": OPENAI}, "provider_of_host": known.get} | more
    return Upstreams(**fields)  # type: ignore[arg-type]  # fields by name


def test_through_the_proxy_the_host_says_which_upstream_is_meant() -> None:
    upstreams = by_host()
    assert upstreams.readings("/v1/models?a=b", "https://api.openai.com") == (
        Reading("openai", "https://api.openai.com/v1/models?a=b"),
    )
    assert upstreams.readings("/v1/models", "https://eu.api.openai.com") == (
        Reading("openai", "https://eu.api.openai.com/v1/models"),
    )
    assert upstreams.readings("/v1/models", "http://api.openai.com") == (
        Reading("openai", "http://api.openai.com/v1/models"),
    )


def test_an_upstream_that_is_pointed_elsewhere_is_asked_there_for_its_real_hosts() -> None:
    elsewhere = Upstream("openai", "http://127.0.0.1:9000/proxy")
    upstreams = by_host(named={"openai": elsewhere}, configured=frozenset({"openai"}))
    assert upstreams.readings("/v1/models", "https://api.openai.com") == (
        Reading("openai", "http://127.0.0.1:9000/proxy/v1/models", "/proxy"),
    )


def test_the_address_of_an_upstream_is_known_as_its_host() -> None:
    mine = Upstream("mine", "https://gw.example:9443/v1")
    upstreams = by_host(named={"mine": mine}, configured=frozenset({"mine"}), bare=GATEWAY)
    assert upstreams.readings("/v1/chat", "https://gw.example:9443") == (
        Reading("mine", "https://gw.example:9443/v1/chat"),
    )
    assert upstreams.readings("/team/v1/chat", "https://gw.example") == (
        Reading("gateway", "https://gw.example/team/v1/chat"),
    )


def test_a_host_that_is_allowed_is_an_upstream_under_its_own_name() -> None:
    upstreams = by_host(allowed=frozenset({("weather.example", None), ("::1", 8443)}))
    assert upstreams.readings("/x", "http://weather.example") == (
        Reading("weather.example", "http://weather.example/x"),
    )
    assert upstreams.readings("/x", "https://[::1]:8443") == (
        Reading("1-8443", "https://[::1]:8443/x"),
    )
    assert upstreams.at_host("weather.example", 8080) is None


def test_a_host_that_is_nobodys_is_asked_at_its_own_address() -> None:
    assert by_host().readings("/x", "http://pypi.org:8080") == (
        Reading("pypi.org-8080", "http://pypi.org:8080/x"),
    )


def test_a_gateway_stands_in_for_a_provider_by_base_url_and_not_for_its_real_hosts() -> None:
    gateway = Upstream("openai", "https://gw.example/v1")
    upstreams = by_host(named={"openai": gateway}, gateways=frozenset({"openai"}))
    assert first(upstreams, "/openai/v1/models").url == "https://gw.example/v1/models"
    assert upstreams.readings("/v1/models", "https://api.openai.com") == (
        Reading("openai", "https://api.openai.com/v1/models"),
    )
    assert upstreams.readings("/v1/models", "https://gw.example") == (
        Reading("openai", "https://gw.example/v1/models"),
    )


def test_paths_below_v1_may_come_without_it() -> None:
    anthropic = Upstream("anthropic", "https://api.anthropic.com", versioned=("/messages",))
    known = Upstreams(named={"anthropic": anthropic})
    whole = "https://api.anthropic.com/v1/messages?beta=true"
    assert first(known, "/anthropic/messages?beta=true").url == whole
    assert first(known, "/anthropic/v1/messages?beta=true").url == whole
    assert first(known, "/anthropic/other").url == "https://api.anthropic.com/other"
