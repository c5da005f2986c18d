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
