"""What stands in the certificates, and what clients make of one by a thief.

In-process for Python; Node, curl and Java over sockets, where they are there.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import ssl
import subprocess
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID

from llmreplay.certificates import constrained
from llmreplay.certificates.issuing import Issuer
from llmreplay.certificates.roots import java_store
from llmreplay.dialects.providers import provider_hosts
from tests.certificates.tls import TLS_1_2, TLS_1_3, forged, serving, shaken, trusting

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
HOSTS = ("api.openai.com", "*.openai.azure.com", "127.0.0.3")

# What a thief may try: whom the client wants, and what stands in subject and alternative names.
OUTSIDE = {
    "another name": ("bank.example", "thief", ["bank.example"]),
    "another name beside one of ours": (
        "bank.example",
        "thief",
        ["api.openai.com", "bank.example"],
    ),
    "a wildcard": ("bank.example", "thief", ["*.example"]),
    "the name above": ("openai.com", "thief", ["openai.com"]),
    "a name that ends alike": ("notapi.openai.com", "thief", ["notapi.openai.com"]),
    "a subject": ("bank.example", "bank.example", []),
    "a subject beside an address of ours": ("bank.example", "bank.example", ["127.0.0.1"]),
    "a URI": ("bank.example", "thief", ["https://bank.example/"]),
    "another address": ("127.0.0.2", "thief", ["127.0.0.2"]),
    "an address as a subject": ("127.0.0.2", "127.0.0.2", []),
    "another address of the sixth kind": ("::2", "thief", ["::2"]),
}
OURS = {
    "a name": "api.openai.com",
    "a name under a suffix": "mine.openai.azure.com",
    "a name under a suffix, two below": "a.b.openai.azure.com",
    "our own name": "localhost",
    "our own address": "127.0.0.1",
    "an address": "127.0.0.3",
    "our own address of the sixth kind": "::1",
}


@pytest.fixture
def issuer() -> Issuer:
    return Issuer.made(constrained(HOSTS), datetime.now(UTC))


@pytest.fixture
def served(issuer: Issuer, tmp_path: Path) -> dict[str, tuple[str, ssl.SSLContext]]:
    """All of `OURS` and `OUTSIDE`: whom the client wants, and what it meets."""
    now = datetime.now(UTC)
    return {
        **{case: (host, serving(tmp_path, issuer.leaf(host, now))) for case, host in OURS.items()},
        **{
            case: (host, forged(issuer, tmp_path, subject, names))
            for case, (host, subject, names) in OUTSIDE.items()
        },
    }


EXPECTED = {**dict.fromkeys(OURS, True), **dict.fromkeys(OUTSIDE, False)}


@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3])
def test_a_stolen_key_is_of_no_use_elsewhere_to_python(
    issuer: Issuer, served: dict[str, tuple[str, ssl.SSLContext]], version: ssl.TLSVersion
) -> None:
    client = trusting(issuer.root_pem.decode(), version)

    def accepts(host: str, server: ssl.SSLContext) -> bool:
        try:
            shaken(server, client, host)
        except ssl.SSLCertVerificationError:
            return False
        return True

    assert {case: accepts(*one) for case, one in served.items()} == EXPECTED


NODE = """
const fs = require("fs"), tls = require("tls");
const { ca, cases } = JSON.parse(fs.readFileSync(0));
const met = {};
for (const [name, host, port] of cases) {
  const isName = /[g-z]/.test(host);
  const socket = tls.connect({
    host: host.includes(":") ? "::1" : "127.0.0.1", port, ca: [ca],
    servername: isName ? host : "",
    checkServerIdentity: (_, shown) => tls.checkServerIdentity(host, shown),
  });
  socket.on("secureConnect", () => { met[name] = true; socket.destroy(); });
  socket.on("error", () => { met[name] = false; });
}
process.on("exit", () => console.log(JSON.stringify(met)));
"""

JAVA = """
import java.net.Socket;
import java.util.Scanner;
import javax.net.ssl.*;

