"""Sessions that nobody uses any more: forgotten, and what they recorded closed and told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmreplay.errors import LlmreplayError

if TYPE_CHECKING:
    from llmreplay.proxy.wire import Prepared
    from llmreplay.service.report import Report
    from llmreplay.session import Sessions

__all__ = ["retire"]


async def retire(sessions: Sessions[Prepared], report: Report) -> None:
    """Forget the idle ones. Cassettes of those that nobody set up stay open until the run ends."""
    for name in sessions.idle():
        info = sessions.get(name)
        if info is None or not info.configured:
            sessions.delete(name)
            continue
        try:
            _, closed = await sessions.end(name)
        except LlmreplayError as error:
            report.warn(str(error))
        else:
            if closed is not None:
                report.note(str(closed))
