"""Contexts that clients accept, files that they are pointed at, and what time does to both."""

from __future__ import annotations

import ssl
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from llmreplay.certificates import Authority, Flaw, authority
from llmreplay.errors import UsageError
from tests.certificates.tls import TLS_1_2, TLS_1_3, leaf_of, shaken, trusting

if TYPE_CHECKING:
    from pathlib import Path

HOSTS = ("api.openai.com", "*.openai.azure.com", "bedrock-runtime.*.amazonaws.com")


class Watch:
    """A clock to be set; it starts at the real time, which TLS clients go by."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def ours(tmp_path: Path, watch: Watch) -> Authority:
    return Authority(tmp_path / "ca", HOSTS, now=watch)


@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3])
@pytest.mark.parametrize(
    "host",
    [
        "api.openai.com",
        "API.OpenAI.com",
        "mine.openai.azure.com",
        f"{'a.' * 60}openai.azure.com",
        "bedrock-runtime.eu-west-1.amazonaws.com",
        "localhost",
        "127.0.0.1",
        "::1",
    ],
)
def test_a_strict_client_accepts_it(ours: Authority, host: str, version: ssl.TLSVersion) -> None:
    client = shaken(ours.context(host), trusting(ours.pem, version), host)

    assert client.version() == {TLS_1_2: "TLSv1.2", TLS_1_3: "TLSv1.3"}[version]
    assert client.selected_alpn_protocol() == "http/1.1"


def test_a_client_that_names_another_covered_host_gets_its_leaf(ours: Authority) -> None:
    server = ours.context("127.0.0.1")

    assert shaken(server, trusting(ours.pem), "mine.openai.azure.com").version() == "TLSv1.3"
    assert leaf_of(server, "api.openai.com") == leaf_of(ours.context("api.openai.com"))


@pytest.mark.parametrize("wrong", ["bank.example", "x.api.openai.com"])
def test_a_client_that_names_any_other_is_shown_the_hosts(ours: Authority, wrong: str) -> None:
    server = ours.context("api.openai.com")

    assert leaf_of(server, wrong) == leaf_of(server)
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        shaken(server, trusting(ours.pem), wrong)


def test_a_client_that_does_not_trust_us_is_not_forced_to(ours: Authority, tmp_path: Path) -> None:
    other = Authority(tmp_path / "other", HOSTS)

    with pytest.raises(ssl.SSLCertVerificationError, match="unable to get local issuer"):
        shaken(ours.context("api.openai.com"), trusting(other.pem), "api.openai.com")


def test_old_tls_is_refused(ours: Authority) -> None:
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        client = trusting(ours.pem, ssl.TLSVersion.TLSv1_1)
    client.set_ciphers("ALL:@SECLEVEL=0")

    with pytest.raises(ssl.SSLError):
        shaken(ours.context("api.openai.com"), client, "api.openai.com")


@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3])
@pytest.mark.parametrize("host", ["api.openai.com", "localhost", "127.0.0.1", "::1"])
@pytest.mark.parametrize(
    ("flaw", "told"),
    [(Flaw.EXPIRED, "certificate has expired"), (Flaw.OTHER_HOST, "mismatch")],
)
def test_a_flaw_is_the_only_thing_wrong_with_a_leaf(
    ours: Authority, host: str, flaw: Flaw, told: str, version: ssl.TLSVersion
) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match=told):
        shaken(ours.context(host, flaw), trusting(ours.pem, version), host)
    assert shaken(ours.context(host), trusting(ours.pem), host).version() == "TLSv1.3"


@pytest.mark.parametrize("flaw", Flaw)
def test_a_flaw_is_shown_to_all_and_kept(ours: Authority, flaw: Flaw) -> None:
    server = ours.context("api.openai.com", flaw)

    assert leaf_of(server, "mine.openai.azure.com") == leaf_of(server, "api.openai.com")
    assert ours.context("api.openai.com", flaw) is server
    assert ours.context("api.openai.com") is not server


@pytest.mark.parametrize("host", ["bank.example", "x.api.openai.com", "", "8.8.8.8"])
def test_what_is_not_covered_has_no_context(ours: Authority, host: str) -> None:
    assert not ours.covers(host)
    with pytest.raises(UsageError, match=f"the local CA is not for {host}; .* --allow-host {host}"):
        ours.context(host)


def test_making_one_and_asking_what_it_covers_touches_nothing(
    ours: Authority, tmp_path: Path
) -> None:
    assert ours.covers("api.openai.com")
    assert "bedrock-runtime.us-east-1.amazonaws.com" in ours.constraints
    assert [*tmp_path.iterdir()] == []


def test_a_leaf_is_kept_for_half_its_life(ours: Authority, watch: Watch) -> None:
    first = ours.context("api.openai.com")
    watch.now += timedelta(hours=11, minutes=59)
    assert ours.context("api.openai.com.") is first

    watch.now += timedelta(minutes=1)
    second = ours.context("api.openai.com")

    assert second is not first
    ends = leaf_of(second).not_valid_after_utc
    assert ends == (watch.now + timedelta(hours=24)).replace(microsecond=0)


def test_a_leaf_of_a_time_to_come_is_not_kept(ours: Authority, watch: Watch) -> None:
    first = ours.context("api.openai.com")
    watch.now -= timedelta(minutes=1)

    assert ours.context("api.openai.com") is not first


def test_a_server_that_runs_for_long_renews_the_ca(ours: Authority, watch: Watch) -> None:
    before, first = ours.fingerprint, ours.context("api.openai.com")
    watch.now += timedelta(days=23, hours=1)

    assert ours.context("api.openai.com") is not first
    assert ours.fingerprint != before
    assert ours.expires == (watch.now + timedelta(days=30)).replace(microsecond=0)


def test_a_server_takes_up_the_ca_that_another_renewed(
    ours: Authority, watch: Watch, tmp_path: Path
) -> None:
    first = ours.context("api.openai.com")
    later = Authority(tmp_path / "ca", HOSTS, now=lambda: watch.now + timedelta(days=24))
    renewed = later.pem

    # Its validity has not begun yet by this server's clock, which then makes one of its own.
    watch.now += timedelta(days=24)
    assert ours.pem == renewed
    assert ours.context("api.openai.com") is not first


def test_contexts_are_kept_within_bounds(ours: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authority, "_MOST_CONTEXTS", 3)
    kept = ours.context("0.openai.azure.com")
    for number in range(1, 4):
        ours.context(f"{number}.openai.azure.com")
        assert (ours.context("0.openai.azure.com") is kept, len(ours._contexts) <= 3) == (True,) * 2


def test_threads_get_one_context(ours: Authority) -> None:
    found: list[ssl.SSLContext] = []
    threads = [
        threading.Thread(target=lambda: found.append(ours.context("api.openai.com")))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(found), len(set(map(id, found)))) == (8, 1)


def test_a_folder_that_is_lost_breaks_handshakes_only(ours: Authority, tmp_path: Path) -> None:
    server = ours.context("api.openai.com")
    (tmp_path / "ca").rename(tmp_path / "moved")
    (tmp_path / "ca").write_bytes(b"")

    with pytest.raises(ssl.SSLError, match="callback failed"):
        leaf_of(server, "mine.openai.azure.com")


def test_keys_of_leaves_do_not_stay_on_disk(ours: Authority, tmp_path: Path) -> None:
    ours.context("api.openai.com")

    files = [file.name for file in tmp_path.rglob("*") if file.is_file()]
    assert sorted(files) == ["ca.pem", "key.pem", "lock"]


def test_files_are_there_when_they_are_asked_for(ours: Authority, tmp_path: Path) -> None:
    own = tmp_path / "own.pem"
    other = Authority(tmp_path / "other", ["corp.example"]).pem
    own.write_text(other)
    environ = {"SSL_CERT_FILE": str(own)}

    files = ours.files(environ)

    assert files.ca.read_text() == ours.pem
    assert files.bundle.read_text() == f"{other}{ours.pem}"
    assert files.java_store.read_bytes()[:1] == b"\x30"
    assert ours.files(environ) == files


def test_who_has_other_roots_has_other_files(ours: Authority, tmp_path: Path) -> None:
    own = tmp_path / "own.pem"
    own.write_text(ours.pem)

    assert ours.files({"SSL_CERT_FILE": str(own)}).bundle != ours.files({}).bundle


def test_the_systems_roots_are_in_the_bundle(ours: Authority) -> None:
    count = len(ssl.create_default_context().get_ca_certs())

    assert ours.files().bundle.read_text().count("BEGIN CERTIFICATE") > count