class Client {
  public static void main(String[] arguments) throws Exception {
    Scanner cases = new Scanner(System.in).useDelimiter("[\\t\\n]");
    while (cases.hasNext()) {
      String name = cases.next(), host = cases.next();
      int port = cases.nextInt();
      boolean met = true;
      SSLSocketFactory factory = (SSLSocketFactory) SSLSocketFactory.getDefault();
      try (Socket raw = new Socket(host.contains(":") ? "::1" : "127.0.0.1", port)) {
        SSLSocket socket = (SSLSocket) factory.createSocket(raw, host, port, true);
        SSLParameters asked = socket.getSSLParameters();
        asked.setEndpointIdentificationAlgorithm("HTTPS");
        socket.setSSLParameters(asked);
        socket.startHandshake();
      } catch (SSLException refused) {
        met = false;
      }
      System.out.println(name + "\\t" + met);
    }
  }
}
"""


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not there")
    return found


async def said(stdin: str, *command: str) -> str:
    """What a command prints, its complaints aside."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    out, _ = await process.communicate(stdin.encode())
    return out.decode()


async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One request, if there is any, and an answer."""
    if await reader.read(65_536):
        writer.write(b"HTTP/1.1 204 Met\r\nConnection: close\r\n\r\n")
    writer.close()


async def listening(
    stack: AsyncExitStack, served: Mapping[str, tuple[str, ssl.SSLContext]]
) -> list[tuple[str, str, int]]:
    """Each case, the host that is wanted, and the port where it is served."""
    cases = []
    for case, (host, context) in served.items():
        place = "::1" if ":" in host else "127.0.0.1"
        try:
            server = await asyncio.start_server(answered, place, 0, ssl=context)
        except OSError:
            pytest.skip("there is no IPv6")
        await stack.enter_async_context(server)
        cases.append((case, host, server.sockets[0].getsockname()[1]))
    return cases


async def test_a_stolen_key_is_of_no_use_elsewhere_to_node(
    issuer: Issuer, served: dict[str, tuple[str, ssl.SSLContext]]
) -> None:
    node = program("node")
    async with AsyncExitStack() as stack:
        cases = await listening(stack, served)
        given = json.dumps({"ca": issuer.root_pem.decode(), "cases": cases})

        assert json.loads(await said(given, node, "-e", NODE)) == EXPECTED


async def test_a_stolen_key_is_of_no_use_elsewhere_to_curl(
    issuer: Issuer, served: dict[str, tuple[str, ssl.SSLContext]], tmp_path: Path
) -> None:
    curl = program("curl")
    root = tmp_path / "root.pem"
    root.write_bytes(issuer.root_pem)

    async def accepts(host: str, port: int) -> bool:
        spelled, place = (f"[{host}]", "[::1]") if ":" in host else (host, "127.0.0.1")
        there = ("--connect-to", f"::{place}:{port}", f"https://{spelled}:{port}/")
        shown = ("-s", "-o", "/dev/null", "-w", "%{http_code}")
        return await said("", curl, *shown, "--cacert", str(root), *there) == "204"

    async with AsyncExitStack() as stack:
        cases = await listening(stack, served)
        met = {case: await accepts(host, port) for case, host, port in cases}

    assert met == EXPECTED


async def test_a_stolen_key_is_of_no_use_elsewhere_to_java(
    issuer: Issuer, served: dict[str, tuple[str, ssl.SSLContext]], tmp_path: Path
) -> None:
    """Java (17) overlooks the constraints of what it trusts: the signer's own must hold."""
    java = program("java")
    (tmp_path / "Client.java").write_text(JAVA)
    (tmp_path / "trust.p12").write_bytes(java_store([issuer.root_pem]))
    options = (
        f"-Djavax.net.ssl.trustStore={tmp_path / 'trust.p12'}",
        "-Djavax.net.ssl.trustStoreType=PKCS12",
        "-Djavax.net.ssl.trustStorePassword=changeit",
    )
    async with AsyncExitStack() as stack:
        cases = await listening(stack, served)
        given = "".join(f"{case}\t{host}\t{port}\n" for case, host, port in cases)
        lines = await said(given, java, *options, str(tmp_path / "Client.java"))

    met = dict(line.split("\t") for line in lines.splitlines())
    assert {case: one == "true" for case, one in met.items()} == EXPECTED


def test_a_signer_has_few_names_and_all_of_them_are_vouched_for() -> None:
    issuer = Issuer.made(names := constrained(provider_hosts()), NOW)

    assert [name for name in names if issuer._signer(name) is None] == []
    assert max(len(issuer.leaf(name, NOW)) for name in names) < 5_000


def test_of_no_names_but_ours_there_is_one_signer() -> None:
    issuer = Issuer.made(constrained(()), NOW)

    assert len(issuer._signers) == 1
    with pytest.raises(LookupError):
        issuer.leaf("api.openai.com", NOW)


