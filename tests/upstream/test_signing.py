"""What AWS would make of signatures that passed through here: verified, as it verifies them."""

from __future__ import annotations

import hashlib
import hmac
import re
import sys
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from llmreplay.core.exchange import Headers, Request, header
from llmreplay.errors import UpstreamError
from llmreplay.upstream.signing import Signer
from tests.fakes.origin import Asked, Origin, Send
from tests.upstream.reaching import heard, reaching

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("botocore")

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

REAL = "bedrock-runtime.us-east-1.amazonaws.com"
OURS = "127.0.0.1:8787"
CLIENTS = Credentials("AKIACLIENT", "the client's own", "and its token")
SECRET = "what botocore finds"
PATH = "/model/anthropic.claude-3-5-sonnet-20241022-v2%3A0/converse"
BODY = '{"messages":[{"content":[{"text":"é"}]}]}'.encode()

FINE = Send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine")


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials but those in these variables."""
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAFOUND")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)


def by_client(
    host: str, path: str = PATH, *, region: str = "us-east-1", extra: Headers = ()
) -> Headers:
    """The headers of a client that signed for `host`, in the order in which they are sent."""
    url = f"https://{host}{path}"
    headers = {"Content-Type": "application/json", "Accept-Encoding": "gzip, deflate, br"}
    asked = AWSRequest("POST", url, headers=headers | dict(extra), data=BODY)
    SigV4Auth(CLIENTS, "bedrock", region).add_auth(asked)
    return (("Host", host), *asked.headers.items(), ("User-Agent", "Boto3/1"))


def verifies(method: str, target: str, headers: Headers, body: bytes, secret: str) -> bool:
    """Whether the signature in `headers` is right, by AWS's public description of it."""
    found = re.fullmatch(
        r"AWS4-HMAC-SHA256 Credential=[^/]+/([^,]+), SignedHeaders=([^,]+), Signature=(\w+)",
        header(headers, "authorization") or "",
    )
    assert found is not None
    scope, names, signature = found.groups()
    path, _, query = target.partition("?")
    query = "&".join(sorted(query.split("&")))
    lines = [
        f"{name}:{' '.join((header(headers, name) or '').split())}" for name in names.split(";")
    ]
    wanted = [method, quote(path, safe="/~"), query, *lines, "", names]
    canonical = "\n".join([*wanted, hashlib.sha256(body).hexdigest()]).encode()
    digest = hashlib.sha256(canonical).hexdigest()
    key = f"AWS4{secret}".encode()
    date = header(headers, "x-amz-date") or ""
    for part in (*scope.split("/"), f"AWS4-HMAC-SHA256\n{date}\n{scope}\n{digest}"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key.hex() == signature


def holds(request: Request, host: str, secret: str) -> bool:
    """Whether AWS at `host` would take it."""
    parts = request.parts
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    headers = (("host", host), *(one for one in request.headers if one[0].lower() != "host"))
    return verifies(request.method, target, headers, request.body, secret)


def to(url: str, headers: Headers) -> Request:
    return Request("POST", url, headers, BODY, "bedrock")


async def arriving(request: Request) -> Asked:
    """What arrives at an origin; `{origin}` in the URL is its address."""
    async with Origin(lambda _: [FINE]) as origin, reaching() as upstream:
        url = request.url.format(origin=origin.url)
        answer = await upstream.send(to(url, request.headers))
        assert await heard(answer) == b"fine"
        return origin.asked[0]


async def test_what_came_through_the_proxy_arrives_as_it_was_signed() -> None:
    """A stand-in has the real host's place; but for Host, all that was signed is as it was."""
    target = f"{PATH}?b=%7E&a=1%20"
    headers = by_client(REAL, target, extra=(("X-Amzn-Bedrock-Trace", "a  b"),))
    signed = (header(headers, "authorization") or "").split("SignedHeaders=")[1].split(",")[0]

    asked = await arriving(to(f"{{origin}}{target}", headers))
    there = (("host", REAL), *(one for one in asked.headers if one[0] != "Host"))

    assert signed == (
        "accept-encoding;content-type;host;x-amz-date;x-amz-security-token;x-amzn-bedrock-trace"
    )
    assert verifies("POST", asked.target, there, asked.body, CLIENTS.secret_key)


async def test_a_host_is_spelled_as_the_client_spells_it() -> None:
    async with Origin(lambda _: [FINE]) as origin, reaching() as upstream:
        headers = (("Host", f"LocalHost:{origin.port}"),)
        await heard(await upstream.send(to(f"http://localhost:{origin.port}{PATH}", headers)))

        assert origin.asked[0].header("host") == f"LocalHost:{origin.port}"


async def test_what_was_signed_for_our_address_is_signed_for_where_it_goes() -> None:
    headers = by_client(OURS, f"/bedrock{PATH}", extra=(("X-Amzn-Bedrock-Trace", "ENABLED"),))

    asked = await arriving(to(f"{{origin}}{PATH}", headers))

    assert verifies("POST", asked.target, asked.headers, asked.body, SECRET)
    assert "AKIAFOUND/" in (asked.header("authorization") or "")
    assert [
        name for name, _ in asked.headers if name.lower() in {"authorization", "x-amz-date"}
    ] == [
        "X-Amz-Date",
        "Authorization",
    ]
    assert asked.header("x-amz-security-token") is None
    assert asked.header("x-amzn-bedrock-trace") == "ENABLED"


async def test_a_token_goes_with_the_credentials_that_it_belongs_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "found too")

    signed = await Signer().signed(to(f"https://{REAL}{PATH}", by_client(OURS)))

    assert holds(signed, REAL, SECRET)
    assert header(signed.headers, "x-amz-security-token") == "found too"


