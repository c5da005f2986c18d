"""Operations on the run as a whole: health, cassettes, figures, the CA, and these documents."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import orjson

from llmreplay import __version__
from llmreplay.control.answers import PROBLEM, Answer, ProblemError, ok
from llmreplay.control.figures import figures
from llmreplay.control.metrics import MEDIA_TYPE, scrape
from llmreplay.control.operations import Operation, Returns
from llmreplay.control.page import HTML, STYLE, page
from llmreplay.control.schemas import ref
from llmreplay.control.setups import mode_word
from llmreplay.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmreplay.control.operations import Asked
    from llmreplay.control.ports import Run
    from llmreplay.control.stats import Stats
    from llmreplay.core.dialect import Json

__all__ = ["about_operations"]

PEM = "application/x-pem-file"
PROMETHEUS = "text/plain"


def about_operations(
    run: Run,
    stats: Stats,
    count_sessions: Callable[[], int],
    document: Callable[[], Json],
) -> tuple[Operation, ...]:
    """What one can ask of a run. `document` gives the OpenAPI document."""
    found = _Api(run, stats, count_sessions, document)
    return (
        Operation("GET", "/health", "Whether it runs, and what", found.health,
                  {200: Returns("It does.", ref("Health"))}, for_all=True),
        Operation("GET", "/cassettes", "What is loaded", found.cassettes,
                  {200: Returns("By name.", ref("Cassettes"))}),
        Operation("GET", "/stats", "Figures since the start", found.stats,
                  {200: Returns("The figures.", ref("Stats"))}),
        Operation("GET", "/metrics", "Figures for Prometheus", found.metrics,
                  {200: Returns("In the format that is accepted.", media_type=PROMETHEUS)}),
        Operation("GET", "/ca.pem", "The certificate of the local CA, to be trusted by clients "
                  "of the proxy", found.ca_pem,
                  {200: Returns("The certificate.", media_type=PEM),
                   409: Returns("It cannot be made.", ref("Problem"), PROBLEM)}),
        Operation("GET", "/openapi.json", "This API, for programs", found.openapi,
                  {200: Returns("An OpenAPI 3.1 document.", {"type": "object"})}),
        Operation("GET", "/docs", "This API, for people", found.docs,
                  {200: Returns("A page.", media_type="text/html")}),
    )  # fmt: skip


class _Api:
    def __init__(
        self,
        run: Run,
        stats: Stats,
        count_sessions: Callable[[], int],
        document: Callable[[], Json],
    ) -> None:
        self._run = run
        self._stats = stats
        self._count_sessions = count_sessions
        self._document = document

    async def health(self, asked: Asked) -> Answer:  # noqa: ARG002  # of all asked for nothing
        return ok({"status": "ok", "version": __version__, "mode": mode_word(self._run.mode)})

    async def cassettes(self, asked: Asked) -> Answer:  # noqa: ARG002  # as above
        return ok({"cassettes": [one._asdict() for one in self._run.cassettes()]})

    async def stats(self, asked: Asked) -> Answer:  # noqa: ARG002  # as above
        return ok(await figures(self._stats, self._run.usages))

    async def metrics(self, asked: Asked) -> Answer:  # noqa: ARG002  # as above
        return Answer(200, scrape(self._stats, self._count_sessions), MEDIA_TYPE)

    async def ca_pem(self, asked: Asked) -> Answer:  # noqa: ARG002  # as above
        try:
            pem = await asyncio.to_thread(self._run.ca_pem)
        except UsageError as error:
            raise ProblemError(409, str(error)) from error
        return Answer(200, pem.encode(), PEM)

    async def openapi(self, asked: Asked) -> Answer:  # noqa: ARG002  # as above
        return Answer(200, orjson.dumps(self._document(), option=orjson.OPT_INDENT_2))

    async def docs(self, asked: Asked) -> Answer:  # noqa: ARG002  # as above
        policy = f"default-src 'none'; style-src '{STYLE}'; frame-ancestors 'none'"
        body = page(self._document()).encode()
        return Answer(200, body, HTML, (("content-security-policy", policy),))
