"""Presets: what changes from run to run in the requests of well-known agents.

Seen in real traffic: directories, dates, platform, git state, billing marks, account and
session ids. What a whole provider's requests share is in its dialect instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PRESETS", "Preset"]


@dataclass(frozen=True, slots=True)
class Preset:
    """As in `MatchSettings`: what to leave out and what to replace."""

    ignore: tuple[str, ...] = ()
    replace: tuple[tuple[str, str], ...] = ()


_ENV_BLOCK = (r"(?s)<env>.*?</env>", "<env/>")
_ENV_LIST = (
    r"(?m)^ *- (?:[\w ]*orking director\w+|Is a git repository|Platform|Shell|OS Version): .*$",
    "- environment",
)
_TODAY = (r"Today's date(?: is(?: now)?|:) [^\n<]*", "Today's date")

PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "claude-code": Preset(
            ignore=("$.metadata.user_id", "$.messages[*].content[*].signature"),
            replace=(
                # `cch` is new in each request, the version in each release.
                (r"x-anthropic-billing-header:[^\n]*", "x-anthropic-billing-header"),
                # Versions to 2.0 have a block, later ones a list.
                _ENV_BLOCK,
                _ENV_LIST,
                _TODAY,
                (r"(?s:gitStatus: .*?Recent commits:\n)(?:[^\n]+\n?)*", "gitStatus"),
                (r"[^\s\"'`<>()]*/\.claude/projects/[^\s\"'`<>()]*", "/.claude/projects/memory"),
            ),
        ),
        "codex": Preset(
            ignore=("$.prompt_cache_key", "$.client_metadata", "$.input[*].encrypted_content"),
            replace=(
                (
                    r"(?s)<environment_context>.*?</environment_context>",
                    "<environment_context/>",
                ),
            ),
        ),
        "opencode": Preset(
            ignore=("$.prompt_cache_key", "$.promptCacheKey"),
            replace=(
                _ENV_BLOCK,
                (r"(?s)<(?:directories|files)>.*?</(?:directories|files)>", "<files/>"),
                _TODAY,
            ),
        ),
    }
)
