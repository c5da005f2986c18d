"""Differences: what sets a request apart from a recording, the most important first.

That is what was asked of which model, then the conversation, then other fields.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from llmreplay.core.canonical import BodyKind
from llmreplay.core.fingerprint import spelled
from llmreplay.core.mismatch.conversation import turn_differences
from llmreplay.core.mismatch.difference import Difference
from llmreplay.core.mismatch.fields import field_differences, value_differences
from llmreplay.core.mismatch.wording import quoted, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from llmreplay.core.canonical import Canonical
    from llmreplay.core.dialect import Dialect, Json

__all__ = ["differences", "drift", "told"]

_COUNTED = 100
"""Differences that are counted; who has more is simply another request."""
_TOLD = 5
_LONGEST = 800
"""Characters of a sentence; those of ours have half as many at most."""
_ANSWER_FORM_WEIGHT = 4
"""The form of the answer counts for more than a turn: nothing makes up for it."""


def differences(recorded: Canonical, asked: Canonical, dialect: Dialect) -> tuple[Difference, ...]:
    """All that sets `asked` apart from `recorded`, within bounds."""
    found = islice(_differences(recorded, asked, dialect), _COUNTED)
    return tuple(_of_the_answer(one, dialect) for one in found)


def drift(live: Canonical, recorded: Canonical, dialect: Dialect) -> tuple[str, ...]:
    """What differs between a request and the recording that answers it, in a few sentences."""
    return told(differences(recorded, live, dialect))


def told(found: tuple[Difference, ...]) -> tuple[str, ...]:
    """The first few sentences, and how many more there are."""
    sentences = tuple(_within_bounds(one.sentence) for one in found[:_TOLD])
    more = len(found) - len(sentences)
    return (*sentences, f"and {more} more") if more else sentences


def _within_bounds(sentence: str) -> str:
    """Names of fields and roles are the client's, and may be of any length."""
    return sentence if len(sentence) <= _LONGEST else f"{sentence[:_LONGEST]}…"


def _of_the_answer(difference: Difference, dialect: Dialect) -> Difference:
    """`difference`, marked if it decides the form of the answer: then it cannot be ignored."""
    field = (difference.ignore or "").removeprefix("$.").removeprefix("?")
    if field not in dialect.answer_keys:
        return difference
    return replace(difference, ignore=None, answer_form=True, weight=_ANSWER_FORM_WEIGHT)


def _differences(recorded: Canonical, asked: Canonical, dialect: Dialect) -> Iterator[Difference]:
    model = _model_difference(recorded, asked, dialect)
    if model is not None:
        yield model
    for what, ours, theirs in (
        ("method", recorded.method, asked.method),
        ("path", recorded.path, asked.path),
    ):
        # A path that names the model differs with it, which is said already.
        if ours != theirs and (model is None or model.names is None):
            yield Difference(f"{what} differs: recorded {quoted(ours)}, asked {quoted(theirs)}")
    yield from _pairs("query parameter", recorded.query, asked.query, "?{}".format)
    if recorded.kind is asked.kind:
        yield from _bodies(recorded, asked, dialect, frozenset({"model"} if model else ()))
    else:
        kinds = f"recorded {_A_BODY[recorded.kind]}, asked {_A_BODY[asked.kind]}"
        yield Difference(f"body differs: {kinds}")
    yield from _pairs("header", recorded.headers, asked.headers, lambda _name: None)


_A_BODY = {
    BodyKind.NONE: "none",
    BodyKind.JSON: "JSON",
    BodyKind.MULTIPART: "multipart",
    BodyKind.FORM: "a form",
    BodyKind.TEXT: "text",
    BodyKind.BINARY: "binary data",
}


def _model_difference(recorded: Canonical, asked: Canonical, dialect: Dialect) -> Difference | None:
    ours = dialect.model(recorded.path, recorded.body)
    theirs = dialect.model(asked.path, asked.body)
    if ours is None or theirs is None or ours == theirs:
        return None
    in_body = isinstance(asked.body, dict) and asked.body.get("model") == theirs
    in_path = theirs == dialect.model(asked.path, None)
    return Difference(
        f"model differs: recorded {quoted(ours)}, asked {quoted(theirs)}",
        ignore="$.model" if in_body and not in_path else None,
        names=(ours, theirs) if in_path else None,
    )


def _bodies(
    recorded: Canonical, asked: Canonical, dialect: Dialect, but_for: frozenset[str]
) -> Iterator[Difference]:
    ours, theirs = recorded.body, asked.body
    match asked.kind:
        case BodyKind.JSON if isinstance(ours, dict) and isinstance(theirs, dict):
            apart = turn_differences(dialect.conversation(ours), dialect.conversation(theirs))
            turns = tuple(islice(apart, _COUNTED))
            yield from turns
            told_of = {place for turn in turns for place in turn.places}
            for one in field_differences(ours, theirs, but_for):
                if not any(_is_within(place, told_of, dialect) for place in one.places):
                    yield one
        case BodyKind.MULTIPART:
            yield from _pairs("part", _parts(ours), _parts(theirs), _by_name)
        case BodyKind.FORM:
            yield from _pairs("form field", _fields(ours), _fields(theirs), _by_name)
        case _:
            yield from value_differences(ours, theirs, "$", "body")


def _is_within(place: str, told_of: set[str], dialect: Dialect) -> bool:
    """Whether a place of the body is in a turn that was told of already, or is all around it."""
    key = place.removeprefix("$.").partition("[")[0].partition(".")[0]
    return any(
        key in dialect.conversation_keys
        if turn == "$"
        else _contains(turn, place) or _contains(place, turn)
        for turn in told_of
    )


def _contains(outer: str, inner: str) -> bool:
    return f"{inner}.".startswith((f"{outer}.", f"{outer}["))


def _by_name(name: str) -> str:
    """The JSONPath of a part or field, in the list that the canonical form makes of them."""
    return f"$[?@.name == {spelled(name).decode()}]"


def _parts(body: list[dict[str, Json]]) -> list[tuple[str, Json]]:
    return [
        (part["name"], {key: value for key, value in part.items() if key != "name"})
        for part in body
    ]


def _fields(body: list[dict[str, Json]]) -> list[tuple[str, Json]]:
    return [(one["name"], one["value"]) for one in body]


def _pairs(
    what: str,
    recorded: Iterable[tuple[str, Json]],
    asked: Iterable[tuple[str, Json]],
    ignore: Callable[[str], str | None],
) -> Iterator[Difference]:
    """What differs between named values, of which several may have one name."""
    ours, theirs = _grouped(recorded), _grouped(asked)
    for name in sorted(ours.keys() | theirs.keys()):
        label, path = f"{what} {name}", ignore(name)
        if name not in ours:
            yield Difference(f"{label} is new: {shown(theirs[name])}", ignore=path)
        elif name not in theirs:
            missing = f"{label} is missing: recorded {shown(ours[name])}"
            yield Difference(missing, ignore=path)
        else:
            for inner in value_differences(ours[name], theirs[name], label):
                yield replace(inner, places=(), ignore=path)


def _grouped(pairs: Iterable[tuple[str, Json]]) -> dict[str, Json]:
    """By name: the value, or the list of them where there are several."""
    found: dict[str, list[Json]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}
