"""The package: presets, and what every kind of fault has."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmreplay.core import faults
from llmreplay.core.failure import Problem
from llmreplay.core.faults import Ledger
from llmreplay.core.faults.fault import Fault, Firing
from llmreplay.core.faults.kinds import KINDS
from llmreplay.core.faults.presets import PRESETS
from tests.core.faults.given import CHAT, asked, data, fired, stream


def test_presets_are_the_same_words_everywhere() -> None:
    assert sorted(PRESETS) == sorted(
        [
            *Problem,
            "timeout",
            "connection_refused",
            "connection_reset",
            "tls_error",
            "empty",
            "malformed",
        ]
    )


def test_each_kind_has_its_file_and_its_test() -> None:
    package = Path(faults.__file__).parent
    tests = Path(__file__).parent
    assert [kind for kind in KINDS if not (package / f"{kind}.py").exists()] == []
    assert [kind for kind in KINDS if not (tests / f"test_{kind}.py").exists()] == []


def test_empty_and_malformed() -> None:
    assert data(fired(PRESETS["empty"]).onto(stream(*CHAT))) == b""
    assert data(fired(PRESETS["malformed"]).onto(stream(*CHAT))).startswith(CHAT[0][:-3] + b"\n\n")


def test_a_fault_that_does_nothing_is_none() -> None:
    class Nothing(Fault):
        pass

    assert Nothing().at_connection is None
    with pytest.raises(NotImplementedError):
        Nothing().begin(Firing(asked(), "r", b"", Ledger()))
