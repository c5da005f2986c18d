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

from llmreplay.certificates.names import OURSELVES, above, is_address

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["CA_LIFE", "LEAF_LIFE", "Issuer"]

CA_LIFE: Final = timedelta(days=30)
LEAF_LIFE: Final = timedelta(hours=24)

_BACKDATED: Final = timedelta(hours=1)
"""Clocks of containers and machines differ a little."""

_EXPIRED_SINCE: Final = timedelta(days=1)
"""No clock differs by as much."""

_NAMES_EACH: Final = 16
"""How many names one signer may vouch for."""

_NOWHERE: Final = "llmreplay.invalid"
"""A name that nobody can have (RFC 6761): what is permitted of kinds of names we never use."""


@dataclass(frozen=True)
class Issuer:
    """A CA: the root that clients trust, and the signers below it, which all have one key.

    The root's own key is forgotten as soon as it has signed them. Java (17) does not look at the
    constraints of what it trusts, only at those below; so whoever steals the key that is kept is
    held to the names by every client.
    """

    root: x509.Certificate
    _signers: tuple[x509.Certificate, ...]
    _key: ec.EllipticCurvePrivateKey

    @classmethod
    def made(cls, constraints: Sequence[str], now: datetime) -> Issuer:
        """A new CA, that may vouch for `constraints` (`Names.constraints`) and nothing else."""
        root_key, key = _new_key(), _new_key()
        # Each has a name of its own, so that a client that knows several never tries the wrong one.
        name = f"llmreplay local CA {secrets.token_hex(4)}"
        begun = _begun(_name(name), root_key, now - _BACKDATED, now + CA_LIFE)
        root = _signed(_authority(begun, constraints, path_length=1), _name(name), root_key)
        signers = []
        for number, part in enumerate(_parts(constraints), start=1):
            begun = _begun(_name(f"{name} signer {number}"), key, _start(root), _end(root))
            begun = _authority(begun, part, path_length=0)
            signers.append(_signed(begun, root.subject, root_key, parent=root))
        return cls(root, tuple(signers), key)

    @classmethod
    def loaded(cls, pem: bytes) -> Issuer:
        """The CA that `pem` gave. Raises ValueError or other errors if it is none."""
        root, *signers = x509.load_pem_x509_certificates(pem)
        key = load_pem_private_key(pem, password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or not signers:
            raise ValueError("this was not made here")
        for signer in signers:
            signer.verify_directly_issued_by(root)
            if signer.public_key() != key.public_key():
                raise ValueError("its key is not that of its certificates")
        return cls(root, tuple(signers), key)

    @property
    def pem(self) -> bytes:
        """The key and all certificates, to be kept."""
        return _key_pem(self._key) + b"".join(map(_pem, (self.root, *self._signers)))

    @property
    def root_pem(self) -> bytes:
        """The root, to be given away and trusted."""
        return _pem(self.root)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the root, in hex with colons."""
        return self.root.fingerprint(SHA256()).hex(":").upper()

    @property
    def ends(self) -> datetime:
        """When the root's validity ends."""
        return _end(self.root)

    def lasts(self, now: datetime, spare: timedelta) -> bool:
        """Whether it is valid, and will be for `spare` longer."""
        return _start(self.root) <= now and now + spare <= self.ends

    def leaf(self, host: str, now: datetime) -> bytes:
        """Key and chain for one host, a name or an address in its normal spelling."""
        signer = self._signer(host)
        start = max(now - _BACKDATED, _start(signer))
        return self._leaf(host, signer, start, min(now + LEAF_LIFE, _end(signer)))

    def expired_leaf(self, host: str, now: datetime) -> bytes:
        """The same, but its time was over a day ago."""
        ended = now - _EXPIRED_SINCE
        return self._leaf(host, self._signer(host), ended - LEAF_LIFE, ended)

    def _leaf(self, host: str, signer: x509.Certificate, start: datetime, end: datetime) -> bytes:
        key = _new_key()
        # No host in the subject: OpenSSL holds what looks like a name there to the constraints on
        # names, which an address cannot meet; and 64 characters are too few for many names.
        begun = _begun(_name("llmreplay leaf"), key, start, end)
        name = x509.IPAddress(ip_address(host)) if is_address(host) else x509.DNSName(host)
        begun = begun.add_extension(x509.SubjectAlternativeName([name]), critical=False)
        begun = begun.add_extension(_usage(signs_certificates=False), critical=True)
        begun = begun.add_extension(
            x509.BasicConstraints(ca=False, path_length=None), critical=True
        )
        leaf = _signed(begun, signer.subject, self._key, parent=signer)
        return _key_pem(key) + _pem(leaf) + _pem(signer)

    def _signer(self, host: str) -> x509.Certificate:
        for name in (host, *above(host)):
            if (signer := self._signer_of.get(name)) is not None:
                return signer
        raise LookupError(host)

    @cached_property
    def _signer_of(self) -> dict[str, x509.Certificate]:
        """By what each is permitted to vouch for."""
        return {
            str(permitted.value).partition("/")[0]: signer
            for signer in self._signers
            for permitted in signer.extensions.get_extension_for_class(
                x509.NameConstraints
            ).value.permitted_subtrees
            or ()
        }


def _parts(constraints: Sequence[str]) -> list[tuple[str, ...]]:
    """`constraints` by the handful: each handshake carries one signer, and all of it is read.

    Our own names are in each: a kind of name that is not constrained at all is wholly permitted.
    """
    others = [name for name in constraints if name not in OURSELVES]
    starts = range(0, len(others), _NAMES_EACH) or (0,)
    return [(*OURSELVES, *others[start : start + _NAMES_EACH]) for start in starts]


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


def _authority(
    begun: x509.CertificateBuilder, constraints: Iterable[str], *, path_length: int
) -> x509.CertificateBuilder:
    """What makes a certificate one of an authority for `constraints` alone."""
    begun = begun.add_extension(
        x509.BasicConstraints(ca=True, path_length=path_length), critical=True
    )
    begun = begun.add_extension(_usage(signs_certificates=True), critical=True)
    return begun.add_extension(_permitted(constraints), critical=True)


def _signed(
    begun: x509.CertificateBuilder,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    *,
    parent: x509.Certificate | None = None,
) -> x509.Certificate:
    """The certificate, which says whose key (that of `parent`) has signed it."""
    if parent is not None:
        found = parent.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        identifier = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(found)
        begun = begun.add_extension(identifier, critical=False)
    return begun.issuer_name(issuer).sign(key, SHA256())


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


def _start(certificate: x509.Certificate) -> datetime:
    return certificate.not_valid_before_utc


def _end(certificate: x509.Certificate) -> datetime:
    return certificate.not_valid_after_utc


def _new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