@pytest.mark.parametrize(
    "host",
    [REAL, "bedrock-mantle.us-east-1.api.aws", "bedrock-runtime.us-east-1.amazonaws.com:443"],
)
async def test_for_the_real_host(host: str) -> None:
    signer = Signer()
    for query in ("", "?x=1"):
        signed = await signer.signed(to(f"https://{host}{PATH}{query}", by_client(OURS)))

        assert holds(signed, host.removesuffix(":443"), SECRET)


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        (f"https://{REAL}{PATH}", by_client(REAL)),
        (f"https://{REAL}{PATH}", by_client(f"{REAL}:443")),
        (f"https://{REAL}:443{PATH}", by_client(REAL)),
        (f"https://{REAL}{PATH}", by_client(REAL.upper())),
        (f"http://127.0.0.1:9000{PATH}", by_client(REAL)),
        (f"https://{REAL}{PATH}", (("Host", OURS), ("Authorization", "Bearer bedrock-api-key"))),
        (f"https://{REAL}{PATH}", (("Host", OURS),)),
        (f"https://{REAL}{PATH}", (("Host", OURS), ("Authorization", "AWS4-HMAC-SHA256 odd"))),
        (f"https://{REAL}{PATH}", (("Host", OURS), ("Authorization", "AWS4-ECDSA-P256-SHA256 x"))),
    ],
    ids=range(9),
)
async def test_what_is_signed_well_or_in_another_way_stays_as_it_is(
    url: str, headers: Headers
) -> None:
    request = to(url, headers)

    assert await Signer().signed(request) is request


async def refused(request: Request) -> str:
    with pytest.raises(UpstreamError) as caught:
        await Signer().signed(request)
    return str(caught.value)


BEGINNING = (
    f'nothing was sent to {REAL} (upstream "bedrock"): the request is signed for {OURS}, and '
)
END = f"; or let the client reach {REAL} through HTTPS_PROXY, which keeps its own signature"


async def test_without_botocore_the_remedies_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "botocore.session", None)

    assert await refused(to(f"https://{REAL}{PATH}", by_client(OURS))) == (
        f"{BEGINNING}signing it anew needs botocore: pip install 'llmreplay[aws]'{END}"
    )


async def test_without_credentials_the_remedies_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")

    assert await refused(to(f"https://{REAL}{PATH}", by_client(OURS))) == (
        f"{BEGINNING}no AWS credentials were found to sign it anew: set AWS_ACCESS_KEY_ID and "
        f"AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, where llmreplay runs{END}"
    )


async def test_what_botocore_complains_of_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "missing")

    assert await refused(to(f"https://{REAL}{PATH}", by_client(OURS))) == (
        f"{BEGINNING}signing it anew failed, The config profile (missing) could not be found{END}"
    )


async def test_a_request_for_one_region_does_not_go_to_another() -> None:
    assert await refused(to(f"https://{REAL}{PATH}", by_client(OURS, region="eu-west-1"))) == (
        f"{BEGINNING}it asks for the region eu-west-1: give --upstream "
        f"NAME=https://bedrock-runtime.eu-west-1.amazonaws.com{END}"
    )


async def test_others_than_aws_may_not_look_at_signatures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    request = to(f"http://127.0.0.1:9000{PATH}", by_client(OURS))

    assert await Signer().signed(request) is request
