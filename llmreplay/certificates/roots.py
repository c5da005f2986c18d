"""The certificates that clients trust anyway, for those whose variable replaces the system's store.

It decides where they are read: the files that the user's own variables name, else the system's,
else certifi's. Reads files, writes none; `authority` puts ours behind them.
"""

from __future__ import annotations

import re
import ssl
import warnings
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["folder_of_all", "java_store", "trusted"]

_REPLACING: Final = (
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "AWS_CA_BUNDLE",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
)
"""Variables whose file a client trusts instead of the system's."""

_ADDING: Final = ("NODE_EXTRA_CA_CERTS", "DENO_CERT")
"""Variables whose file a client trusts as well."""

_SYSTEM: Final = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",  # SUSE
    "/etc/ssl/cert.pem",  # Alpine, macOS, BSD
    "/usr/local/share/certs/ca-root-nss.crt",  # FreeBSD
    "/opt/homebrew/etc/ca-certificates/cert.pem",
)

_SYSTEM_FOLDERS: Final = ("/etc/ssl/certs", "/etc/pki/tls/certs")
_LOOKED_UP: Final = "[0-9a-f]" * 8 + ".[0-9]"
"""Names that `c_rehash` gives, by which OpenSSL looks for certificates."""

_CERTIFICATE: Final = re.compile(
    rb"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----"
)

_JAVA_PASSWORD: Final = b"changeit"
"""Java's own default, and no secret: everybody may know what is trusted."""


def trusted(environ: Mapping[str, str]) -> tuple[bytes, ...]:
    """The certificates that the user's clients trust, in PEM, each once, in the order of the files.

    Several variables may name several files: a client that is given all of them can do what each
    could do before.
    """
    own = [file for name in _REPLACING if (file := _read(environ.get(name)))]
    added = [file for name in _ADDING if (file := _read(environ.get(name)))]
    found = [*(own or _system()), *added]
    return tuple(dict.fromkeys(one for file in found for one in _CERTIFICATE.findall(file)))


def folder_of_all(certificates: Iterable[bytes], environ: Mapping[str, str]) -> Path | None:
    """The folder in which OpenSSL finds each of `certificates`, which are `trusted(environ)`.

    None if the system has no such, or the user's own variables name more than it has.
    """
    if not set(certificates).issubset(trusted({})):
        return None
    places = (ssl.get_default_verify_paths().openssl_capath, *_SYSTEM_FOLDERS)
    folders = [Path(place) for place in places if place]
    if (own := environ.get("SSL_CERT_DIR")) and Path(own) not in folders:
        return None
    return next((one for one in folders if next(one.glob(_LOOKED_UP), None)), None)


def java_store(certificates: Iterable[bytes]) -> bytes:
    """A PKCS 12 store of `certificates` (PEM) that Java trusts. What cannot be read is left out."""
    # Both take their time, and few programs are written in Java.
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        BestAvailableEncryption,
    )
    from cryptography.hazmat.primitives.serialization.pkcs12 import (  # noqa: PLC0415
        PKCS12Certificate,
        serialize_java_truststore,
    )
    from cryptography.x509 import load_pem_x509_certificate  # noqa: PLC0415

    entries = []
    for number, pem in enumerate(certificates):
        with suppress(ValueError), warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # old roots break new rules, and are trusted all the same
            certificate = load_pem_x509_certificate(pem)
            entries.append(PKCS12Certificate(certificate, f"trusted-{number}".encode()))
    return serialize_java_truststore(entries, BestAvailableEncryption(_JAVA_PASSWORD))


def _system() -> list[bytes]:
    """The first of the system's files that is there, or certifi's."""
    places = (ssl.get_default_verify_paths().openssl_cafile, *_SYSTEM)
    for place in places:
        if file := _read(place):
            return [file]
    with suppress(ImportError):
        if file := _read(import_module("certifi").where()):
            return [file]
    return []


def _read(place: str | None) -> bytes:
    """The file, or all files of the folder; nothing if it cannot be read."""
    if not place:
        return b""
    path = Path(place)
    with suppress(OSError):
        if not path.is_dir():
            return path.read_bytes()
        # As OpenSSL does, by the names that `c_rehash` gives; requests reads folders so, too.
        return b"\n".join(file.read_bytes() for file in sorted(path.glob("*.[0-9]")))
    return b""
