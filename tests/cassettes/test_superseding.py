"""Which exchanges stay: as a table of small stories, and as what holds for all of them."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmreplay.cassettes.superseding import Entry, Outcome, Stay, supersede


def entries(*told: str) -> list[Entry]:
    """From `number fingerprint [status [take]]`, in the order of the file."""
    made = []
    for position, text in enumerate(told):
        number, fingerprint, *rest = text.split()
        status = int(rest[0]) if rest else 200
        take = rest[1] if len(rest) > 1 else None
        made.append(Entry(position, int(number), fingerprint.encode(), status, take))
    return made


def told(outcome: Outcome) -> list[str]:
    """What stays, as `number fingerprint [take]`."""
    return [
        " ".join(filter(None, [str(s.number), s.entry.fingerprint.decode(), s.entry.take]))
        for s in outcome.stays
    ]


@pytest.mark.parametrize(
    ("before", "after", "counts"),
    [
        pytest.param(["1 a", "2 b"], ["1 a", "2 b"], (0, 0, 0, 0), id="no take is open"),
        pytest.param(["2 b", "1 a"], ["1 a", "2 b"], (0, 0, 0, 0), id="numbers are the order"),
        pytest.param(
            ["1 a", "2 b", "3 b 200 t"],
            ["1 a", "2 b t"],
            (0, 1, 0, 0),
            id="one in the place of one",
        ),
        pytest.param(
            ["1 a", "2 a", "3 b", "4 a 200 t"],
            ["1 a t", "3 b"],
            (0, 2, 0, 0),
            id="one in the place of two",
        ),
        pytest.param(
            ["1 a", "2 b", "4 a 200 t", "3 a 200 t"],
            ["1 a t", "2 b", "3 a t"],
            (1, 1, 0, 0),
            id="two in the place of one, by arrival",
        ),
        pytest.param(
            ["1 a 200 t", "2 a 200 u"], ["1 a u"], (1, 1, 0, 0), id="the newer of two open takes"
        ),
        pytest.param(
            ["1 a 429 t", "2 a 503 t", "3 a 200 t"],
            ["1 a t"],
            (1, 0, 0, 2),
            id="failures that were overcome",
        ),
        pytest.param(
            ["1 a 200 t", "2 a 429 t"],
            ["1 a t", "2 a t"],
            (2, 0, 0, 0),
            id="a failure that was last",
        ),
        pytest.param(
            ["1 a 400 t", "2 a 200 t"], ["1 a t", "2 a t"], (2, 0, 0, 0), id="a failure that lasts"
        ),
        pytest.param(
            ["1 a 429 t", "2 b 200 t"], ["1 a t", "2 b t"], (2, 0, 0, 0), id="success of another"
        ),
        pytest.param(
            ["1 a 429 t", "2 a 200 u"], ["1 a u"], (1, 1, 0, 0), id="success in another take"
        ),
        pytest.param(
            ["1 a 429", "2 a"], ["1 a", "2 a"], (0, 0, 0, 0), id="what is settled is not judged"
        ),
    ],
)
def test_what_stays(before: list[str], after: list[str], counts: tuple[int, ...]) -> None:
    outcome = supersede(entries(*before))

    assert told(outcome) == after
    assert (outcome.new, outcome.replaced, outcome.unchanged, outcome.dropped) == counts


def test_errors_are_kept_on_demand() -> None:
    outcome = supersede(entries("1 a 429 t", "2 a 200 t"), keep_errors=True)

    assert told(outcome) == ["1 a t", "2 a t"]


def test_fresh_is_the_last_take_s_wish() -> None:
    found = entries("1 a", "2 b", "3 b 200 t", "4 c 200 t", "5 c 200 u")

    assert told(supersede(found)) == ["1 a", "2 b t", "3 c u"]
    assert told(supersede(found, fresh=True)) == ["3 c u"]
    assert supersede(found, fresh=True).dropped == 2
    assert told(supersede(entries("1 a", "2 b"), fresh=True)) == ["1 a", "2 b"]


def test_what_is_the_same_again_keeps_its_place() -> None:
    outcome = supersede(
        entries("1 a", "2 a", "3 a 200 t", "4 a 200 t"),
        same=lambda old, new: (old.number, new.number) == (1, 3),
    )

    assert told(outcome) == ["1 a", "2 a t"]
    assert (outcome.unchanged, outcome.replaced) == (1, 1)


_settled = st.lists(st.sampled_from("abcd"), max_size=6).map(
    lambda names: [(name, 200, None) for name in names]
)
_appended = st.lists(
    st.tuples(
        st.sampled_from("abcd"), st.sampled_from([200, 404, 429, 500]), st.sampled_from(["t", "u"])
    ),
    max_size=8,
)
_files = st.tuples(_settled, _appended).map(
    lambda drawn: [
        Entry(position, position + 1, name.encode(), status, take)
        for position, (name, status, take) in enumerate([*drawn[0], *drawn[1]])
    ]
)


@given(found=_files, keep_errors=st.booleans(), fresh=st.booleans())
def test_closing_twice_changes_nothing(
    found: list[Entry],
    *,
    keep_errors: bool,
    fresh: bool,
) -> None:
    once = supersede(found, keep_errors=keep_errors, fresh=fresh)
    settled = [
        Entry(position, stay.number, stay.entry.fingerprint, stay.entry.status)
        for position, stay in enumerate(once.stays)
    ]

    twice = supersede(settled, keep_errors=keep_errors, fresh=fresh)

    assert twice.stays == tuple(Stay(entry, entry.number) for entry in settled)


@given(_files)
def test_what_no_open_take_saw_stays_as_it_was(found: list[Entry]) -> None:
    seen = {entry.fingerprint for entry in found if entry.take}
    unseen = [entry for entry in found if entry.fingerprint not in seen]

    stays = supersede(found).stays

    assert [s for s in stays if s.entry.fingerprint not in seen] == [
        Stay(entry, entry.number) for entry in unseen
    ]


@given(found=_files, keep_errors=st.booleans())
def test_each_fingerprint_has_what_its_newest_take_recorded(
    found: list[Entry],
    *,
    keep_errors: bool,
) -> None:
    newest: dict[bytes, str | None] = {}
    order = list(dict.fromkeys(entry.take for entry in found if entry.take))
    for take in [None, *order]:
        newest |= {entry.fingerprint: take for entry in found if entry.take == take}
    expected = Counter(e.fingerprint for e in found if newest[e.fingerprint] == e.take)

    stays = supersede(found, keep_errors=keep_errors).stays

    assert all(stay.entry.take == newest[stay.entry.fingerprint] for stay in stays)
    kept = Counter(stay.entry.fingerprint for stay in stays)
    assert kept.keys() == expected.keys()
    assert kept == expected if keep_errors else kept <= expected


@given(_files)
def test_no_number_is_given_twice(found: list[Entry]) -> None:
    numbers = [stay.number for stay in supersede(found).stays]

    assert numbers == sorted(set(numbers))
