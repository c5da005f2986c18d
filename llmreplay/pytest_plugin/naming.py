"""What a test's cassette and session are called: readable, valid, and no two tests' the same.

Pure functions of a test's place. The cassettes folder is beside the test's file, so a name
begins with the module: `test_chat/TestTools.test_weather.celsius`.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["cassette_name", "session_name"]

_INVALID: Final = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_PART: Final = 120
_LONGEST_SESSION: Final = 100
_DIGITS: Final = 8


def cassette_name(module: str, classes: Sequence[str], function: str) -> str:
    """The name of the cassette of one test.

    `module` is the file's name without `.py`, `classes` are those that the test is in, outermost
    first, `function` is its name with the id of its parameters: `test_weather[celsius]`.
    """
    name, bracket, parameters = function.partition("[")
    # No name of a function has a dot in it, so this is told from `def test_weather_celsius`.
    shown = f"{name}.{parameters.removesuffix(']')}" if bracket else name
    whole = ".".join((*classes, function))
    return f"{_part(module, module)}/{_part('.'.join((*classes, shown)), whole)}"


def session_name(node_id: str) -> str:
    """The name of the session of one test: the last words of its node id, and a digest of all."""
    words = node_id.rpartition("::")[2]
    return f"{_valid(words)[:_LONGEST_SESSION]}-{_digest(node_id)}"


def _part(text: str, whole: str) -> str:
    """`text` as a part of a cassette's name; one that had to change is told by a digest."""
    valid = _valid(text)
    if valid == text and len(text) <= _LONGEST_PART:
        return text
    return f"{valid[:_LONGEST_PART]}-{_digest(whole)}"


def _valid(text: str) -> str:
    return _INVALID.sub("-", text).strip("-.") or "test"


def _digest(text: str) -> str:
    return hashlib.blake2b(
        text.encode("utf-8", "surrogatepass"), digest_size=_DIGITS // 2
    ).hexdigest()
