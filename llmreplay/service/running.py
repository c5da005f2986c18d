"""The whole life of `record` and `serve`: loop, signals, the command that is run, exit status."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from dataclasses import replace
from typing import TYPE_CHECKING

from llmreplay import child
from llmreplay.environment import Served, upstreams_of, variables
from llmreplay.errors import LlmreplayError
from llmreplay.service.serving import Service

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from llmreplay.service.reports import Reporting
    from llmreplay.service.serving import Report
    from llmreplay.settings import Settings

__all__ = ["run"]

_MISSED = 3


def run(settings: Settings, report: Report, command: Sequence[str] = ()) -> int:
    """Serve until SIGINT or SIGTERM, or until `command` has ended; returns the exit status.

    Without a command that is 0, or 1 if something was not stored. With one it is the command's;
    if that is 0, then 1 if something was not stored, and 3 if there was a miss. The command
    finds every variable set that its clients read. Raises `UsageError` or `CassetteError` for
    what is wrong before the first request.
    """
    reporting = _reporting(settings, command)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        if command:
            return runner.run(_run_command(settings, report, command, reporting))
        return runner.run(_run(settings, report, reporting))


async def _run(settings: Settings, report: Report, reporting: Reporting | None) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with Service(settings, report, owns_process=True, reporting=reporting) as service:
        await stop.wait()
    _write(reporting, service, report)
    return service.status


async def _run_command(
    settings: Settings, report: Report, command: Sequence[str], reporting: Reporting | None
) -> int:
    settings = replace(settings, gateways=upstreams_of(os.environ))
    async with Service(settings, report, owns_process=True, reporting=reporting) as service:
        status = await child.run(command, await _environment(service), say=report.warn)
    _write(reporting, service, report, status)
    return status or service.status or (_MISSED if service.misses else 0)


def _reporting(settings: Settings, command: Sequence[str]) -> Reporting | None:
    """The report that is asked for. Raises `UsageError` if it cannot be written where it is to."""
    if settings.report is None:
        return None
    from llmreplay.service.reports import Reporting  # noqa: PLC0415  # only those pay who ask

    return Reporting(settings.report, "serve" if settings.mode == "replay" else "record", command)


def _write(
    reporting: Reporting | None, service: Service, report: Report, program_status: int | None = None
) -> None:
    """Write the report; if it cannot be, something was not stored."""
    if reporting is None:
        return
    try:
        reporting.write(stored=service.status == 0, program_status=program_status)
    except LlmreplayError as error:
        service.status = 1
        report.warn(str(error))


async def _environment(service: Service) -> Mapping[str, str]:
    """What the command finds in its environment: ours, with every variable that leads here."""
    files = await asyncio.to_thread(service.authority.files)
    served = Served(
        url=service.url,
        session=None,
        replaying=service.replaying,
        trust=files,
        recorded=service.recorded,
        password=service.password,
    )
    return {**os.environ, **variables(served, os.environ)}


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Take uvloop where it is installed; None stands for asyncio's own."""
    with contextlib.suppress(ImportError):
        import uvloop  # noqa: PLC0415  # not on every platform

        return uvloop.new_event_loop
    return None
