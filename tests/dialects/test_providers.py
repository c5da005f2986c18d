from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from llmreplay.core.routing import valid_name
from llmreplay.dialects.providers import PROVIDERS, Provider, provider_of_host
from llmreplay.dialects.registry import by_name

PAGE = Path(__file__).parents[2] / "docs" / "providers.md"


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=lambda provider: provider.name)
def test_each_provider_is_complete(provider: Provider) -> None:
    assert valid_name(provider.name)
    assert provider.name == provider.name.lower()
    assert by_name(provider.dialect) is not None
    assert provider.url is not None or provider.hosts
    if provider.url is not None:
        parts = urlsplit(provider.url)
        assert f"{parts.scheme}://{parts.netloc}" == provider.url
        local = provider.url.startswith("http://127.0.0.1:")
        assert local or (parts.scheme == "https" and provider_of_host(parts.netloc) == provider)
    for host in provider.hosts:
        assert re.fullmatch(r"[a-z0-9.*:-]+", host)
    for path in provider.own_paths:
        assert path.startswith("/")
        assert path.endswith("/")
        assert path.strip("/") in PROVIDERS


def test_no_host_belongs_to_two() -> None:
    hosts = [host for provider in PROVIDERS.values() for host in provider.hosts]
    hosts += [provider.url.partition("://")[2] for provider in PROVIDERS.values() if provider.url]
    local = {"127.0.0.1:11434", "127.0.0.1:1234"}  # as address and as a host that tells
    assert sorted(hosts) == sorted([*set(hosts), *local])


@pytest.mark.parametrize(
    ("host", "name", "url"),
    [
        ("api.openai.com", "openai", "https://api.openai.com"),
        ("API.OpenAI.com:443", "openai", "https://api.openai.com"),
        ("eu.api.openai.com", "openai", "https://eu.api.openai.com"),
        ("my-company.openai.azure.com", "azure", "https://my-company.openai.azure.com"),
        ("me.services.ai.azure.com", "azure", "https://me.services.ai.azure.com"),
        (
            "bedrock-runtime.eu-west-1.amazonaws.com",
            "bedrock",
            "https://bedrock-runtime.eu-west-1.amazonaws.com",
        ),
        (
            "us-east5-aiplatform.googleapis.com",
            "vertex",
            "https://us-east5-aiplatform.googleapis.com",
        ),
        ("aiplatform.eu.rep.googleapis.com", "vertex", "https://aiplatform.eu.rep.googleapis.com"),
        ("eu-de.ml.cloud.ibm.com", "watsonx", "https://eu-de.ml.cloud.ibm.com"),
        ("a-b.snowflakecomputing.com", "snowflake", "https://a-b.snowflakecomputing.com"),
        ("api.together.ai", "together", "https://api.together.xyz"),
        ("localhost:11434", "ollama", "http://127.0.0.1:11434"),
    ],
)
def test_hosts_tell_their_provider(host: str, name: str, url: str) -> None:
    provider = provider_of_host(host)
    assert provider is not None
    assert (provider.name, provider.url) == (name, url)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "example.com",
        "api.openai.com.evil.example",
        "evilapi.openai.com",
        "openai.azure.com",
        ".openai.azure.com",
        "localhost:8000",
        "127.0.0.1:8080",
        "api.openai.com:8443",
        "x/.openai.azure.com",
        "bedrock-runtime..evil/.amazonaws.com",
    ],
)
def test_other_hosts_are_nobodys(host: str) -> None:
    assert provider_of_host(host) is None


def test_the_page_lists_them_all() -> None:
    rows = [
        line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")
    ]
    assert rows == [row(PROVIDERS[name]) for name in sorted(PROVIDERS)]


def row(provider: Provider) -> str:
    """A provider's line in the table of docs/providers.md."""
    hosts = ", ".join(f"`{host}`" for host in provider.hosts)
    url = f"`{provider.url}`" if provider.url else "one of its own for each customer"
    return f"| `{provider.name}` | {url} | {provider.dialect} | {hosts} |"
