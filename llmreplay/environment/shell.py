"""Variables as lines for a shell to evaluate. `llmreplay env` prints them."""

from __future__ import annotations

import shlex
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["SHELLS", "shell_lines"]


def shell_lines(variables: Mapping[str, str], shell: str) -> str:
    """A line for each variable, which sets and exports it in `shell`."""
    line = _LINES[shell]
    return "".join(line(name, value) for name, value in variables.items())


def _posix(name: str, value: str) -> str:
    return f"export {name}={shlex.quote(value)}\n"


def _fish(name: str, value: str) -> str:
    # Within fish's single quotes, only these two mean something.
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"set -gx {name} '{escaped}'\n"


_LINES: Final[Mapping[str, Callable[[str, str], str]]] = MappingProxyType(
    {"posix": _posix, "fish": _fish}
)

SHELLS: Final = tuple(_LINES)
"""The shells whose syntax is known."""
