"""YAML text → plain values, safely and within bounds."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a cassette may be at most; beyond it, it is refused."""

    max_file_bytes: int = 1 << 30
    max_document_bytes: int = 256 << 20
    max_depth: int = 64
    max_values: int = 1_000_000
