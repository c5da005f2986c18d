"""A request arrives as the client sent it, and is sent again only where that is safe."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from llmreplay.core.exchange import Ending, Request
from llmreplay.core.proxies import Proxies, Proxy
from llmreplay.errors import UpstreamError
from llmreplay.upstream import Patience, Upstream
from tests.fakes.company_proxy import CompanyProxy
from tests.fakes.origin import Asked, Close, Origin, Reset, Send, Step, Wait
from tests.upstream.reaching import heard, post, reaching

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

FINE = Send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine")


async def sent(request: Request) -> Asked:
    """What arrives at an origin when `request` (with `{origin}` for its URL's start) is sent."""
    async with Origin(lambda _: [FINE]) as origin, reaching() as upstream:
        url = request.url.format(origin=origin.url)
        there = Request(request.method, url, request.headers, request.body, request.upstream)
        answer = await upstream.send(there)
        assert await heard(answer) == b"fine"
        return origin.asked[0]


@pytest.mark.parametrize(
    "target",
    [
        "/v1/chat/completions",
        "//openai/./v1/../models",
        "/v1/%7Euser/%2F?q=a%20b+c&q=%e9&empty=",
        "/v1beta/models/gemini:streamGenerateContent?alt=sse&key=k",
        "/a;b=c?d;e|{}[]\"'",
        "/é?ü=ß",
        "/nothing/behind?",
    ],
)
async def test_path_and_query_are_spelled_as_given(target: str) -> None:
    asked = await sent(Request("POST", "{origin}" + target.replace("{", "{{").replace("}", "}}")))

    assert asked.target.encode("latin-1").decode() == target


async def test_headers_keep_spelling_order_and_duplicates() -> None:
    headers = (
        ("x-First", "1"),
        ("Authorization", "Bearer k"),
        ("X-Twice", "a"),
        ("Content-Type", "application/json"),
        ("X-Twice", "b"),
        ("Cookie", "session=kept"),
    )

    asked = await sent(Request("POST", "{origin}/", headers, b"{}"))

    assert [pair for pair in asked.headers if pair[0] not in {"Host", "Content-Length"}] == [
        *headers
    ]


async def test_no_header_is_added_but_host_and_length() -> None:
    assert {name for name, _ in (await sent(Request("POST", "{origin}/", (), b"{}"))).headers} == {
        "Host",
        "Content-Length",
    }
    assert [name for name, _ in (await sent(Request("GET", "{origin}/"))).headers] == ["Host"]


async def test_what_belongs_to_one_hop_stays_here() -> None:
    hop = (
        ("Host", "127.0.0.1:8787"),
        ("Connection", "keep-alive, X-Mine"),
        ("x-mine", "1"),
        ("Keep-Alive", "timeout=5"),
        ("Proxy-Authorization", "Basic c2Vzc2lvbjo="),
        ("TE", "trailers"),  # codespell:ignore te
        ("Transfer-Encoding", "chunked"),
        ("Upgrade", "h2c"),
        ("Expect", "100-continue"),
    )

    asked = await sent(Request("POST", "{origin}/", (*hop, ("X-Kept", "1")), b"body"))

    assert asked.headers[1:] == (("X-Kept", "1"), ("Content-Length", "4"))
    assert asked.headers[0][0] == "Host"
    assert asked.headers[0][1].startswith("127.0.0.1:")
    assert asked.header("host") != "127.0.0.1:8787"


async def test_the_length_is_that_of_the_body_where_the_client_had_it() -> None:
    headers = (("content-length", "999"), ("X-Last", "1"))

    asked = await sent(Request("POST", "{origin}/", headers, b"four"))

    assert asked.headers[1:] == (("content-length", "4"), ("X-Last", "1"))


@pytest.mark.parametrize("size", [0, 1, 512 * 1024 - 1, 512 * 1024, 3 * 1024 * 1024])
async def test_a_body_of_any_size_arrives_whole(size: int) -> None:
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)

    asked = await sent(Request("POST", "{origin}/", (), body))

    assert asked.body == body


