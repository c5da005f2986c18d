"""The way of every exchange through the proxy: a tunnel to the provider's real host, many at once.

Origins stand in for real hosts with `--upstream NAME=URL`. That takes the place of known providers
only, so recording asks for others under the address of their origin; replay asks for all under
their own.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from llmreplay.dialects.providers import provider_of_host
from llmreplay.interop.upstream_name import upstream_name
from tests.corpus.client import Connection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.corpus.client import Proxy, Received
    from tests.corpus.corpus import Taken
    from tests.corpus.round_trip import Case

__all__ = ["TUNNELS", "address", "allowed_hosts", "as_asked", "ask_all", "is_known"]

TUNNELS = 200
"""That are open at the same time."""

_REGIONS = {"<AWS_REGION>": "us-east-1", "test-location": "us-central1"}
_USUAL_PORTS = {None, 80, 443}


def as_asked(taken: Taken) -> Taken:
    """With a region where its recorder put a word for one: no host is called so."""
    exchange = taken.exchange
    url = exchange.request.url
    for word, region in _REGIONS.items():
        url = url.replace(word, region)
    if url == exchange.request.url:
        return taken
    request = replace(exchange.request, url=url)
    return replace(taken, exchange=replace(exchange, request=request, upstream=upstream_name(url)))


def address(case: Case) -> str:
    """Scheme, host and port of the provider."""
    parts = case.taken.exchange.request.parts
    return f"{parts.scheme}://{parts.netloc}"


def is_known(case: Case) -> bool:
    """Whether the host is that of a provider known by name."""
    return provider_of_host(case.taken.exchange.request.parts.netloc) is not None


def allowed_hosts(cases: Iterable[Case]) -> list[str]:
    """The flags that let through the hosts of unknown providers."""
    unknown = {address(case): case for case in cases if not is_known(case)}
    hosts = []
    for case in unknown.values():
        parts = case.taken.exchange.request.parts
        hosts.append(parts.hostname if parts.port in _USUAL_PORTS else parts.netloc)
    return [part for host in hosts for part in ("--allow-host", str(host))]


async def ask_all(
    proxy: Proxy, sequences: Iterable[list[Case]], address_of: Callable[[Case], str]
) -> dict[int, Received]:
    """What the client gets for each case by its number; a tunnel a sequence, in its order.

    Nobody asks for anything before the first tunnels are all open.
    """
    waiting = list(sequences)[::-1]
    received: dict[int, Received] = {}
    all_open = asyncio.Barrier(TUNNELS)

    async def converse(sequence: list[Case], tunnel: Connection) -> None:
        for case in sequence:
            request = case.taken.exchange.request
            received[case.number] = await tunnel.ask(
                request.method, case.origin_target, case.request_headers, request.body
            )

    async def work(first: list[Case]) -> None:
        async with Connection(address_of(first[0]), proxy) as tunnel:
            await tunnel.open()
            await all_open.wait()
            await converse(first, tunnel)
        while waiting:
            sequence = waiting.pop()
            async with Connection(address_of(sequence[0]), proxy) as tunnel:
                await converse(sequence, tunnel)

    async with asyncio.TaskGroup() as workers:
        for _ in range(TUNNELS):
            workers.create_task(work(waiting.pop()))
    return received
