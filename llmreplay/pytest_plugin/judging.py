"""What requests make of their test: which of them fail it, and what its report says.

Pure functions of journal entries. A test is judged by what was asked of the server, not by what
the code under test made of the answer, so an error that is swallowed fails it all the same.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from llmreplay.core.journal import Entry, Outcome

__all__ = [
    "failure_told",
    "never_fired_told",
    "not_stored",
    "saved_told",
    "sum_of",
    "tally",
    "totals",
    "totals_told",
    "unused_told",
]

_MOST_TOLD: Final = 5
_CENT: Final = 0.01
_OTHER_REMEDY: Final = "; make some with: llmreplay record"
_MISS, _FAILED = "miss", "failed"
_ANSWERED: Final = (
    ("hit", "replayed"),
    ("recorded", "recorded"),
    ("forwarded", "forwarded"),
    ("fault", "answered by a fault"),
    (_MISS, "without a recording"),
    (_FAILED, "failed"),
    ("refused", "refused"),
)
"""Outcomes as the summary has them, in its order."""
_REMARKS: Final = (
    ("faults", "fault", " injected"),
    ("drift", "answer", " by place, to a request that is not as it was recorded"),
    ("unused", "recording", " not used; --llmreplay-unused=fail names them"),
)


def not_stored(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """The requests whose answers came and could not be recorded.

    Those whose upstream gave no answer are none: how the code takes that may be what is tested.
    """
    return tuple(
        entry for entry in entries if entry.outcome == _FAILED and entry.first_byte_ms is not None
    )


def failure_told(missed: int, failed: Sequence[Entry], node_id: str) -> str:
    """Why a test fails, and what to do: `missed` requests had no recording.

    `failed` are the first of those, and all that could not be stored.
    """
    told = Counter(_why(entry) for entry in failed)
    blocks = [
        f"{detail}\n" if count == 1 else f"{detail}\n(this came {count} times)\n"
        for detail, count in [*told.items()][:_MOST_TOLD]
    ]
    if len(told) > _MOST_TOLD:
        blocks.append(f"… and {len(told) - _MOST_TOLD} more\n")
    if missed:
        heading = f"llmreplay: {_counted(missed, 'request')} had no recording"
        blocks.append(f'To record what is missing: pytest --llmreplay=auto "{node_id}"\n')
    else:
        heading = f"llmreplay: {_counted(len(failed), 'request')} could not be recorded"
    return "\n".join((f"{heading}\n", *blocks)).rstrip("\n")


def never_fired_told(rules: Sequence[str]) -> str:
    """What may explain that a test has failed: faults that it asked for, and did not meet."""
    shown = ", ".join(rules[:_MOST_TOLD])
    more = f" and {len(rules) - _MOST_TOLD} more" if len(rules) > _MOST_TOLD else ""
    return (
        f"{_counted(len(rules), 'rule')} never fired: {shown}{more}\n"
        "No request was as they say; faults of TLS are met by clients of the proxy only "
        "(HTTPS_PROXY), not by base URL"
    )


def unused_told(sources: Sequence[str], node_id: str) -> str:
    """What is said of recordings that a test did not ask for."""
    shown = ", ".join(sources[:_MOST_TOLD])
    more = f" and {len(sources) - _MOST_TOLD} more" if len(sources) > _MOST_TOLD else ""
    what = f"{_counted(len(sources), 'recording')} {'was' if len(sources) == 1 else 'were'}"
    remedy = f'To drop what is not asked for: pytest --llmreplay=record "{node_id}"'
    return f"llmreplay: {what} not used: {shown}{more}\n{remedy}"


def tally(
    outcomes: Mapping[Outcome, int], *, faults: int = 0, drift: int = 0, unused: int = 0
) -> dict[str, int]:
    """What a test's requests count for in the summary: plain, so that a worker can send it."""
    counts = {outcome.value: count for outcome, count in outcomes.items()}
    counts |= {"requests": sum(outcomes.values()), "faults": faults, "drift": drift}
    return {name: count for name, count in (counts | {"unused": unused}).items() if count}


def totals(tallies: Iterable[dict[str, int]]) -> dict[str, int]:
    """The sum of the tallies of all tests; `tests` is how many there are."""
    whole: Counter[str] = Counter()
    for one in tallies:
        whole.update(one)
        whole["tests"] += 1
    return dict(whole)


def totals_told(whole: dict[str, int]) -> list[str]:
    """The lines of the summary; none where nothing used llmreplay."""
    if not whole.get("tests"):
        return []
    tests, requests = whole["tests"], whole.get("requests", 0)
    answered = [f"{whole[name]:,} {said}" for name, said in _ANSWERED if whole.get(name)]
    told = f"{_counted(requests, 'request')} in {_counted(tests, 'test')}"
    lines = [": ".join((told, ", ".join(answered))) if answered else told]
    lines += [
        f"{_counted(whole[name], what)}{more}" for name, what, more in _REMARKS if whole.get(name)
    ]
    return lines


def sum_of(saved: Iterable[Mapping[str, float | None]]) -> dict[str, float]:
    """What several servers have saved, together; what none of them knows is left out."""
    whole: Counter[str] = Counter()
    for one in saved:
        whole.update({name: amount for name, amount in one.items() if amount})
    return dict(whole)


def saved_told(saved: Mapping[str, float]) -> list[str]:
    """The line of the summary about what replaying has not cost; none where that is nothing."""
    tokens = [(saved.get(f"{way}put_tokens", 0), way) for way in ("in", "out")]
    if not any(count for count, _ in tokens):
        return []
    told = " and ".join(f"{int(count):,} tokens {way}" for count, way in tokens)
    usd = saved.get("cost_usd")
    if not usd:
        return [f"not spent: {told}"]
    return [f"not spent: {told}, {f'${usd:,.2f}' if usd >= _CENT else 'less than a cent'}"]


def _why(entry: Entry) -> str:
    """The explanation, less what the report says itself."""
    told = entry.detail.removeprefix("llmreplay: ").replace(_OTHER_REMEDY, "")
    return told or f"{entry.method} {entry.target}"


def _counted(count: int, what: str) -> str:
    return f"1 {what}" if count == 1 else f"{count:,} {what}s"
