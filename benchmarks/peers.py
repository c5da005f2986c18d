"""What replay is measured against: the plainest server that aiohttp and nginx can be.

Run as a program it is the aiohttp one: `python peers.py answer|stream PORT`,
`paced PORT EVENTS`, `passing PORT UPSTREAM`.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from aiohttp import ClientSession, web

from benchmarks.cassettes import Sample, answer, stream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

__all__ = ["NGINX"]

ASKING = web.AppKey("asking", ClientSession)

NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log off; keepalive_requests 1000000;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{ listen 127.0.0.1:{port}; location / {{
    default_type application/json; return 200 '{body}'; }} }}
}}
"""


def bare(sample: Sample, *, streaming: bool) -> web.Application:
    """A handler that reads the request and returns the sample's bytes, or writes its events."""

    async def whole(request: web.Request) -> web.StreamResponse:
        await request.read()
        return web.Response(body=sample.response.body, content_type="application/json")

    async def event_by_event(request: web.Request) -> web.StreamResponse:
        await request.read()
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        for piece in sample.response.chunks:
            await response.write(piece.data)
        await response.write_eof()
        return response

    app = web.Application()
    app.router.add_post("/{path:.*}", event_by_event if streaming else whole)
    return app


def paced(sample: Sample) -> web.Application:
    """A handler that sleeps towards the absolute time of each event.

    Events come as often as `x-rate` says, a second, the first after `x-first` tenths of a second.
    """

    async def event_by_event(request: web.Request) -> web.StreamResponse:
        await request.read()
        clock = asyncio.get_running_loop().time
        due = clock() + int(request.headers.get("x-first", 0)) / 10
        between = 1 / float(request.headers.get("x-rate", "inf"))
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        for piece in sample.response.chunks:
            await asyncio.sleep(due - clock())
            await response.write(piece.data)
            due += between
        await response.write_eof()
        return response

    app = web.Application()
    app.router.add_post("/{path:.*}", event_by_event)
    return app


async def _passing(app: web.Application) -> AsyncIterator[None]:
    """What asks the upstream, for as long as the server runs."""
    async with ClientSession(auto_decompress=False) as app[ASKING]:
        yield


def passing(upstream: str) -> web.Application:
    """A handler that passes requests and answers on, piece by piece, and keeps nothing."""

    async def pass_on(request: web.Request) -> web.StreamResponse:
        body = await request.read()
        headers = {"content-type": request.headers["content-type"]}
        url = upstream + request.raw_path
        async with request.app[ASKING].post(url, data=body, headers=headers) as answer:
            response = web.StreamResponse(headers={"content-type": answer.content_type})
            await response.prepare(request)
            async for piece, _ in answer.content.iter_chunks():
                await response.write(piece)
            await response.write_eof()
        return response

    app = web.Application()
    app.cleanup_ctx.append(_passing)
    app.router.add_post("/{path:.*}", pass_on)
    return app


def _app(kind: str, more: str) -> web.Application:
    if kind == "paced":
        return paced(stream(int(more)))
    if kind == "passing":
        return passing(more)
    return bare(stream() if kind == "stream" else answer(), streaming=kind == "stream")


async def _serve(kind: str, port: int, more: str = "") -> None:
    runner = web.AppRunner(_app(kind, more), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    import uvloop  # the same loop as the product's, so that only the work differs

    uvloop.run(_serve(sys.argv[1], int(sys.argv[2]), *sys.argv[3:]))
