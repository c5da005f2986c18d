"""Faults: rules that change what a client receives, and never what is recorded.

`Overlay` holds rules and says which fire for a request; the `Injection` it gives is put onto a
plan, or works on a live answer piece by piece. One file a kind; `kinds` lists them.
"""

from llmreplay.core.faults.fault import AtConnection
from llmreplay.core.faults.injection import FAULT_HEADER, Injection
from llmreplay.core.faults.ledger import Ledger
from llmreplay.core.faults.overlay import Overlay
from llmreplay.core.faults.request import Arrival, Asked
from llmreplay.core.faults.rules import Match, Rule
from llmreplay.core.faults.when import When

__all__ = [
    "FAULT_HEADER",
    "Arrival",
    "Asked",
    "AtConnection",
    "Injection",
    "Ledger",
    "Match",
    "Overlay",
    "Rule",
    "When",
]