async def test_a_redirect_and_its_cookies_are_the_clients_affair() -> None:
    head = b"HTTP/1.1 307 There\r\nLocation: /other\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n"
    async with Origin(lambda _: [Send(head)]) as origin, reaching() as upstream:
        for _ in range(2):
            answer = await upstream.send(post(f"{origin.url}/v1"))
            await heard(answer)

        assert answer.status == 307
        assert answer.headers[:2] == (("Location", "/other"), ("Set-Cookie", "a=b"))
        assert [asked.target for asked in origin.asked] == ["/v1", "/v1"]
        assert origin.asked[1].header("cookie") is None


async def test_proxy_variables_are_not_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    asked = await sent(Request("GET", "{origin}/direct"))

    assert asked.target == "/direct"


class Playing:
    """Answers each request with the next of `turns`."""

    def __init__(self, *turns: list[Step]) -> None:
        self._turns = iter(turns)

    def __call__(self, asked: Asked) -> Iterable[Step]:
        del asked
        return next(self._turns)


@pytest.mark.parametrize("end", [Close(), Reset()])
async def test_a_connection_kept_for_too_long_is_no_failure(end: Step) -> None:
    async with Origin(Playing([FINE], [end], [FINE])) as origin, reaching() as upstream:
        await heard(await upstream.send(post(f"{origin.url}/first")))

        answer = await upstream.send(post(f"{origin.url}/second", body=b"x" * 600_000))

        assert await heard(answer) == b"fine"
        assert [len(asked.body) for asked in origin.asked] == [2, 600_000, 600_000]


async def test_a_new_connection_that_closes_is_a_failure_at_once() -> None:
    async with Origin(Playing([Close()], [FINE])) as origin, reaching() as upstream:
        with pytest.raises(UpstreamError, match="closed the connection before it answered"):
            await upstream.send(post(origin.url))

        assert len(origin.asked) == 1


async def test_a_request_is_sent_again_only_once() -> None:
    def answers(asked: Asked) -> Iterable[Step]:
        # The first two overlap, so that two connections are kept.
        return [Wait(0.05), FINE] if asked.target == "/warm" else [Close()]

    async with Origin(answers) as origin, reaching() as upstream:
        warm = [upstream.send(post(f"{origin.url}/warm")) for _ in range(2)]
        for answer in await asyncio.gather(*warm):
            await heard(answer)

        with pytest.raises(UpstreamError, match="closed the connection before it answered"):
            await upstream.send(post(f"{origin.url}/cold"))

        assert [asked.target for asked in origin.asked[2:]] == ["/cold", "/cold"]


async def test_a_head_that_had_begun_is_not_asked_for_again() -> None:
    begun: list[Step] = [Send(b"HTTP/1.1 200 OK\r\nX-Request-Id: 1\r\n"), Close()]
    async with Origin(Playing([FINE], begun, [FINE])) as origin, reaching() as upstream:
        await heard(await upstream.send(post(origin.url)))

        with pytest.raises(UpstreamError, match="closed the connection before it answered"):
            await upstream.send(post(origin.url))

        assert len(origin.asked) == 2


async def test_a_request_that_was_worked_on_is_not_sent_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("llmreplay.upstream.attempt._STALE_SECONDS", 0.05)
    async with Origin(Playing([FINE], [Wait(0.1), Close()], [FINE])) as origin:
        async with reaching() as upstream:
            await heard(await upstream.send(post(origin.url)))

            with pytest.raises(UpstreamError, match="closed the connection before it answered"):
                await upstream.send(post(origin.url))

        assert len(origin.asked) == 2


async def test_many_streams_run_side_by_side() -> None:
    count = 500
    everyone = asyncio.Event()

    def answers(_: Asked) -> Iterable[Step]:
        if len(origin.asked) == count:
            everyone.set()
        return [
            Send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
            Send(b"5\r\nfirst\r\n"),
            Wait(0.2),
            Send(b"4\r\nlast\r\n0\r\n\r\n"),
        ]

    async def stream(upstream: Upstream) -> tuple[bytes, Ending]:
        answer = await upstream.send(post(f"{origin.url}/stream"))
        await everyone.wait()
        return await heard(answer), answer.ending

    async with Origin(answers) as origin, reaching() as upstream:
        async with asyncio.timeout(30):
            streams = await asyncio.gather(*(stream(upstream) for _ in range(count)))

    assert set(streams) == {(b"firstlast", Ending.COMPLETE)}


# -- through a company's proxy ------------------------------------------------------------------


