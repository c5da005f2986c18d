"""The control API under `/_llmreplay/`: sessions, rules, journal and figures, as JSON over HTTP.

`Control` answers requests; `operations` is the one table of what can be asked.
"""

from llmreplay.control.figures import figures
from llmreplay.control.handling import Control, operations
from llmreplay.control.operations import PREFIX
from llmreplay.control.ports import Run, Shelved
from llmreplay.control.rulebook import Rulebook
from llmreplay.control.sessions import verdict_shown
from llmreplay.control.setups import mode_word
from llmreplay.control.stats import Stats

__all__ = [
    "PREFIX",
    "Control",
    "Rulebook",
    "Run",
    "Shelved",
    "Stats",
    "figures",
    "mode_word",
    "operations",
    "verdict_shown",
]
