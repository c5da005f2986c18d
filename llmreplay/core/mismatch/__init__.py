"""Mismatch: why a request missed, in sentences that a person can act on.

It finds the nearest recordings by conversation, says what differs, and which setting would
make them match, having tried it. Called only on a miss (and for drift), off the event loop;
all requests it is given are redacted.
"""

from llmreplay.core.mismatch.difference import Difference
from llmreplay.core.mismatch.differences import differences, drift
from llmreplay.core.mismatch.explanation import Explanation, Question, explain

__all__ = ["Difference", "Explanation", "Question", "differences", "drift", "explain"]
