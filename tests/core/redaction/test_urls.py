from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmreplay.core.redaction.urls import url_secrets, without_credentials


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        ("https://h.com/v1?a=1", []),
        ("https://h.com/v1?key=a%2Fb&a=1&sig=c", [b"a/b", b"c"]),
        ("https://user:pass@h.com/", [b"pass"]),
        ("https://token@h.com/", [b"token"]),
        ("/v1?key=a#key=b", [b"a"]),
        ("/v1?key=", []),
        ("https://h.com/a@b", []),
        ("/?X-Amz-Date=now&X-Amz-Signature=s", [b"s"]),
        ("/?X-Amz-Credential=AKIAX%2F20260101", [b"AKIAX"]),
        ("http://[bad?token=t", [b"t"]),
    ],
)
def test_credentials_are_in_parameters_and_user_information(url: str, secrets: list[bytes]) -> None:
    assert list(url_secrets(url)) == secrets


@pytest.mark.parametrize(
    ("url", "without"),
    [
        ("https://h.com/v1?b=%7e&a=1", "https://h.com/v1?b=%7e&a=1"),
        ("https://u:p@h.com:443//v1?key=a%20b&x=y#f", "https://h.com:443//v1?key=<a b>&x=y#f"),
        ("/v1?X-Amz-Date=now&key=", "/v1?X-Amz-Date=<now>&key="),
    ],
)
def test_nothing_else_changes(url: str, without: str) -> None:
    assert without == without_credentials(url, lambda secret: f"<{secret.decode()}>")


@given(st.text(max_size=80))
def test_any_text_is_read(url: str) -> None:
    assert isinstance(list(url_secrets(url)), list)
    assert isinstance(without_credentials(url, lambda _: "x"), str)
