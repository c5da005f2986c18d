"""Answering requests: from recordings, from the provider, or with the reason why not.

`Answerer.answer` is the one story; `Live` is an answer that is still arriving. No IO is done
here: the upstream, the recorder and the clock are passed in.
"""

from llmreplay.session.answering import Answerer
from llmreplay.session.calls import Call, Ready, Settled, shown
from llmreplay.session.faulting import Faulted, Faults
from llmreplay.session.live import Live
from llmreplay.session.understanding import index_request

__all__ = [
    "Answerer",
    "Call",
    "Faulted",
    "Faults",
    "Live",
    "Ready",
    "Settled",
    "index_request",
    "shown",
]
