"""Presets: faults under one word, the same words in every dialect."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from llmreplay.core.failure import Problem
from llmreplay.core.faults.connection import Connection, Trouble
from llmreplay.core.faults.corrupt import Corrupt, What
from llmreplay.core.faults.cut import Cut, How
from llmreplay.core.faults.error import Error
from llmreplay.core.faults.points import Amount, Unit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmreplay.core.faults.fault import Fault

__all__ = ["PRESETS"]

PRESETS: Mapping[str, Fault] = MappingProxyType(
    {
        **{problem.value: Error(problem) for problem in Problem},
        "timeout": Connection(Trouble.TIMEOUT),
        "connection_refused": Connection(Trouble.REFUSED),
        "connection_reset": Connection(Trouble.RESET),
        "tls_error": Connection(Trouble.TLS_ABORT),
        "empty": Cut(Amount(0, Unit.BYTES), How.TRUNCATE),
        "malformed": Corrupt(What.JSON),
    }
)
"""Word → fault."""
