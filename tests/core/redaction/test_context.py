from __future__ import annotations

import pytest

from llmreplay.core.redaction.context import beside_access_key, named_secrets
from llmreplay.core.redaction.spans import Span

HEX = "0123456789abcdef0123456789abcdef"
ALPHANUMERIC = "Ab3dEfGh1jKlMn0pQrStUvWxYz123456"
FORTY = "Ab3dEfGh1jKlMn0pQrSt/vWxYz123456+bcdefgh"


def secrets(text: str) -> list[str]:
    found = list(named_secrets(text.encode()))
    assert all(text.encode()[span.start : span.end] for span in found)
    return [span.secret.decode() for span in found]


@pytest.mark.parametrize(
    "text",
    [
        f"api-key: {HEX}",
        f"API_KEY={HEX}",
        f'{{"apiKey": "{HEX}"}}',
        f'{{\\"api_key\\": \\"{HEX}\\"}}',
        f"api key is {HEX}.",
        f"api key provided: '{HEX}'",
        f"api_key%3D{HEX}",
        f"api+key%3A+{HEX}&a=b",
        f"api%20key%20is%20{HEX}",
        f"Ocp-Apim-Subscription-Key: {HEX}",
        f"AZURE_KEY: {HEX}",
        f'{{"provider": "azure", "key": "{HEX}"}}',
        f"Authorization: Bearer {HEX}",
        f"authorization: Basic {HEX}",
        f"curl -H 'Authorization:{HEX}'",
        f'name="api_key"\r\n\r\n{HEX}\r\n--cut',
        f"api key\\n{HEX}",
        f"api key:\\\\n{HEX}",
    ],
)
def test_a_word_for_a_credential_gives_the_value_after_it_away(text: str) -> None:
    assert secrets(text) == [HEX]


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"aws_secret_access_key = {FORTY}", FORTY),
        (f"SecretAccessKey: /{FORTY[1:]}", f"/{FORTY[1:]}"),
        (f'{{"aws_secret":"{FORTY}"}}'.replace("/", "\\/"), FORTY),
        (f"TOGETHER_API_KEY={HEX * 2}", HEX * 2),
        (f"mistral: {ALPHANUMERIC}", ALPHANUMERIC),
        (f'"access_token":"{ALPHANUMERIC}-_.{HEX}"', f"{ALPHANUMERIC}-_.{HEX}"),
        ("client_secret: GOCSPX-a1b2c3d4e5f6g7h8", "GOCSPX-a1b2c3d4e5f6g7h8"),
    ],
)
def test_values_of_other_shapes(text: str, secret: str) -> None:
    assert secrets(text) == [secret]


@pytest.mark.parametrize(
    "text",
    [
        HEX,
        f"sha256: {HEX * 2}",
        f'{{"request_id": "{HEX}", "key": "{HEX}"}}',
        f'{{"provider": "azure", "prompt_cache_key": "{HEX}"}}',
        f"azure idempotency-key: {HEX}",
        f"mistral: {HEX}",
        f'"page_token": "{HEX}"',
        f'["api_key","{HEX}"]',
        f'name="api_key"\r\n\r\n\r\n--{HEX}--',
        "api_key: your_own_api_key_goes_here",
        "api_key=settings.openai_api_key_v2",
        "api_key: 01234567890123456789",
        "api_key: REDACTED-key-1234567890",
        "api_key=" + "a1" * 3000,
        "api_key: a1b2c3d4e5f6g7h8..........",
    ],
)
def test_ids_digests_names_and_blobs_are_let_alone(text: str) -> None:
    assert secrets(text) == []


def test_a_name_near_the_end_of_a_long_value_counts() -> None:
    assert secrets("key=" + "a1" * 3000 + f"_api_key={HEX}") == [HEX]


def test_the_secret_beside_an_access_key_is_told_by_its_form() -> None:
    text = f"AKIAABCDEFGHIJKLMNOP,{FORTY}\nsha1,{'a1b2c3d4e5' * 4}".encode()
    key = Span(0, 20, b"")
    assert [span.secret for span in beside_access_key(text, key)] == [FORTY.encode()]
