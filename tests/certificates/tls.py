"""TLS without sockets, clients as strict as any, and what a thief would make of a stolen key."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from llmreplay.certificates.issuing import Issuer

TLS_1_2 = ssl.TLSVersion.TLSv1_2
TLS_1_3 = ssl.TLSVersion.TLSv1_3


def trusting(pem: str, version: ssl.TLSVersion = TLS_1_3) -> ssl.SSLContext:
    """A client that trusts `pem` alone, with what Python 3.13 asks for by default."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    client.minimum_version = client.maximum_version = version
    client.set_alpn_protocols(["h2", "http/1.1"])
    client.load_verify_locations(cadata=pem)
    return client


def indifferent() -> ssl.SSLContext:
    """A client that looks at nothing."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    return client


def shaken(server: ssl.SSLContext, client: ssl.SSLContext, host: str | None) -> ssl.SSLObject:
    """The client's end after the handshake. Raises what the client makes of the server."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(down, up, server_hostname=host)
    theirs = server.wrap_bio(up, down, server_side=True)
    waiting = [ours, theirs]
    while waiting:
        for end in tuple(waiting):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            waiting.remove(end)
    return ours


def leaf_of(server: ssl.SSLContext, host: str | None = None) -> x509.Certificate:
    """The leaf that a client is shown that asks for `host`."""
    shown = shaken(server, indifferent(), host).getpeercert(binary_form=True)
    assert shown is not None
    return x509.load_der_x509_certificate(shown)


def named(text: str) -> x509.GeneralName:
    """`https://…` → a URI, an address → an address, anything else → a DNS name."""
    if "//" in text:
        return x509.UniformResourceIdentifier(text)
    try:
        return x509.IPAddress(ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def forged(issuer: Issuer, folder: Path, subject: str, names: Iterable[str]) -> ssl.SSLContext:
    """A server's side with a leaf for any names, made with the key of `issuer`."""
    now = datetime.now(UTC)
    key = ec.generate_private_key(ec.SECP256R1())
    signer = issuer._signers[0]
    built = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(signer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer._key.public_key()),
            critical=False,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    )
    if names := [*names]:
        alternatives = x509.SubjectAlternativeName([named(name) for name in names])
        built = built.add_extension(alternatives, critical=False)
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    chain = (built.sign(issuer._key, SHA256()), signer)
    return serving(folder, secret + b"".join(one.public_bytes(Encoding.PEM) for one in chain))


def serving(folder: Path, pem: bytes) -> ssl.SSLContext:
    """A server's side with this key and chain."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    file = folder / "served.pem"
    file.write_bytes(pem)
    server.load_cert_chain(file)
    return server
