from __future__ import annotations

from array import array

import pytest

from llmreplay.core.canonical import MatchSettings
from llmreplay.core.exchange import Request
from llmreplay.core.fingerprint import features
from llmreplay.core.tape import Asked, Indexed
from llmreplay.session.understanding import index_request, model_of, understand
from tests.session.made import chat, recorded

PLAIN = MatchSettings()
REQUEST = recorded(1, "hi", "hello").request


def test_a_request_is_looked_up_by_what_its_recording_is_found_by() -> None:
    live = understand(REQUEST, PLAIN)
    stored = index_request(REQUEST, PLAIN)
    assert live.dialect.name == "openai"
    assert live.asked == Asked(stored.fingerprint, "POST", "/v1/chat/completions", "openai")
    assert stored == Indexed(
        live.asked.fingerprint,
        array("Q", features(live.canonical, live.dialect)),
        "POST",
        "/v1/chat/completions",
    )


def test_settings_change_what_is_the_same() -> None:
    other = Request(REQUEST.method, REQUEST.url, REQUEST.headers, chat("ho").body, "openai")
    apart = {index_request(one, PLAIN).fingerprint for one in (REQUEST, other)}
    same = MatchSettings(replace=(("h[io]", "h"),))
    together = {index_request(one, same).fingerprint for one in (REQUEST, other)}
    assert (len(apart), len(together)) == (2, 1)


@pytest.mark.parametrize(
    ("path", "body", "model"),
    [
        ("/v1/chat/completions", chat("hi").body, "gpt-4o-mini"),
        ("/v1beta/models/gemini-3-pro:generateContent", b"{}", "gemini-3-pro"),
        ("/v1beta/models/gemini-3-pro:generateContent", b"no JSON", "gemini-3-pro"),
        ("/v1/files", b"", None),
    ],
)
def test_the_model_is_where_the_dialect_has_it(path: str, body: bytes, model: str | None) -> None:
    assert model == model_of(Request("POST", f"https://api.example.com{path}", body=body))