@asynccontextmanager
async def company(origin: Origin, *, wanted: str = "") -> AsyncIterator[CompanyProxy]:
    """A proxy that alone knows where provider.test is."""
    there = ("127.0.0.1", urlsplit(origin.url).port or 0)
    places = {"provider.test:80": there, "provider.test:443": there}
    async with CompanyProxy(places, wanted=wanted) as proxy:
        yield proxy


async def told_by(upstream: Upstream, url: str) -> str:
    """Why there is no answer."""
    with pytest.raises(UpstreamError) as refused:
        await upstream.send(post(url))
    await upstream.close()
    return str(refused.value)


@pytest.mark.parametrize("wanted", ["", "Basic bWU6c2VjcmV0"])
async def test_a_request_goes_through_it_with_its_credentials(wanted: str) -> None:
    async with Origin(lambda _: [FINE]) as origin, company(origin, wanted=wanted) as proxy:
        upstream = Upstream(proxies=Proxies(http=proxy.proxy("me", "secret")))
        answer = await upstream.send(post("http://provider.test/v1?a=b", ("Proxy-X", "1")))
        assert await heard(answer) == b"fine"
        await upstream.close()
        assert proxy.asked == ["POST http://provider.test/v1?a=b HTTP/1.1"]
        assert await said_by_tls(proxy) == ["CONNECT provider.test:443 HTTP/1.1"]


async def said_by_tls(proxy: CompanyProxy) -> list[str]:
    """What it is asked for https://; the origin speaks no TLS, which is not its fault."""
    upstream = Upstream(
        patience=Patience(connect_seconds=0.3), proxies=Proxies(https=proxy.proxy("me", "secret"))
    )
    told = await told_by(upstream, "https://provider.test/v1")
    assert told.startswith('provider.test (upstream "acme") ')
    return proxy.asked[1:]


@pytest.mark.parametrize("scheme", ["https", "http"])
async def test_a_proxy_that_does_not_want_is_told(scheme: str) -> None:
    async with CompanyProxy(wanted="Basic bWU6c2VjcmV0") as proxy:
        wrong = proxy.proxy("me", "wrong")
        upstream = Upstream(proxies=Proxies(wrong, wrong))
        told = await told_by(upstream, f"{scheme}://provider.test/v1")
        assert told == (
            f"the proxy 127.0.0.1:{proxy.port} gives no connection to provider.test "
            '(upstream "acme") (Proxy Authentication Required): check HTTPS_PROXY, or give '
            "another with --upstream-proxy; with --upstream-proxy none the way is direct"
        )


async def test_a_proxy_that_speaks_no_http_is_told() -> None:
    async with CompanyProxy(answer=b"220 mail.example ESMTP\r\n\r\n") as proxy:
        told = await told_by(Upstream(proxies=Proxies(proxy.proxy())), "https://provider.test/v1")
        assert told.startswith(f"the proxy 127.0.0.1:{proxy.port} gives no connection to provider")
        assert "(Bad status line)" in told


async def test_a_proxy_that_is_not_there_is_told() -> None:
    async with CompanyProxy() as proxy:
        gone = proxy.proxy()
    told = await told_by(Upstream(proxies=Proxies(https=gone)), "https://provider.test/v1")
    assert told.startswith(f"the proxy {gone} gives no connection to provider.test ")
    nobody = Proxies(https=Proxy("nobody.invalid", 3128))
    told = await told_by(Upstream(proxies=nobody), "https://provider.test/v1")
    assert told.startswith("the proxy nobody.invalid:3128 gives no connection to provider.test ")


async def test_a_proxy_by_a_name_that_leads_back_here_is_not_asked() -> None:
    async with CompanyProxy() as proxy:
        upstream = Upstream(proxies=Proxies(https=Proxy("localhost", proxy.port)))
        upstream.addresses.leads_here = lambda _, port: port == proxy.port
        assert "that is llmreplay itself" in await told_by(upstream, "https://provider.test/v1")
        assert proxy.asked == []


async def test_this_machine_is_reached_without_it() -> None:
    async with Origin(lambda _: [FINE]) as origin, CompanyProxy() as proxy:
        upstream = Upstream(
            vouched_hosts=frozenset({"127.0.0.1"}), proxies=Proxies(http=proxy.proxy())
        )
        assert await heard(await upstream.send(post(origin.url))) == b"fine"
        await upstream.close()
        assert proxy.asked == []
