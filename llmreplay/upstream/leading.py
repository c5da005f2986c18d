"""What is said to a proxy so that it leads a connection on: CONNECT, and what it answers.

For connections that are passed by unread; for requests aiohttp does the same. `tunnelling` asks.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import socket

    from llmreplay.core.proxies import Proxy

__all__ = ["lead_on"]

_END_OF_HEAD: Final = b"\r\n\r\n"
_MOST_HEAD_BYTES: Final = 16 * 1024
_MOST_SHOWN: Final = 100
_ESTABLISHED: Final = re.compile(rb"HTTP/1\.[01] 200(?: .*)?")


async def lead_on(sock: socket.socket, proxy: Proxy, place: str) -> None:
    """Have `proxy`, at the other end of `sock`, lead it on to `place`; raises OSError."""
    told = f"Proxy-Authorization: {proxy.authorization}\r\n" if proxy.authorization else ""
    head = f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n{told}\r\n"
    await asyncio.get_running_loop().sock_sendall(sock, head.encode())
    status_line = (await _answer(sock)).partition(b"\r\n")[0]
    if _ESTABLISHED.fullmatch(status_line) is None:
        shown = status_line[:_MOST_SHOWN].decode("ascii", "replace")
        raise OSError(f"it says {shown!a}")


async def _answer(sock: socket.socket) -> bytes:
    """The head of an answer and not a byte more: what follows it is the host's."""
    loop = asyncio.get_running_loop()
    answer = b""
    while not answer.endswith(_END_OF_HEAD):
        missing = next(n for n in (1, 2, 3, 4) if answer.endswith(_END_OF_HEAD[: 4 - n]))
        piece = await loop.sock_recv(sock, missing)
        answer += piece
        if not piece or len(answer) > _MOST_HEAD_BYTES:
            raise OSError("it does not answer in HTTP")
    return answer