def test_the_root_vouches_for_servers_of_its_names_for_30_days(issuer: Issuer) -> None:
    issuer = Issuer.made(constrained(["api.openai.com"]), NOW)
    extensions = issuer.root.extensions
    constraints = extensions.get_extension_for_class(x509.NameConstraints)

    assert issuer.root.not_valid_before_utc == NOW - timedelta(hours=1)
    assert issuer.root.not_valid_after_utc == issuer.ends == NOW + timedelta(days=30)
    assert {one.oid._name: one.critical for one in extensions} == {
        "subjectKeyIdentifier": False,
        "extendedKeyUsage": False,
        "basicConstraints": True,
        "keyUsage": True,
        "nameConstraints": True,
    }
    assert [*extensions.get_extension_for_class(x509.ExtendedKeyUsage).value] == [
        ExtendedKeyUsageOID.SERVER_AUTH
    ]
    assert [str(one.value) for one in constraints.value.permitted_subtrees or ()] == [
        "127.0.0.1/32",
        "::1/128",
        "api.openai.com",
        "localhost",
        "llmreplay.invalid",
        "llmreplay.invalid",
    ]


def test_the_key_that_is_kept_is_not_the_roots(issuer: Issuer) -> None:
    key = load_pem_private_key(issuer.pem, password=None)

    assert issuer.pem.count(b"PRIVATE KEY") == 2  # BEGIN and END of one
    assert key.public_key() != issuer.root.public_key()


@pytest.mark.parametrize("host", ["api.openai.com", f"{'a.' * 100}openai.azure.com", "::1"])
def test_a_leaf_is_for_one_host_for_24_hours(issuer: Issuer, host: str) -> None:
    now = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    leaf = x509.load_pem_x509_certificate(issuer.leaf(host, now))
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value

    assert [str(name.value) for name in names] == [host]
    assert leaf.not_valid_before_utc == now - timedelta(hours=1)
    assert leaf.not_valid_after_utc == now + timedelta(hours=24)
    assert leaf.subject.rfc4514_string() == "CN=llmreplay leaf,O=llmreplay"


def test_a_leaf_does_not_outlive_its_authority() -> None:
    issuer = Issuer.made(constrained(["api.openai.com"]), NOW)
    late, early = NOW + timedelta(days=29, hours=23), NOW

    assert _leaf(issuer, late).not_valid_after_utc == issuer.ends
    assert _leaf(issuer, early).not_valid_before_utc == issuer.root.not_valid_before_utc


def _leaf(issuer: Issuer, now: datetime) -> x509.Certificate:
    return x509.load_pem_x509_certificate(issuer.leaf("api.openai.com", now))


def test_it_is_kept_and_loaded_whole(issuer: Issuer) -> None:
    again = Issuer.loaded(issuer.pem)

    assert (again.pem, again.fingerprint) == (issuer.pem, issuer.fingerprint)
    assert len(issuer.fingerprint) == 95


def test_what_is_not_whole_is_not_loaded(issuer: Issuer) -> None:
    other = Issuer.made(constrained(HOSTS), NOW)
    begin = b"-----BEGIN CERTIFICATE-----"
    key, root, signer = issuer.pem.split(begin)
    other_key, other_root, _ = other.pem.split(begin)
    wrong = [
        begin.join([key, root]),
        begin.join([other_key, root, signer]),
        begin.join([key, other_root, signer]),
        begin.join([b"", root, signer]),
        issuer.pem[: len(issuer.pem) // 2],
        b"",
        b"\0" * 100,
    ]

    assert Issuer.loaded(begin.join([key, root, signer])).pem == issuer.pem
    for pem in wrong:
        with pytest.raises((ValueError, InvalidSignature)):
            Issuer.loaded(pem)


@pytest.mark.parametrize(
    ("now", "lasts"),
    [
        (NOW - timedelta(hours=2), False),
        (NOW, True),
        (NOW + timedelta(days=23), True),
        (NOW + timedelta(days=23, seconds=1), False),
        (NOW + timedelta(days=31), False),
    ],
)
def test_it_lasts_while_there_is_time_to_spare(now: datetime, lasts: bool) -> None:  # noqa: FBT001  # a case
    issuer = Issuer.made(constrained(HOSTS), NOW)

    assert issuer.lasts(now, timedelta(days=7)) is lasts
