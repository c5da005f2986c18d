"""What goes wrong below HTTP."""

from __future__ import annotations

import pytest

from llmreplay.core.exchange import Ending
from llmreplay.core.faults import Arrival, AtConnection, Ledger, Match, Overlay, Rule, When
from llmreplay.core.faults.connection import Connection, Trouble
from llmreplay.core.faults.glob import Glob
from llmreplay.core.plan import Wire
from tests.core.faults.given import asked, fired


@pytest.mark.parametrize(
    ("trouble", "ending", "wire"),
    [
        (Trouble.RESET, Ending.RESET, Wire.HANG_UP),
        (Trouble.TIMEOUT, Ending.COMPLETE, Wire.SILENCE),
    ],
)
def test_after_the_request(trouble: Trouble, ending: Ending, wire: Wire) -> None:
    plan = fired(Connection(trouble)).answer
    assert plan is not None
    assert (plan.steps, plan.ending, plan.wire) == ((), ending, wire)
    assert not plan.instant
    assert Connection(trouble).at_connection is None
    assert str(Connection(trouble)) == f"connection {trouble}"


@pytest.mark.parametrize("fault", AtConnection)
def test_before_the_request(fault: AtConnection) -> None:
    rule = Rule(
        "r",
        (Connection(Trouble(fault.value)),),
        Match(upstream=(Glob("openai"),)),
        When(first=1),
    )
    overlay, ledger = Overlay([rule]), Ledger()
    met = [
        overlay.at_connection(Arrival("s", upstream), ledger)
        for upstream in ("anthropic", "openai", "openai", None)
    ]
    assert met == [None, (fault, f"r: connection {fault}"), None, None]
    assert not overlay
    assert overlay.candidates(asked()) == ()
