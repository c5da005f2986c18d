"""What replay is measured against: the plainest server that aiohttp and nginx can be.

Run as a program it is the aiohttp one: `python peers.py answer|stream PORT`.
"""

from __future__ import annotations

import asyncio
import sys

from aiohttp import web

from benchmarks.cassettes import Sample, answer, stream

__all__ = ["NGINX"]

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


async def _serve(kind: str, port: int) -> None:
    streaming = kind == "stream"
    runner = web.AppRunner(
        bare(stream() if streaming else answer(), streaming=streaming), access_log=None
    )
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    import uvloop  # the same loop as the product's, so that only the work differs

    uvloop.run(_serve(sys.argv[1], int(sys.argv[2])))
