"""The provider is slow. No wait is shorter than asked for; a busy machine may make it longer."""

import time
from collections.abc import Iterator

import pytest
from assistant import ask, words

pytestmark = pytest.mark.llmreplay("hello")


def timed(stream: Iterator[str]) -> list[tuple[str, float]]:
    """Each piece, and when it came."""
    began = time.monotonic()
    return [(piece, time.monotonic() - began) for piece in stream]


@pytest.mark.llmreplay(fault={"delay": "300ms"})
def test_latency() -> None:
    began = time.monotonic()
    assert ask("Is anyone there?") == "Only the tide."
    assert 0.3 <= time.monotonic() - began < 5


@pytest.mark.llmreplay(timing="recorded")
def test_exact_chunks_with_delays() -> None:
    """As `pace_ms` of the recording says: 300 ms, then 150, then 250."""
    heard = timed(words("Is anyone there?"))
    assert [piece for piece, _ in heard] == ["Only", " the", " tide."]
    for (_, came), due in zip(heard, [0.3, 0.45, 0.7], strict=True):
        assert due <= came < due + 5


@pytest.mark.llmreplay(fault={"pace": {"ttft": "200ms", "tps": 20}})
def test_chunks_at_a_speed_of_their_own() -> None:
    """200 ms to the first event, then 20 a second, whatever was recorded."""
    heard = timed(words("Is anyone there?"))
    assert [piece for piece, _ in heard] == ["Only", " the", " tide."]
    for (_, came), due in zip(heard, [0.25, 0.3, 0.35], strict=True):
        assert due <= came < due + 5
