"""Recording where only a company's proxy leads out, as its environment says."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from typing import TYPE_CHECKING

from llmreplay.certificates import Authority
from tests.fakes.company_proxy import CompanyProxy
from tests.scenarios.process import Running

if TYPE_CHECKING:
    from pathlib import Path

ANSWER = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"a": 17}'


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    assert b"secret" not in head
    writer.write(ANSWER)
    await writer.drain()
    writer.close()


def record(folder: Path, environ: dict[str, str]) -> str:
    """All that is said by a recording of one request."""
    flags = ("--upstream", "mine=https://provider.test", "--ca-dir", folder / "ca")
    with Running("record", *flags, cwd=folder, env=environ) as recording:
        request = urllib.request.Request(f"{recording.url}/mine/v1/x", b"{}")  # noqa: S310  # our own
        with urllib.request.urlopen(request, timeout=10) as told:  # noqa: S310  # our own
            assert json.loads(told.read()) == {"a": 17}
        done = recording.stop()
    return done.output + done.errors


async def test_a_recording_is_made_through_it(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "provider-ca", ["provider.test"])
    tls = authority.context("provider.test", None)
    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls) as provider:
        places = {"provider.test:443": provider.sockets[0].getsockname()[:2]}
        async with CompanyProxy(places, wanted="Basic bWU6c2VjcmV0") as company:
            environ = {
                "HTTPS_PROXY": f"http://me:secret@127.0.0.1:{company.port}",
                "SSL_CERT_FILE": str(authority.files().ca),
            }
            said = await asyncio.to_thread(record, tmp_path, environ)
            assert company.asked == ["CONNECT provider.test:443 HTTP/1.1"]
    assert f"providers are reached through the proxy 127.0.0.1:{company.port}" in said
    assert "secret" not in said
    assert "secret" not in (tmp_path / "cassettes" / "default.yaml").read_text()
