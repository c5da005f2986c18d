"""Answering requests: from recordings, from the provider, or with the reason why not.

`Answerer.answer` is the one story; `Live` is an answer that is still arriving; `Sessions` leads
each call to the answerer of its session, and `Journal` keeps what happened. No IO is done here:
the upstream, the recorder and the clock are passed in.
"""

from llmreplay.session.answering import Answerer
from llmreplay.session.calls import Call, Ready, Settled, shown
from llmreplay.session.faulting import Faulted, Faults
from llmreplay.session.journal import Following, Journal, Noted, Wanted
from llmreplay.session.live import Live
from llmreplay.session.memory import Memory
from llmreplay.session.sessions import Sessions
from llmreplay.session.setup import ClosedTake, Found, Setup, Sources
from llmreplay.session.understanding import index_request
from llmreplay.session.verdict import Ended, SessionInfo, Verdict

__all__ = [
    "Answerer",
    "Call",
    "ClosedTake",
    "Ended",
    "Faulted",
    "Faults",
    "Following",
    "Found",
    "Journal",
    "Live",
    "Memory",
    "Noted",
    "Ready",
    "SessionInfo",
    "Sessions",
    "Settled",
    "Setup",
    "Sources",
    "Verdict",
    "Wanted",
    "index_request",
    "shown",
]
