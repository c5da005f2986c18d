"""What a call means, whichever session it is of, and that it is worked out once."""

from __future__ import annotations

import pytest

from llmreplay.core.canonical import MatchSettings
from llmreplay.core.exchange import header
from llmreplay.core.hosts import Way
from llmreplay.session import Call
from llmreplay.session.meanings import Meanings
from tests.session.made import JSON, OPENAI, PATH, chat, reaching

MATCH = MatchSettings(headers=("x-team",))


def meanings(*, seeks: bool = True) -> Meanings:
    return Meanings(reaching(OPENAI), MATCH, max_decoded_bytes=1_000_000, seeks=seeks)


def named(name: str) -> tuple[tuple[str, str], ...]:
    return (("X-LLMReplay-Session", name),)


@pytest.mark.parametrize(
    ("call", "session"),
    [
        (chat("hi"), None),
        (chat("hi", path=f"/_s/a{PATH}"), "a"),
        (chat("hi", headers=named("a")), "a"),
        (chat("hi", headers=(*named("a"), *named("b"))), "a"),
        (chat("hi")._replace(proxy_session="a"), "a"),
        (chat("hi", path=f"/_s/a{PATH}", headers=named("b")), "a"),
        (chat("hi", headers=named("a"))._replace(proxy_session="b"), "a"),
        (chat("hi", path=f"/_s/{PATH}"), ""),
    ],
)
def test_the_session_is_read_and_does_not_count(call: Call, session: str | None) -> None:
    one = meanings()
    told, key = one.key(call)
    assert told == session
    assert key == one.key(chat("hi"))[1]


def test_what_can_change_the_meaning_counts() -> None:
    one = meanings()
    calls = [
        chat("hi"),
        chat("ho"),
        chat("hi", key="sk-other"),
        chat("hi", headers=(("X-Team", "blue"),)),
        chat("hi", path="/v1/chat/completions"),
        chat("hi")._replace(method="PUT"),
        chat("hi")._replace(origin="https://api.openai.com"),
    ]
    assert len({one.key(call)[1] for call in calls}) == len(calls)
    assert one.key(chat("hi", headers=(("x-request-id", "7"),)))[1] == one.key(chat("hi"))[1]


def test_a_path_of_the_proxy_names_no_session() -> None:
    call = Call("GET", "/_s/a/v1", (), b"", "https://api.openai.com", "mine")
    told, key = meanings().key(call)
    assert (told, key[1]) == ("mine", "/_s/a/v1")


def test_a_meaning_is_kept_for_all_sessions() -> None:
    one = meanings()
    _, key = one.key(chat("hi", path=f"/_s/a{PATH}"))
    assert one.get(key) is None
    found = one.find_out(chat("hi", path=f"/_s/a{PATH}"), key)
    assert one.get(one.key(chat("hi", headers=named("b")))[1]) is found
    assert [asked.path for asked in found.asked] == ["/v1/chat/completions", PATH]
    assert found.told() == (PATH, "gpt-4o-mini")
    assert not found.passed_by


def test_nothing_is_sought_where_recordings_do_not_count() -> None:
    one = meanings(seeks=False)
    found = one.find_out(chat("hi"), one.key(chat("hi"))[1])
    assert (found.asked, found.ids, len(found.readings)) == ((), (), 2)


def test_a_host_that_is_none_of_ours_is_passed_by() -> None:
    hosts = reaching(OPENAI, forwards=True)
    one = Meanings(hosts, MATCH, max_decoded_bytes=1_000, seeks=True)
    call = Call("GET", "/", (), b"", "http://example.org")
    assert one.verdict(call).way is Way.TUNNEL
    found = one.find_out(call, one.key(call)[1])
    assert (found.passed_by, found.asked) == (True, ())


def test_a_request_is_redacted_as_it_would_be_stored() -> None:
    call = Call("POST", PATH, (*JSON, ("x-team", "blue"), ("cookie", "c")), b"{}")
    one = meanings()
    reading = one.find_out(call, one.key(call)[1]).readings[0]
    request = one.redacted(call, reading)
    assert (header(request.headers, "x-team"), header(request.headers, "cookie")) == ("blue", None)
