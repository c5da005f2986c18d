"""What each kind of value may be."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmreplay.core.proxies import Proxy
from llmreplay.settings.fields import FIELDS, nearest


def read(name: str, text: str) -> object:
    return FIELDS[name].read(text)


def refusal(name: str, text: str) -> str:
    """Why `text` is not taken."""
    try:
        value = read(name, text)
    except ValueError as error:
        return str(error)
    raise AssertionError(f"{text!r} was taken, as {value!r}")


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [("1", 1), ("64MiB", 67_108_864), ("500kB", 500_000), ("2 GiB", 2**31), ("7B", 7)],
)
def test_sizes_have_units(text: str, size_bytes: int) -> None:
    assert read("limits.max_body", text) == size_bytes


@pytest.mark.parametrize("text", ["-1", "1.5MiB", "64mb", "", "1e9"])
def test_other_sizes_are_refused(text: str) -> None:
    assert refusal("limits.max_body", text) == (
        f'"{text}" is no size: write it as 64MiB, 500kB or a number of bytes'
    )


def test_no_limit_is_nothing() -> None:
    assert refusal("limits.max_body", "0kB") == "must be more than nothing"
    assert refusal("limits.idle_timeout", "0s") == "must be longer than nothing"
    assert refusal("limits.max_connections", "0") == (
        "0 is out of range; the number of connections is 1 to 1000000"
    )


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("200", "200 hides a miss: SDKs take it for no error; take 470"),
        ("308", "308 hides a miss: SDKs take it for no error; take 470"),
        ("408", "408 hides a miss: SDKs retry a 408; take 470 or another 4xx"),
        ("409", "409 hides a miss: SDKs retry a 409; take 470 or another 4xx"),
        ("429", "429 hides a miss: SDKs retry a 429 and wait before it; take 470 or another 4xx"),
        ("500", "500 hides a miss: SDKs retry every 5xx; take 470 or another 4xx"),
        ("529", "529 hides a miss: SDKs retry every 5xx; take 470 or another 4xx"),
        ("42", "42 is out of range; a status is 100 to 999"),
        ("teapot", '"teapot" is no whole number; a status is 100 to 999'),
    ],
)
def test_a_miss_never_looks_like_a_success_or_like_something_to_retry(
    status: str, reason: str
) -> None:
    assert refusal("miss_status", status) == reason


@pytest.mark.parametrize("status", ["400", "404", "470", "499"])
def test_a_miss_is_a_client_error(status: str) -> None:
    assert read("miss_status", status) == int(status)


@pytest.mark.parametrize("name", ["default", "chat/tools", "a.b/c-d_E9", "2026"])
def test_cassettes_have_names_that_are_paths(name: str) -> None:
    assert read("cassette", name) == name


@pytest.mark.parametrize("name", ["", "/a", "a//b", "../a", "a/.hidden", "a b", "é", "a\\b"])
def test_no_cassette_is_outside_the_folder(name: str) -> None:
    assert refusal("cassette", name).startswith(f'"{name}" is no cassette name: letters, ')


def test_a_cassettes_name_goes_without_its_suffix() -> None:
    assert refusal("cassette", "chat.yaml") == 'the name goes without ".yaml": "chat"'


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("api.openai.com", '"api.openai.com" is no http:// or https:// URL'),
        ("http://", '"http://" is no http:// or https:// URL'),
        ("http://x:99999", "this is no URL: Port out of range 0-65535"),
        ("http://[x", "this is no URL: Invalid IPv6 URL"),
        ("https://x/?key=1", 'the URL of "x" must end with its path: no "?", no "#"'),
        ("https://x/#a", 'the URL of "x" must end with its path: no "?", no "#"'),
    ],
)
def test_upstreams_are_plain_urls(text: str, reason: str) -> None:
    assert refusal("upstream", text) == reason


@pytest.mark.parametrize("text", ["https://me:hunter2@x", "ftp://me:hunter2@x"])
def test_a_password_in_a_url_is_not_repeated(text: str) -> None:
    assert "hunter2" not in refusal("upstream", text)


def test_upstreams_have_names_that_are_path_prefixes() -> None:
    assert FIELDS["upstreams"].read_key("azure-eu.1") == "azure-eu.1"
    for name in ("_s", "a/b", ".a", "a b"):
        with pytest.raises(ValueError, match="is no upstream name"):
            FIELDS["upstreams"].read_key(name)


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("YES", True), ("1", True), ("off", False), ("no", False)]
)
def test_switches(text: str, value: bool) -> None:  # noqa: FBT001  # a table of values
    assert read("fresh", text) is value


def test_a_switch_is_on_or_off() -> None:
    assert refusal("fresh", "maybe") == '"maybe" is neither true nor false'


def test_hosts() -> None:
    assert read("host", "[::1]") == "::1"
    assert refusal("host", "http://x") == '"http://x" is no host name or address'


def test_header_names_are_compared_without_case() -> None:
    assert read("match.headers", "X-Feature") == "x-feature"
    assert refusal("match.headers", "a b") == '"a b" is no header name'


@pytest.mark.parametrize("name", ["Authorization", "x-api-key", "X-My-Auth-Token"])
def test_requests_are_not_told_apart_by_their_credentials(name: str) -> None:
    assert refusal("match.headers", name) == (
        f'"{name}" holds a credential, which no recording has: nothing would match'
    )


def test_patterns_are_re2() -> None:
    assert FIELDS["match.replace"].read_key(r"id-\d+") == r"id-\d+"
    with pytest.raises(ValueError, match="is no RE2 pattern: invalid perl operator"):
        FIELDS["match.replace"].read_key(r"(?=a)")


def test_the_nearest_word_is_named_if_one_is_near() -> None:
    assert nearest("recordd", ("fail", "record")) == '; did you mean "record"?'
    assert nearest("xyz", ("fail", "record")) == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Gateway.Example", ("gateway.example", None)),
        ("gateway.example:8443", ("gateway.example", 8443)),
        ("[::1]:8443", ("::1", 8443)),
        ("10.0.0.1", ("10.0.0.1", None)),
    ],
)
def test_a_host_may_have_a_port(text: str, expected: tuple[str, int | None]) -> None:
    assert FIELDS["allow_host"].read(text) == expected


@pytest.mark.parametrize(
    "text", ["", "https://a.example", "a.example/x", "u@a.example", "a b", "a.example:x", "a:99999"]
)
def test_what_is_no_host(text: str) -> None:
    assert refusal("allow_host", text) == (
        f'"{text}" is no host: write it as gateway.example or gateway.example:8443'
    )


@pytest.mark.parametrize("text", ["", "café", "a\tb"])
def test_what_is_no_password(text: str) -> None:
    assert refusal("proxy_password", text) == "a password is made of printable ASCII characters"


def test_a_folder_may_be_below_the_users_own() -> None:
    assert FIELDS["ca_dir"].read("~/ca") == Path.home() / "ca"


def test_a_report_says_in_its_name_what_form_it_has() -> None:
    assert read("report", "~/report.json") == Path.home() / "report.json"
    assert refusal("report", "report.txt") == (
        '"report.txt" must end with .json, or with .xml for the form of JUnit'
    )


def test_a_proxy_that_leads_out_may_be_none() -> None:
    assert read("upstream_proxy", "none") is False
    assert read("upstream_proxy", "proxy.corp:3128") == Proxy("proxy.corp", 3128)
    assert refusal("upstream_proxy", "socks5://me:secret@proxy.corp") == (
        "proxies are spoken to as http://, and not socks5://: name one of that kind"
    )
