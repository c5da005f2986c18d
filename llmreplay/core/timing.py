"""How fast an answer comes: the `Timing` value, how it is written, and the times it gives.

It knows waits and no clock: `schedule` turns recorded waits into times since the start of the
answer, and `deliver` waits for them. Settings parse it; the session schedules with it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["INSTANT", "Pace", "Timing", "parse_duration_ms", "parse_timing"]

FORMS = "instant, recorded, recorded*0.1 or ttft=300ms,tps=50,jitter=10ms"

MAX_SCALE = 1000.0
"""More is a slip: it makes a recorded second last a quarter of an hour."""

MAX_DURATION_MS = 24 * 3_600_000.0

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h)", re.ASCII)
_UNIT_MS = {"ms": 1.0, "s": 1_000.0, "m": 60_000.0, "h": 3_600_000.0}
_NUMBER = re.compile(r"\d+(?:\.\d+)?", re.ASCII)


class Pace(StrEnum):
    """Where the waits come from."""

    INSTANT = "instant"
    """There are none."""
    RECORDED = "recorded"
    """The recording, times `scale`."""
    SYNTHETIC = "synthetic"
    """`ttft_ms`, `tps` and `jitter_ms`."""


@dataclass(frozen=True, slots=True)
class Timing:
    """A pace. Only `scale` counts for RECORDED, and only the rest for SYNTHETIC.

    `ttft_ms` is the wait before the first byte, `tps` events a second after it (None: no
    waits), `jitter_ms` the most that a wait is longer or shorter.
    """

    pace: Pace = Pace.INSTANT
    scale: float = 1.0
    ttft_ms: float = 0.0
    tps: float | None = None
    jitter_ms: float = 0.0

    def schedule(self, waits_ms: Iterable[float], *, key: bytes = b"") -> tuple[float, ...]:
        """When each piece is due, in ms since the start of the answer.

        `waits_ms` are the recorded waits, one a piece. Jitter is no dice: it follows from `key`
        (seed, fingerprint, occurrence) and the piece's place, so a run can be repeated.
        """
        if self.pace is Pace.INSTANT:
            return tuple(0.0 for _ in waits_ms)
        if self.pace is Pace.RECORDED:
            return tuple(accumulate(wait * self.scale for wait in waits_ms))
        between = 1_000 / self.tps if self.tps else 0.0
        return tuple(
            accumulate(
                max(0.0, (between if place else self.ttft_ms) + self._jitter(key, place))
                for place, _ in enumerate(waits_ms)
            )
        )

    def _jitter(self, key: bytes, place: int) -> float:
        if not self.jitter_ms:
            return 0.0
        digest = blake2b(key + b"|" + str(place).encode(), digest_size=8).digest()
        return (int.from_bytes(digest) / 2**63 - 1) * self.jitter_ms

    def __str__(self) -> str:
        if self.pace is Pace.INSTANT:
            return "instant"
        if self.pace is Pace.RECORDED:
            return "recorded" if self.scale == 1 else f"recorded*{self.scale:g}"
        parts = [f"ttft={self.ttft_ms:g}ms"]
        if self.tps is not None:
            parts.append(f"tps={self.tps:g}")
        if self.jitter_ms:
            parts.append(f"jitter={self.jitter_ms:g}ms")
        return ",".join(parts)


INSTANT = Timing()


def parse_duration_ms(text: str) -> float:
    """`800ms`, `2s`, `1.5m` or `1h` → milliseconds. ValueError says what is wrong."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError(f'"{text}" is no duration: write it as 800ms, 2s or 5m')
    result = float(match[1]) * _UNIT_MS[match[2]]
    if result > MAX_DURATION_MS:
        raise ValueError(f'"{text}" is longer than a day')
    return result


def parse_timing(text: str) -> Timing:
    """A timing as a person writes it (see FORMS) → Timing. ValueError says what is wrong."""
    words = text.strip().replace(" ", "")
    if words == "instant":
        return INSTANT
    if words == "recorded":
        return Timing(Pace.RECORDED)
    if words.startswith("recorded*"):
        return Timing(Pace.RECORDED, scale=_scale(words.removeprefix("recorded*")))
    if "=" in words:
        return _synthetic(words)
    raise ValueError(f'"{text}" is no timing: write {FORMS}')


def _scale(text: str) -> float:
    if _NUMBER.fullmatch(text) is None or not 0 < float(text) <= MAX_SCALE:
        raise ValueError(
            f"recorded*{text} needs a number above 0 and at most {MAX_SCALE:g}, as in recorded*0.1"
        )
    return float(text)


def _synthetic(words: str) -> Timing:
    given: dict[str, float] = {}
    for item in words.split(","):
        name, _, value = item.partition("=")
        if name not in {"ttft", "tps", "jitter"}:
            raise ValueError(f'"{item}" is none of ttft=…, tps=… and jitter=…')
        if name in given:
            raise ValueError(f"{name} is given twice")
        given[name] = _rate(value) if name == "tps" else parse_duration_ms(value)
    return Timing(
        Pace.SYNTHETIC,
        ttft_ms=given.get("ttft", 0.0),
        tps=given.get("tps"),
        jitter_ms=given.get("jitter", 0.0),
    )


def _rate(text: str) -> float:
    if _NUMBER.fullmatch(text) is None or float(text) <= 0:
        raise ValueError(f"tps={text} needs a number above 0, as in tps=50")
    return float(text)
