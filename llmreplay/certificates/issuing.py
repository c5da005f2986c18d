"""Certificates made: a CA that vouches for some names only, and leaves for one host each.

It decides what stands in them, by RFC 5280 and by what TLS clients insist on (the notes say who).
It knows no files and no clock. `keeping` has the CA made, `authority` the leaves. Imported on
first use: `cryptography` takes as long as much of the rest together.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from llmreplay.certificates.names import is_address

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["CA_LIFE", "LEAF_LIFE", "Issuer"]

CA_LIFE: Final = timedelta(days=30)
LEAF_LIFE: Final = timedelta(hours=24)

_BACKDATED: Final = timedelta(hours=1)
"""Clocks of containers and machines differ a little."""

_NOWHERE: Final = "llmreplay.invalid"
"""A name that nobody can have (RFC 6761): what is permitted of kinds of names we never use."""


@dataclass(frozen=True)
class Issuer:
    """A CA: its certificate and its key."""

    certificate: x509.Certificate
    _key: ec.EllipticCurvePrivateKey

    @classmethod
    def made(cls, constraints: Iterable[str], now: datetime) -> Issuer:
        """A new CA, that may vouch for `constraints` (`Names.constraints`) and nothing else."""
        key = ec.generate_private_key(ec.SECP256R1())
        # Each has a name of its own, so that a client that knows several never tries the wrong one.
        name = _name(f"llmreplay local CA {secrets.token_hex(4)}")
        start = now - _BACKDATED
        builder = _begun(name, key, start, now + CA_LIFE).issuer_name(name)
        builder = builder.add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
        builder = builder.add_extension(_permitted(constraints), critical=True)
        return cls(builder.sign(key, SHA256()), key)

    @classmethod
    def loaded(cls, pem: bytes) -> Issuer:
        """The CA that `pem` gave. Raises ValueError if it is none."""
        certificate = x509.load_pem_x509_certificate(pem)
        key = load_pem_private_key(pem, password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError("its key is of another kind")  # noqa: TRY004  # broken input
        if key.public_key() != certificate.public_key():
            raise ValueError("its key is not that of its certificate")
        certificate.verify_directly_issued_by(certificate)
        return cls(certificate, key)

    @property
    def pem(self) -> bytes:
        """Key and certificate, to be kept."""
        return _key_pem(self._key) + self.certificate_pem

    @property
    def certificate_pem(self) -> bytes:
        """The certificate, to be given away."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, in hex with colons."""
        return self.certificate.fingerprint(SHA256()).hex(":").upper()

    def lasts(self, now: datetime, spare: timedelta) -> bool:
        """Whether it is valid, and will be for `spare` longer."""
        return self.starts <= now and now + spare <= self.ends

    @property
    def starts(self) -> datetime:
        """Valid from."""
        return self.certificate.not_valid_before_utc

    @property
    def ends(self) -> datetime:
        """Valid until."""
        return self.certificate.not_valid_after_utc

    def leaf(self, host: str, now: datetime) -> bytes:
        """Key and certificate for one host, a name or an address in its normal spelling."""
        key = ec.generate_private_key(ec.SECP256R1())
        alternative = x509.IPAddress(ip_address(host)) if is_address(host) else x509.DNSName(host)
        # No host in the subject: OpenSSL holds what looks like a name there to the constraints on
        # names, which an address cannot meet; and 64 characters are too few for many names.
        builder = _begun(
            _name("llmreplay leaf"),
            key,
            max(now - _BACKDATED, self.starts),
            min(now + LEAF_LIFE, self.ends),
        ).issuer_name(self.certificate.subject)
        for extension, critical in (
            (x509.SubjectAlternativeName([alternative]), False),
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (_usage(signs_certificates=False), True),
            (self._identifier, False),
        ):
            builder = builder.add_extension(extension, critical)
        return _key_pem(key) + builder.sign(self._key, SHA256()).public_bytes(Encoding.PEM)

    @cached_property
    def _identifier(self) -> x509.AuthorityKeyIdentifier:
        own = self.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
        return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own.value)


def _begun(
    name: x509.Name, key: ec.EllipticCurvePrivateKey, start: datetime, end: datetime
) -> x509.CertificateBuilder:
    """What a CA and its leaves have in common."""
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        # Python 3.13 insists on it (VERIFY_X509_STRICT).
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    )


def _permitted(constraints: Iterable[str]) -> x509.NameConstraints:
    """Constraints on every kind of name that a TLS client may take for a server's.

    What is constrained not at all is permitted wholly: hence addresses (this machine's own are
    always among them), and URIs, which Node took for names before 16.13.2. No constraint on
    directory names: Go refuses certificates that have one. A subject is no server's name where
    there is an alternative name, and OpenSSL holds names in it to the constraints where not.
    """
    return x509.NameConstraints(
        permitted_subtrees=[
            *(
                x509.IPAddress(ip_network(name)) if is_address(name) else x509.DNSName(name)
                for name in constraints
            ),
            x509.UniformResourceIdentifier(_NOWHERE),
            x509.RFC822Name(_NOWHERE),
        ],
        excluded_subtrees=None,
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "llmreplay"),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
