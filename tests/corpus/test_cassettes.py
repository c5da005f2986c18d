"""What is read from others' files can be written as a cassette and read again, unchanged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmreplay.cassettes import dump, load

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.corpus.corpus import Taken


def test_every_exchange_is_the_same_after_a_cassette(
    exchanges: list[Taken], record_property: Callable[[str, object], None]
) -> None:
    changed = [str(taken) for taken in exchanges if load(dump(taken.exchange)) != taken.exchange]

    assert changed == []
    record_property("counted", f"{len(exchanges)} of {len(exchanges)} the same after dump and load")
