"""Patterns with a region in the middle → host names."""

from __future__ import annotations

import pytest

from llmreplay.dialects.providers import PROVIDERS, provider_hosts, provider_of_host
from llmreplay.dialects.regions import spelled_out


@pytest.mark.parametrize(
    ("pattern", "one_of_them", "count"),
    [
        ("api.openai.com", "api.openai.com", 1),
        ("*.openai.azure.com", "*.openai.azure.com", 1),
        ("bedrock-runtime.*.amazonaws.com", "bedrock-runtime.us-gov-west-1.amazonaws.com", 36),
        ("bedrock-mantle.*.api.aws", "bedrock-mantle.eu-west-1.api.aws", 36),
        ("*-aiplatform.googleapis.com", "europe-west4-aiplatform.googleapis.com", 43),
        ("aiplatform.*.rep.googleapis.com", "aiplatform.us.rep.googleapis.com", 45),
        (
            "inference.generativeai.*.oci.oraclecloud.com",
            "inference.generativeai.us-chicago-1.oci.oraclecloud.com",
            39,
        ),
        ("api.*.githubcopilot.com", "api.business.githubcopilot.com", 3),
    ],
)
def test_a_pattern_is_spelled_out(pattern: str, one_of_them: str, count: int) -> None:
    found = spelled_out(pattern)

    assert one_of_them in found
    assert len(set(found)) == count


@pytest.mark.parametrize("pattern", ["x.*.example.com", "*.*.example.com", "*x.example.com"])
def test_of_an_unknown_pattern_nothing_is_left(pattern: str) -> None:
    assert spelled_out(pattern) == ()


def test_every_pattern_of_a_provider_can_be_spelled_out() -> None:
    hosts = [host for provider in PROVIDERS.values() for host in provider.hosts]

    assert [host for host in hosts if not spelled_out(host)] == []


def test_every_host_of_a_provider_is_known_to_be_its() -> None:
    hosts = [host.replace("*", "x") for host in provider_hosts()]

    assert [host for host in hosts if provider_of_host(host) is None] == []
    assert [host for host in hosts if ":" in host or "127.0.0.1" in host] == []
