"""Sizes, times and dates as a person reads them."""

from __future__ import annotations

__all__ = ["counted", "duration_shown", "moment_shown", "size_shown"]

SECOND_MS = 1_000
MINUTE_MS = 60_000
KILOBYTE = 1_000


def counted(count: int, what: str) -> str:
    """`1 exchange`, `1,234 exchanges`."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def duration_shown(duration_ms: float) -> str:
    """`0.4 ms`, `12 ms`, `1.5 s`, `2 min 5 s`."""
    if duration_ms >= MINUTE_MS:
        minutes, rest_ms = divmod(duration_ms, MINUTE_MS)
        return f"{minutes:.0f} min {rest_ms // SECOND_MS:.0f} s"
    if duration_ms >= SECOND_MS:
        return f"{duration_ms / SECOND_MS:.1f} s"
    return (
        f"{duration_ms:.0f} ms" if duration_ms >= 1 or not duration_ms else f"{duration_ms:.1f} ms"
    )


def size_shown(size_bytes: int) -> str:
    """`950 B`, `1.2 kB`, `4.2 MB`."""
    if size_bytes < KILOBYTE:
        return f"{size_bytes} B"
    size, unit = size_bytes / KILOBYTE, "kB"
    if size >= KILOBYTE:
        size, unit = size / KILOBYTE, "MB"
    return f"{size:.1f} {unit}"


def moment_shown(at: str) -> str:
    """`2026-11-20T16:02:11Z` → `2026-11-20 16:02`."""
    return at[:16].replace("T", " ")
