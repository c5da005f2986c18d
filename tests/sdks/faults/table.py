"""What SDKs made of faults, as tables of a page. Only what is the same in every run is in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.sdks.faults.cases import CASES, GROUPS, PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tests.sdks.faults.cases import Case
    from tests.sdks.faults.running import Ran

__all__ = ["PAGE", "Cell", "cell", "page"]

PAGE = Path(__file__).parents[3] / "docs" / "sdks-and-faults.md"

_LONGEST = 80
_ANY = (
    # ports, addresses, what belongs to one run
    (re.compile(r"https?://127\.0\.0\.1:\d+\S*"), "URL"),
    (re.compile(r"port=\d+"), "port=…"),
    (re.compile(r"0x[0-9a-f]{4,}"), "0x…"),
    (re.compile(r"headers: \{.*"), "headers: {…}"),
    # litellm names its classes again
    (re.compile(r"^(?:litellm\.\w+: (?:\w+Error: )*)+"), ""),
)
# RST meets the client as it sends, or before: which of them it says is a race.
_GONE = re.compile(
    r"\[Errno 104\] Connection reset by peer|Server disconnected without sending a response\."
)
_WAITS = (
    (0.25, "at once"),
    (0.72, "½ s"),
    (1.45, "1 s"),
    (2.9, "2 s"),
    (5.8, "4 s"),
    (11.6, "8 s"),
)


@dataclass(frozen=True, slots=True)
class Cell:
    """What an SDK makes of a fault: in a word, in full, and how it came again."""

    word: str
    told: str
    requests: int
    waits: tuple[str, ...]

    @property
    def short(self) -> str:
        return self.word if self.requests < 2 else f"{self.word} ({self.requests})"

    @property
    def again(self) -> str:
        """Its requests, and its waits between them."""
        waits = f", after {', '.join(self.waits)}" if self.waits else ""
        return f"{self.requests}{waits}"


def cell(ran: Ran) -> Cell:
    """What came of one case with one SDK."""
    word, told = _outcome(ran)
    # Before there is a request, the time goes into greetings, and is as long as it takes.
    waits = () if ran.case.own_server else tuple(map(_rounded, ran.waits_s))
    return Cell(word, told, len(ran.requests) - ran.case.times + 1, waits)


def _outcome(ran: Ran) -> tuple[str, str]:
    heard, usual = ran.heard, ran.usual
    if heard is None:
        return "waits", f"still waits after {PATIENCE_S:g} s"
    if heard["error"]:
        return "error", _raised(ran)
    faults = ran.requests[-1].faults if ran.requests else ()
    missing = next((told for told in faults if "not done" in told), None)
    if missing is not None:
        return _NOTHING, f"not done: {missing.partition('not done: ')[2].removesuffix(')')}"
    note = f", {heard['note']}" if heard["note"] else ""
    if all(heard[key] == usual[key] for key in ("text", "arguments", "usage")):
        return "whole", f"as recorded{note}"
    return "**silent**", f"no error, {_less(ran)}{note}"


def _raised(ran: Ran) -> str:
    assert ran.heard is not None
    heard = ran.heard
    status = f" {heard['status']}" if heard["status"] else ""
    message = heard["message"]
    if ran.case.own_server:
        message = _GONE.sub("the connection is gone", message)
    message = _said(message)
    pieces = f", after {_pieces(ran)}" if heard["pieces"] else ""
    return f"`{heard['error']}`{status}{': ' if message else ''}{message}{pieces}"


def _less(ran: Ran) -> str:
    assert ran.heard is not None
    heard, usual = ran.heard, ran.usual
    if not heard["pieces"]:
        return "nothing"
    if all(heard[key] == usual[key] for key in ("text", "arguments")):
        return "all but the usage"
    if all(usual[key].startswith(heard[key]) for key in ("text", "arguments")):
        return _pieces(ran)
    return f"“{heard['text'] or heard['arguments']}”"


def _pieces(ran: Ran) -> str:
    assert ran.heard is not None
    if ran.heard["pieces"] == ran.usual["pieces"]:
        return "all text" if ran.heard["text"] else "all arguments"
    return f"{ran.heard['pieces']} of {ran.usual['pieces']} pieces"


def _said(message: str) -> str:
    for pattern, instead in _ANY:
        message = pattern.sub(instead, message)
    if len(message) > _LONGEST:
        message = message[:_LONGEST].rsplit(" ", 1)[0] + " …"
    return re.sub(r"([|<>*_`\[\]\\~])", r"\\\1", message)


def _rounded(wait_s: float) -> str:
    return next((word for most_s, word in _WAITS if wait_s < most_s), "longer")


_INTRO = """\
# What SDKs make of faults

What programs get from the real SDKs when a [rule](overlays.md) makes the provider misbehave: the
exception or the result, how often the request came, and how long the SDK waited in between.
`make faults` asks them all and writes this page; CI asks them, too, and fails if one has changed
its ways.

Each SDK is used as its makers ship it, with its own number of retries (google-genai has none, and
is asked once more with three attempts). Only a deadline is shorter: where nothing comes, it is
1.5 s instead of minutes. Waits that an SDK leaves to chance are fixed in the middle of their range,
and all waits are rounded (½, 1, 2, 4, 8 s).

## At a glance

- **error**: the client raises.
- **whole**: it has the answer as it was recorded.
- **silent**: it ends without an error, and not all is there, or not as it was. Only your program
  can notice.
- **waits**: it has neither after {patience:g} s.
- (3): it asked three times, none: once.
- –: that answer has no such point, and stays as it is.
"""  # noqa: RUF001  # a dash for nothing
_NOTHING = "–"  # noqa: RUF001  # the same


def page(cells: Mapping[tuple[str, str], Cell], sdks: Sequence[str]) -> str:
    """The page, whole."""
    parts = [_INTRO.format(patience=PATIENCE_S), *_glance(cells, sdks)]
    for sdk in sdks:
        parts += [f"\n## {sdk}\n", *_details(cells, sdk)]
    return "\n".join(parts) + "\n"


def _glance(cells: Mapping[tuple[str, str], Cell], sdks: Sequence[str]) -> Iterable[str]:
    yield f"| fault | {' | '.join(sdks)} |"
    yield "|---" * (len(sdks) + 1) + "|"
    for group in GROUPS:
        yield f"| **{group}**{' |' * (len(sdks) + 1)}"
        for case in _of(group):
            found = " | ".join(cells[case.name, sdk].short for sdk in sdks)
            yield f"| {case.shown} | {found} |"


def _details(cells: Mapping[tuple[str, str], Cell], sdk: str) -> Iterable[str]:
    yield "| fault | what comes of it | requests |"
    yield "|---|---|---|"
    for group in GROUPS:
        yield f"| **{group}** | | |"
        for case in _of(group):
            found = cells[case.name, sdk]
            yield f"| {case.shown} | {found.told} | {found.again} |"


def _of(group: str) -> Iterable[Case]:
    return (case for case in CASES if case.group == group)
