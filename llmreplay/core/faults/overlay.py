"""The overlay: which rules fire for a request, and what becomes of its answer.

`candidates` is pure and may be kept for requests that come again; `fire` counts. The session asks
before it looks for a recording, so that a fault which gives the whole answer uses none up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmreplay.core.faults.chance import key_of
from llmreplay.core.faults.fault import Firing
from llmreplay.core.faults.injection import Injection, Note
from llmreplay.core.faults.request import Arrival
from llmreplay.core.plan import Plan
from llmreplay.core.routing import DEFAULT_SESSION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmreplay.core.faults.fault import AtConnection
    from llmreplay.core.faults.ledger import Ledger
    from llmreplay.core.faults.request import Asked
    from llmreplay.core.faults.rules import Check, Rule

__all__ = ["Overlay"]

_UNKNOWN: Final = Arrival(DEFAULT_SESSION)
"""All that is known of a connection to this port itself."""
_WAITED: Final[tuple[Check, ...]] = (lambda asked: asked.by_base_url,)


class Overlay:
    """Rules in the order of their files. A value: to change it, make another.

    `own` are those of a session that a connection to this port itself does not name. They wait for
    its request if they can, as those do that are about an upstream or another session.
    """

    def __init__(self, rules: Sequence[Rule] = (), own: Sequence[Rule] = ()) -> None:
        self.rules = (*rules, *own)
        rules = self.rules
        met = {rule.name for rule in rules if rule.match.meets(_UNKNOWN)}
        met -= {rule.name for rule in own}
        self._of_requests = tuple(
            (rule, (*_WAITED, *rule.match.checks()) if at else rule.match.checks())
            for rule in rules
            if (at := rule.at_connection) is None or (at.can_wait and rule.name not in met)
        )
        self.header_names = frozenset(name for rule in rules for name, _ in rule.match.headers)
        """Headers that rules look at: requests which differ in these are not the same to them."""
        self._of_connections = tuple(
            (rule, fault) for rule in rules if (fault := rule.at_connection) is not None
        )

    def __bool__(self) -> bool:
        """Whether there is any rule about requests."""
        return bool(self._of_requests)

    def candidates(self, asked: Asked) -> tuple[Rule, ...]:
        """The rules whose conditions hold for `asked`; when they fire is not asked yet."""
        found = []
        for rule, checks in self._of_requests:
            for check in checks:
                if not check(asked):
                    break
            else:
                found.append(rule)
        return tuple(found)

    def fire(
        self,
        candidates: Sequence[Rule],
        asked: Asked,
        ledger: Ledger,
        *,
        now_s: float = 0.0,
        epoch_s: float = 0.0,
    ) -> Injection | None:
        """What the `candidates` of `asked` do to its answer; None if none fires.

        A fault that gives the whole answer is the last: rules after it neither fire nor count.
        """
        notes: list[Note] = []
        for rule in candidates:
            key = _fires(rule, asked.session, asked.fingerprint, ledger)
            if key is None:
                continue
            ledger.note_fired(asked.session, rule.name)
            for place, fault in enumerate(rule.faults):
                firing = Firing(asked, rule.name, key_of(key, place), ledger, now_s, epoch_s)
                begun = fault.begin(firing)
                if isinstance(begun, Plan):
                    return Injection((*notes, Note(rule.name, fault)), begun)
                notes.append(Note(rule.name, fault, begun))
        return Injection(tuple(notes)) if notes else None

    def at_connection(self, arrival: Arrival, ledger: Ledger) -> tuple[AtConnection, str] | None:
        """What becomes of a connection, and for the log by which rule; None if it is let in."""
        for rule, fault in self._of_connections:
            if not rule.match.meets(arrival):
                continue
            if _fires(rule, arrival.session, arrival.upstream or "", ledger) is not None:
                ledger.note_fired(arrival.session, rule.name)
                return fault, f"{rule.name}: connection {fault}"
        return None


def _fires(rule: Rule, session: str, fingerprint: str, ledger: Ledger) -> bytes | None:
    """Counts one more occurrence; a key for what it will do if it fires, else None.

    The key follows from the request and from how often this very request came, not from what came
    between, so that it does not matter in which order different requests arrive.
    """
    when, name = rule.when, rule.name
    again = ledger.count_request(session, name, fingerprint) if when.needs_fingerprint else 0
    occurrence = again if when.each_request else ledger.count(session, name)
    if not when.counts(occurrence):
        return None
    again = again or ledger.count_request(session, name, fingerprint)
    key = key_of(rule.seed, rule.name, session, fingerprint, again)
    return key if when.is_lucky(key) else None
