from __future__ import annotations

import pytest

from llmreplay.core.redaction.places import (
    CREDENTIAL_HEADERS,
    CREDENTIAL_QUERY,
    STORED_REQUEST_HEADERS,
    UNSTORED_RESPONSE_HEADERS,
    is_account_header,
    is_credential_header,
    is_credential_query,
    stored_request_headers,
    stored_response_headers,
)


def test_names_are_in_lower_case_and_no_credential_is_stored() -> None:
    sets = (
        CREDENTIAL_HEADERS,
        CREDENTIAL_QUERY,
        STORED_REQUEST_HEADERS,
        UNSTORED_RESPONSE_HEADERS,
    )
    assert all(name == name.lower() for names in sets for name in names)
    assert not any(map(is_credential_header, STORED_REQUEST_HEADERS))
    assert not any(map(is_account_header, STORED_REQUEST_HEADERS))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *((name, True) for name in sorted(CREDENTIAL_HEADERS)),
        ("X-API-Key", True),
        ("LangSmith-Api-Key", True),
        ("x-stytch-session-token", True),
        ("sec-websocket-protocol", True),
        ("x-request-id", False),
        ("x-ratelimit-remaining-tokens", False),
        ("access-control-allow-credentials", False),
        ("www-authenticate", False),
    ],
)
def test_credential_headers_are_told_by_name(name: str, *, expected: bool) -> None:
    assert expected is is_credential_header(name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("OpenAI-Organization", True),
        ("x-databricks-org-id", True),
        ("x-goog-user-project", True),
        ("x-ratelimit-limit-project-tokens", False),
        ("request-id", False),
    ],
)
def test_account_headers_are_told_by_name(name: str, *, expected: bool) -> None:
    assert expected is is_account_header(name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Key", True), ("api%2Dkey", True), ("X-Amz-Signature", True), ("page_token", False)],
)
def test_credential_parameters_are_told_as_they_are_spelled(name: str, *, expected: bool) -> None:
    assert expected is is_credential_query(name)


def test_of_a_request_only_what_is_allowed_is_stored() -> None:
    headers = (
        ("Content-Type", "application/json"),
        ("Authorization", "Bearer x"),
        ("User-Agent", "me"),
        ("anthropic-beta", "a"),
        ("anthropic-beta", "b"),
    )
    assert stored_request_headers(headers) == (headers[0], *headers[3:])


def test_of_a_response_all_is_stored_but_what_varies_frames_or_tells_on_somebody() -> None:
    headers = (
        ("Date", "now"),
        ("x-request-id", "req_1"),
        ("Set-Cookie", "a=b"),
        ("OpenAI-Organization", "org"),
        ("x-acme-workspace-id", "w"),
        ("x-new-auth-token", "t"),
        ("Content-Length", "1"),
        ("Connection", "X-Hop, close"),
        ("x-hop", "1"),
        ("retry-after", "2"),
    )
    assert stored_response_headers(headers) == (headers[1], headers[-1])
