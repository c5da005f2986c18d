"""What is set for a program, and what becomes of what the user has set himself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from llmreplay.certificates import Files
from llmreplay.core.redaction.scan import find_secrets
from llmreplay.dialects.providers import PROVIDERS
from llmreplay.environment import (
    Served,
    is_set_by_us,
    shell_lines,
    upstreams_of,
    variables,
)
from llmreplay.environment.composing import PHP_SETTINGS, PRELOAD
from llmreplay.environment.tables import BASE_URLS, KEYS, PLACEHOLDER, When

URL = "http://127.0.0.1:8799"
AWS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION", "AWS_REGION")


def trust(folder: Path | None = None, store: str = "/ca/store.p12") -> Files:
    return Files(Path("/ca/ca.pem"), Path("/ca/bundle.pem"), Path(store), folder)


def served(**changed: Any) -> Served:  # noqa: ANN401  # each field has its own type
    given: dict[str, Any] = {
        "url": URL,
        "session": None,
        "replaying": False,
        "trust": trust(),
    }
    return Served(**(given | changed))


def recording(**environ: str) -> dict[str, str]:
    return variables(served(), environ)


def replaying(*recorded: str, **environ: str) -> dict[str, str]:
    return variables(served(replaying=True, recorded=frozenset(recorded)), environ)


def test_the_tables_name_providers_that_there_are_and_variables_once() -> None:
    named = {row.provider for row in BASE_URLS} | {name for key in KEYS for name in key.providers}
    assert sorted(named - PROVIDERS.keys()) == []
    assert len({row.variable for row in BASE_URLS}) == len(BASE_URLS)
    assert len({key.variable for key in KEYS}) == len(KEYS)


def test_a_variable_that_is_set_unasked_has_a_provider_with_an_address() -> None:
    unasked = [row.provider for row in BASE_URLS if row.when in {When.ALWAYS, When.REPLAY}]
    assert [name for name in unasked if PROVIDERS[name].url is None] == []


@pytest.mark.parametrize("name", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"])
def test_proxies_are_set_in_either_case(name: str) -> None:
    assert (recording()[name], recording()[name.lower()]) == (URL, URL)


@pytest.mark.parametrize(
    ("changed", "url"),
    [
        ({"session": "a.b"}, "http://a.b:none@127.0.0.1:8799"),
        ({"password": "x y/@"}, "http://default:x%20y%2F%40@127.0.0.1:8799"),
        ({"session": "s", "password": "p"}, "http://s:p@127.0.0.1:8799"),
    ],
)
def test_session_and_password_are_the_proxys_user(changed: dict[str, str], url: str) -> None:
    assert variables(served(**changed), {})["HTTPS_PROXY"] == url


def no_proxy(*, replays: bool = True, **environ: str) -> list[str]:
    given = variables(served(replaying=replays), environ)
    assert given["NO_PROXY"] == given["no_proxy"]
    return given["NO_PROXY"].split(",")


LOCAL = ["localhost", "127.0.0.1", "::1"]
"""httpx 0.28 refuses to start with `[::1]`."""


def test_this_machine_needs_no_proxy() -> None:
    assert no_proxy() == LOCAL


def test_nor_does_what_the_user_says() -> None:
    assert no_proxy(NO_PROXY=".corp, 10.0.0.0/8,,localhost") == [
        ".corp",
        "10.0.0.0/8",
        "localhost",
        "127.0.0.1",
        "::1",
    ]
    assert no_proxy(NO_PROXY="a", no_proxy="b") == ["b", *LOCAL]


@pytest.mark.parametrize(
    "entry", ["*", "api.openai.com", ".openai.com", "*.anthropic.com", "com", "API.OPENAI.COM:443"]
)
def test_but_nobody_goes_past_us_to_a_provider(entry: str) -> None:
    assert no_proxy(NO_PROXY=f"{entry},mine") == ["mine", *LOCAL]


@pytest.mark.parametrize("entry", ["openai.com.corp", "apenai.com", ".internal"])
def test_other_names_stay(entry: str) -> None:
    assert no_proxy(NO_PROXY=entry) == [entry, *LOCAL]


def test_a_clouds_credentials_are_reached_while_recording() -> None:
    assert no_proxy(replays=False)[len(LOCAL) :] == [
        "169.254.169.254",
        "169.254.170.2",
        "metadata.google.internal",
    ]


def test_an_address_of_our_own_is_reached_directly() -> None:
    given = variables(served(url="http://10.0.0.5:8799", replaying=True), {})
    assert given["NO_PROXY"].split(",") == [*LOCAL, "10.0.0.5"]


def test_what_replaces_roots_gets_the_bundle_and_what_adds_gets_ours() -> None:
    given = recording()
    replacing = (*FOR_HTTP, "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH")
    assert {given[name] for name in replacing} == {"/ca/bundle.pem"}
    assert {given[name] for name in ("NODE_EXTRA_CA_CERTS", "DENO_CERT")} == {"/ca/ca.pem"}
    assert "SSL_CERT_DIR" not in given


FOR_HTTP = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE")


@pytest.mark.parametrize(
    ("replays", "folder", "no_proxy", "all_roots"),
    [
        (True, "/etc/certs", "", False),
        (True, "/etc/certs", "localhost,127.0.0.1,[::1]", False),
        (True, "/etc/certs", "localhost,.corp", True),
        (True, None, "", True),
        (False, "/etc/certs", "", True),
    ],
)
def test_http_that_goes_nowhere_but_here_needs_no_other_roots(
    *, replays: bool, folder: str | None, no_proxy: str, all_roots: bool
) -> None:
    here = served(replaying=replays, trust=trust(Path(folder) if folder else None))
    given = variables(here, {"NO_PROXY": no_proxy})
    file = "/ca/bundle.pem" if all_roots else "/ca/ca.pem"
    assert {given[name] for name in FOR_HTTP} == {file}
    assert given["GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"] == "/ca/bundle.pem"
    assert given.get("SSL_CERT_DIR") == (None if all_roots else folder)


def test_what_the_user_adds_is_in_the_bundle() -> None:
    assert recording(NODE_EXTRA_CA_CERTS="/corp.pem")["NODE_EXTRA_CA_CERTS"] == "/ca/bundle.pem"


def test_node_is_taught_after_the_users_own_options() -> None:
    ours = f'--require "{PRELOAD}"'
    assert recording()["NODE_OPTIONS"] == ours
    once = recording(NODE_OPTIONS="--trace-warnings")
    assert once["NODE_OPTIONS"] == f"--trace-warnings {ours}"
    assert recording(**once)["NODE_OPTIONS"] == once["NODE_OPTIONS"]
    assert is_set_by_us(once)
    assert not is_set_by_us({"NODE_OPTIONS": "--trace-warnings"})
    assert PRELOAD.exists()


def test_php_reads_one_setting_more_after_the_users_own() -> None:
    ours = str(PHP_SETTINGS)
    assert recording()["PHP_INI_SCAN_DIR"] == f":{ours}"
    once = recording(PHP_INI_SCAN_DIR="/etc/php:/my/php")
    assert once["PHP_INI_SCAN_DIR"] == f"/etc/php:/my/php:{ours}"
    assert recording(**once)["PHP_INI_SCAN_DIR"] == once["PHP_INI_SCAN_DIR"]
    assert [file.suffix for file in PHP_SETTINGS.iterdir()] == [".ini"]


def test_a_program_can_ask_the_control_api() -> None:
    assert recording()["LLMREPLAY_URL"] == URL
    assert variables(served(session="s", password="p"), {})["LLMREPLAY_URL"] == URL


def test_java_gets_options() -> None:
    ours = (
        "-Dhttp.proxyHost=127.0.0.1 -Dhttp.proxyPort=8799 "
        "-Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort=8799 "
        "-Dhttp.nonProxyHosts=*.corp|localhost|127.0.0.1|127.*|[::1] "
        '"-Djavax.net.ssl.trustStore=/my ca/store.p12" '
        "-Djavax.net.ssl.trustStoreType=PKCS12 -Djavax.net.ssl.trustStorePassword=changeit"
    )
    here = served(trust=trust(store="/my ca/store.p12"), replaying=True)
    once = variables(here, {"JAVA_TOOL_OPTIONS": "-Xmx1g", "NO_PROXY": ".corp,10.0.0.0/8"})
    assert once["JAVA_TOOL_OPTIONS"] == f"-Xmx1g {ours}"
    assert variables(here, once)["JAVA_TOOL_OPTIONS"] == once["JAVA_TOOL_OPTIONS"]


BASE_VARIABLES = {row.variable for row in BASE_URLS}


def base_urls(given: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in given.items() if name in BASE_VARIABLES}


WHILE_RECORDING = {
    "OPENAI_BASE_URL": f"{URL}/openai/v1",
    "ANTHROPIC_BASE_URL": f"{URL}/anthropic",
    "GOOGLE_GEMINI_BASE_URL": f"{URL}/gemini",
    "GROQ_BASE_URL": f"{URL}/groq",
    "CO_API_URL": f"{URL}/cohere",
    "OLLAMA_HOST": f"{URL}/ollama",
}


def test_sdks_are_pointed_here() -> None:
    assert base_urls(recording()) == WHILE_RECORDING


def test_requests_that_are_signed_are_pointed_here_in_replay_only() -> None:
    assert base_urls(replaying()) == WHILE_RECORDING | {
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": f"{URL}/bedrock",
        "AWS_ENDPOINT_URL_BEDROCK_AGENT_RUNTIME": f"{URL}/bedrock-agents",
    }
    endpoint = {"AWS_ENDPOINT_URL_BEDROCK_RUNTIME": "https://vpce-1.example.com"}
    assert base_urls(recording(**endpoint)) == WHILE_RECORDING
    assert upstreams_of(endpoint) == {}


def test_a_variable_that_makes_programs_choose_azure_is_set_where_azure_was_recorded() -> None:
    assert "AZURE_OPENAI_ENDPOINT" not in replaying("openai")
    assert replaying("azure")["AZURE_OPENAI_ENDPOINT"] == f"{URL}/azure"


def test_a_session_is_in_base_urls() -> None:
    given = variables(served(session="s"), {})
    assert given["OPENAI_BASE_URL"] == f"{URL}/_s/s/openai/v1"


@pytest.mark.parametrize(
    ("variable", "value", "upstreams", "pointed"),
    [
        # A gateway of the user's own, with the path that is usual, with more, with another.
        ("OPENAI_BASE_URL", "https://gw.corp/v1", {"openai": "https://gw.corp"}, "openai/v1"),
        ("OPENAI_BASE_URL", "https://gw.corp/a/v1/", {"openai": "https://gw.corp/a"}, "openai/v1"),
        ("OPENAI_BASE_URL", "http://gw:81/api", {"openai": "http://gw:81/api"}, "openai"),
        ("GROQ_API_BASE", "https://gw/openai/v1", {"groq": "https://gw"}, "groq/openai/v1"),
        # The SDK of one provider is used for another.
        ("OPENAI_BASE_URL", "https://api.groq.com/openai/v1", {}, "groq/openai/v1"),
        ("OPENAI_BASE_URL", "https://openrouter.ai/api/v1", {}, "openrouter/api/v1"),
        ("OPENAI_BASE_URL", "https://api.openai.com/v1", {}, "openai/v1"),
        (
            "OPENAI_BASE_URL",
            "http://localhost:11434/v1",
            {"ollama": "http://localhost:11434"},
            "ollama/v1",
        ),
        # A customer's own host, a region.
        (
            "AZURE_OPENAI_ENDPOINT",
            "https://my.openai.azure.com/",
            {"azure": "https://my.openai.azure.com"},
            "azure",
        ),
        # A server's own setting, which Ollama's clients read, too.
        ("OLLAMA_HOST", "0.0.0.0", {}, "ollama"),  # noqa: S104  # read, not bound
        ("OLLAMA_HOST", "box:8080", {"ollama": "http://box:8080"}, "ollama"),
        ("OLLAMA_HOST", "::1", {}, None),
        ("OLLAMA_HOST", "[::1]:99/x", {"ollama": "http://[::1]:99/x"}, "ollama"),
        ("OLLAMA_HOST", "https://box", {"ollama": "https://box"}, "ollama"),
        # What the documentation tells people to set is no gateway of theirs.
        ("OPENAI_BASE_URL", "http://127.0.0.1:8787/openai/v1", {}, "openai/v1"),
        ("OPENAI_API_BASE", "http://localhost:8787/openai/v1", {}, "openai/v1"),
        ("ANTHROPIC_BASE_URL", "http://127.0.0.1:9000/_s/x/anthropic", {}, "anthropic"),
        # What cannot be an upstream is left to the client.
        ("OPENAI_BASE_URL", "https://user:word@gw/v1", {}, None),
        ("OPENAI_BASE_URL", "https://gw/v1?key=1", {}, None),
        ("OPENAI_BASE_URL", "gw/v1", {}, None),
        ("OPENAI_BASE_URL", "https://gw:99999/v1", {}, None),
    ],
)
def test_what_the_user_has_set_becomes_an_upstream(
    variable: str, value: str, upstreams: dict[str, str], pointed: str | None
) -> None:
    assert upstreams_of({variable: value}) == upstreams
    assert recording(**{variable: value}).get(variable) == (pointed and f"{URL}/{pointed}")


def test_whatever_it_is_nothing_goes_past_us_in_replay() -> None:
    assert replaying(OPENAI_BASE_URL="gw/v1")["OPENAI_BASE_URL"] == f"{URL}/openai/v1"
    assert replaying(OPENAI_API_BASE="https://gw/x")["OPENAI_API_BASE"] == f"{URL}/openai"


def test_one_name_has_one_address() -> None:
    two = {"OPENAI_BASE_URL": "https://one/v1", "OPENAI_API_BASE": "https://two/v1"}
    assert upstreams_of(two) == {"openai": "https://one"}
    given = recording(**two)
    assert given["OPENAI_BASE_URL"] == f"{URL}/openai/v1"
    assert "OPENAI_API_BASE" not in given
    assert replaying(**two)["OPENAI_API_BASE"] == f"{URL}/openai/v1"


def keys(given: dict[str, str]) -> list[str]:
    return sorted(name for name in given if name in {key.variable for key in KEYS})


def test_keys_are_set_in_replay_only_and_only_for_what_was_recorded() -> None:
    assert keys(recording()) == []
    assert keys(replaying("anthropic", "mistral")) == ["ANTHROPIC_API_KEY", "MISTRAL_API_KEY"]
    assert replaying("mistral")["MISTRAL_API_KEY"] == PLACEHOLDER


def test_a_key_that_is_there_stays() -> None:
    assert keys(replaying("openai", OPENAI_API_KEY="mine")) == []
    assert keys(replaying("openai", OPENAI_API_KEY="")) == ["OPENAI_API_KEY"]
    assert keys(replaying("anthropic", ANTHROPIC_AUTH_TOKEN="mine")) == []
    assert keys(replaying("gemini", GOOGLE_API_KEY="mine")) == ["GOOGLE_GENERATIVE_AI_API_KEY"]


def test_what_has_no_sdk_of_its_own_is_asked_with_openais() -> None:
    assert keys(replaying("my-gateway")) == ["OPENAI_API_KEY"]
    assert keys(replaying("my-gateway", "groq")) == ["GROQ_API_KEY", "OPENAI_API_KEY"]


def test_where_nothing_is_known_all_keys_are_set_that_go_together() -> None:
    azure = {"AZURE_API_KEY", "AZURE_OPENAI_API_KEY"}
    assert keys(replaying()) == sorted({key.variable for key in KEYS} - azure)
    assert set(keys(replaying("azure"))) == azure


@pytest.mark.parametrize(
    ("environ", "given"),
    [
        ({}, AWS),
        ({"AWS_REGION": "eu-west-1"}, AWS[:2]),
        ({"AWS_ACCESS_KEY_ID": "mine"}, ()),
        ({"AWS_PROFILE": "mine"}, ()),
        ({"AWS_WEB_IDENTITY_TOKEN_FILE": "mine"}, ()),
        ({"AWS_SECRET_ACCESS_KEY": "mine"}, (AWS[0], *AWS[2:])),
    ],
)
def test_aws_gets_keys_where_no_others_are_configured(
    environ: dict[str, str], given: tuple[str, ...]
) -> None:
    assert keys(replaying("bedrock", **environ)) == sorted(given)


def test_the_placeholder_is_no_secret() -> None:
    assert find_secrets(f"authorization: Bearer {PLACEHOLDER}\nkey={PLACEHOLDER}") == ()


def test_lines_are_quoted_for_the_shell() -> None:
    given = {"A": "it's $HOME", "B": "plain"}
    assert shell_lines(given, "posix") == "export A='it'\"'\"'s $HOME'\nexport B=plain\n"
    assert shell_lines({"A": "it's \\ $HOME"}, "fish") == "set -gx A 'it\\'s \\\\ $HOME'\n"


def test_offline_nobody_asks_elsewhere_for_news() -> None:
    assert replaying()["LITELLM_LOCAL_MODEL_COST_MAP"] == "True"
    assert "LITELLM_LOCAL_MODEL_COST_MAP" not in recording()
