"""What goes wrong below HTTP."""

from __future__ import annotations

from dataclasses import replace

import pytest

from llmreplay.core.exchange import Ending
from llmreplay.core.faults import Arrival, AtConnection, Ledger, Match, Overlay, Rule, When
from llmreplay.core.faults.connection import Connection, Trouble
from llmreplay.core.faults.glob import Glob
from llmreplay.core.faults.rules import ANYWHERE
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
    assert bool(overlay) is fault.can_wait
    assert overlay.candidates(asked()) == ()


@pytest.mark.parametrize("fault", AtConnection)
def test_what_a_connection_does_not_say_waits_for_its_request_if_it_can(
    fault: AtConnection,
) -> None:
    trouble = (Connection(Trouble(fault.value)),)
    anyone = Rule("anyone", trouble)
    upstream = Rule("upstream", trouble, Match(upstream=(Glob("openai"),)))
    other = Rule("other", trouble, Match(upstream=(Glob("groq"),)))
    session = Rule("session", trouble, Match(session=(Glob("s"),)))
    own = Rule("own", trouble)
    overlay = Overlay([anyone, upstream, other, session], own=[own])
    late = replace(asked(), session="s", upstream="openai", by_base_url=True)
    waited = (upstream, session, own) if fault.can_wait else ()
    assert overlay.candidates(late) == waited
    assert overlay.candidates(replace(late, by_base_url=False)) == ()
    assert overlay.rules == (anyone, upstream, other, session, own)
    if fault.can_wait:
        injection = overlay.fire(waited, late, Ledger())
        assert injection is not None
        assert injection.answer is not None
        assert (injection.answer.wire, injection.answer.ending) == (Wire.HANG_UP, Ending.RESET)


def test_what_cannot_wait_is_remarked_on() -> None:
    def reminder(trouble: Trouble, match: Match = ANYWHERE) -> str:
        return Rule("r", (Connection(trouble),), match).reminder

    upstream, session = Match(upstream=(Glob("openai"),)), Match(session=(Glob("s"),))
    assert [reminder(trouble, upstream) for trouble in (Trouble.RESET, Trouble.REFUSED)] == ["", ""]
    assert reminder(Trouble.TLS_ABORT) == ""
    assert reminder(Trouble.TLS_ABORT, session) == reminder(Trouble.TLS_ABORT, upstream)
    assert reminder(Trouble.TLS_ABORT, session).startswith('rule "r" meets clients of the proxy on')
