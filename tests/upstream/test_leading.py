"""Connections that are passed by unread, through a company's proxy."""

from __future__ import annotations

import asyncio

import pytest

from llmreplay.core.proxies import Proxies, Proxy
from llmreplay.errors import UpstreamError
from llmreplay.upstream import Patience, Upstream
from tests.fakes.company_proxy import CompanyProxy

REMEDY = (
    "check HTTPS_PROXY, or give another with --upstream-proxy; with --upstream-proxy none the way "
    "is direct"
)


async def said(proxy: Proxy, host: str = "pypi.test", port: int = 443) -> bytes:
    """What the host at the other end of a tunnel says."""
    upstream = Upstream(patience=Patience(connect_seconds=1), proxies=Proxies(proxy))
    reader = asyncio.StreamReader()
    try:
        transport = await upstream.tunnel(host, port, lambda: asyncio.StreamReaderProtocol(reader))
        transport.write(b"hello")
        heard = await reader.read()
        transport.close()
        return heard
    finally:
        await upstream.close()


async def refusal(proxy: Proxy, host: str = "pypi.test", port: int = 443) -> str:
    with pytest.raises(UpstreamError) as refused:
        await said(proxy, host, port)
    return str(refused.value)


async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A host that speaks first, in one packet with the proxy's answer if it can."""
    writer.write(b"welcome, ")
    writer.write(await reader.read(100))
    writer.close()


@pytest.mark.parametrize("wanted", ["", "Basic bWU6c2VjcmV0"])
async def test_a_tunnel_leads_through_it(wanted: str) -> None:
    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        there = server.sockets[0].getsockname()[:2]
        async with CompanyProxy({"pypi.test:443": there}, wanted=wanted) as company:
            assert await said(company.proxy("me", "secret")) == b"welcome, hello"
            assert company.asked == ["CONNECT pypi.test:443 HTTP/1.1"]


async def test_one_that_wants_to_know_who_asks() -> None:
    async with CompanyProxy(wanted="Basic bWU6c2VjcmV0") as company:
        assert await refusal(company.proxy("me", "wrong")) == (
            f"the proxy 127.0.0.1:{company.port} gives no connection to pypi.test:443 (it says "
            f"'HTTP/1.1 407 Proxy Authentication Required'): {REMEDY}"
        )


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200", b"x" * 20_000])
async def test_one_that_speaks_no_http(answer: bytes) -> None:
    async with CompanyProxy(answer=answer) as company:
        told = await refusal(company.proxy())
        assert told.endswith(f"(it does not answer in HTTP): {REMEDY}")


async def test_one_that_says_nothing() -> None:
    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(wait, "127.0.0.1", 0) as server:
        told = await refusal(Proxy(*server.sockets[0].getsockname()[:2]))
        assert told.endswith(f"(it does not answer): {REMEDY}")


async def test_one_that_is_not_there() -> None:
    async with CompanyProxy() as company:
        gone = company.proxy()
    told = await refusal(gone)
    assert told.endswith(f"(Connect call failed ('127.0.0.1', {gone.port})): {REMEDY}")


async def test_what_is_not_passed_by_is_not_through_it_either() -> None:
    async with CompanyProxy() as company:
        assert "10.0.0.1 is not a public address" in await refusal(company.proxy(), "10.0.0.1")
        assert "only port 443" in await refusal(company.proxy(), "pypi.test", 22)
        assert company.asked == []
