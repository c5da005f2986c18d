"""Which certificates clients trust anyway, by the variables that say so."""

from __future__ import annotations

import shutil
import subprocess
import warnings
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12
from cryptography.utils import CryptographyDeprecationWarning

from llmreplay.certificates import roots
from llmreplay.certificates.issuing import Issuer
from llmreplay.certificates.roots import folder_of_all, java_store, trusted

if TYPE_CHECKING:
    from pathlib import Path


def pem(number: int) -> bytes:
    return b"-----BEGIN CERTIFICATE-----\nAAA%d\n-----END CERTIFICATE-----" % number


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with files `1` to `4`, of which `1` is the system's."""
    for number in range(1, 5):
        (tmp_path / str(number)).write_bytes(b"# one\n%s\n\n" % pem(number))
    monkeypatch.setattr(roots, "_SYSTEM", (str(tmp_path / "none"), str(tmp_path / "1")))
    monkeypatch.setattr(roots, "_SYSTEM_FOLDERS", (str(tmp_path / "none"), str(tmp_path)))
    nowhere = SimpleNamespace(openssl_cafile=str(tmp_path / "nowhere"), openssl_capath="")
    monkeypatch.setattr("ssl.get_default_verify_paths", lambda: nowhere)
    return tmp_path


@pytest.mark.parametrize(
    ("variables", "numbers"),
    [
        ({}, [1]),
        ({"SSL_CERT_FILE": ""}, [1]),
        ({"SSL_CERT_FILE": "2"}, [2]),
        ({"REQUESTS_CA_BUNDLE": "2"}, [2]),
        ({"CURL_CA_BUNDLE": "2"}, [2]),
        ({"AWS_CA_BUNDLE": "2", "SSL_CERT_FILE": "3"}, [3, 2]),
        ({"SSL_CERT_FILE": "2", "REQUESTS_CA_BUNDLE": "2"}, [2]),
        ({"SSL_CERT_FILE": "missing"}, [1]),
        ({"NODE_EXTRA_CA_CERTS": "4"}, [1, 4]),
        ({"NODE_EXTRA_CA_CERTS": "4", "SSL_CERT_FILE": "2", "DENO_CERT": "3"}, [2, 4, 3]),
    ],
)
def test_the_users_own_files_come_before_the_systems(
    files: Path, variables: dict[str, str], numbers: list[int]
) -> None:
    environ = {name: place and str(files / place) for name, place in variables.items()}

    assert trusted(environ) == tuple(map(pem, numbers))


def test_a_folder_is_read_as_openssl_reads_it(files: Path) -> None:
    folder = files / "certs"
    folder.mkdir()
    (folder / "5ad8a5d6.0").write_bytes(pem(7))
    (folder / "README").write_bytes(pem(8))

    assert trusted({"REQUESTS_CA_BUNDLE": str(folder)}) == (pem(7),)


def test_openssl_looks_up_what_the_system_trusts_in_its_folder(files: Path) -> None:
    assert folder_of_all(trusted({}), {}) is None
    (files / "5ad8a5d6.0").write_bytes(pem(7))
    assert folder_of_all(trusted({"SSL_CERT_FILE": ""}), {"SSL_CERT_FILE": ""}) == files
    same = {"SSL_CERT_FILE": str(files / "1"), "SSL_CERT_DIR": str(files)}
    assert folder_of_all(trusted(same), same) == files


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS"])
def test_where_the_user_names_more_the_folder_has_not_all(files: Path, name: str) -> None:
    (files / "5ad8a5d6.0").write_bytes(pem(7))
    assert folder_of_all(trusted({name: str(files / "2")}), {name: str(files / "2")}) is None


def test_without_a_system_there_is_certifi(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roots, "_SYSTEM", ())
    certifi = SimpleNamespace(where=lambda: str(files / "3"))
    monkeypatch.setitem(__import__("sys").modules, "certifi", certifi)

    assert trusted({}) == (pem(3),)


@pytest.mark.usefixtures("files")
def test_without_certifi_there_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roots, "_SYSTEM", ())
    monkeypatch.setitem(__import__("sys").modules, "certifi", None)

    assert trusted({}) == ()


def test_a_store_for_java_has_all_that_can_be_read() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        own = Issuer.made(("localhost",), datetime.now(UTC)).root_pem
        store = java_store([*trusted({}), pem(1), own])

        # Some roots of the system break rules that came after them.
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        found = [one.certificate for one in load_pkcs12(store, b"changeit").additional_certs]

    assert len(found) == len(trusted({})) + 1
    assert found[-1] == x509.load_pem_x509_certificate(own)


def test_java_reads_it(tmp_path: Path) -> None:
    keytool = shutil.which("keytool")
    if keytool is None:
        pytest.skip("keytool is not there")
    own = Issuer.made(("localhost",), datetime.now(UTC))
    (tmp_path / "store.p12").write_bytes(java_store([own.root_pem]))

    listed = subprocess.run(  # noqa: S603  # Java's own tool
        [keytool, "-list", "-keystore", tmp_path / "store.p12", "-storepass", "changeit"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert "trustedCertEntry" in listed
    assert own.fingerprint in listed
