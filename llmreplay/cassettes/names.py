"""Names of cassettes ⇄ paths below their folder; what is no name never becomes a path."""

from __future__ import annotations

import re
from typing import Final

from llmreplay.errors import UsageError

__all__ = ["SUFFIX", "is_part", "parts_of"]

SUFFIX: Final = ".yaml"

_PART = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")
# Room for `.yaml`, `.torn-12` and a leading dot within the 255 bytes of a file's name.
_MAX_PART: Final = 200
_MAX_PARTS: Final = 16


def parts_of(name: str) -> tuple[str, ...]:
    """The parts of a cassette's name: its folders, and the file without `.yaml`.

    Raises:
        UsageError: it is no name of a cassette.
    """
    parts = tuple(name.split("/"))
    if len(parts) > _MAX_PARTS or not all(map(is_part, parts)):
        raise UsageError(
            f"{name!r} is no name of a cassette: letters, digits, `.`, `_` and `-`, in parts "
            f"divided by `/`, none beginning with a dot or longer than {_MAX_PART} characters"
        )
    return parts


def is_part(text: str) -> bool:
    """Whether a file or folder of this name may be part of a cassette's name."""
    return len(text) <= _MAX_PART and _PART.fullmatch(text) is not None
