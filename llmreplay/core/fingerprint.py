"""Fingerprints: a canonical form → 16 bytes, and → a few ints that tell which forms are near.

Neither depends on hash seed, locale, time zone, platform or process. Fingerprints are what
recordings are found by; features are what the explanation of a miss finds the nearest by.
"""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import TYPE_CHECKING, TypeAlias
from zlib import crc32

import orjson

from llmreplay.core.canonical import BodyKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmreplay.core.canonical import Canonical
    from llmreplay.core.dialect import Dialect, Json, Turn

__all__ = ["Fingerprint", "features", "fingerprint", "spelled", "weights"]

Fingerprint: TypeAlias = bytes
"""16 bytes."""


def fingerprint(canonical: Canonical) -> Fingerprint:
    """The hash of all that takes part in a match."""
    whole = (
        canonical.method,
        canonical.path,
        canonical.query,
        canonical.headers,
        canonical.kind,
        canonical.body,
    )
    return blake2b(spelled(whole), digest_size=16).digest()


def spelled(value: Json) -> bytes:
    """`value` as JSON: an unambiguous text, keys sorted."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        # A lone surrogate, or the query of a client that sends no UTF-8.
        return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def features(canonical: Canonical, dialect: Dialect) -> tuple[int, ...]:
    """Hashes (64 bits) of the parts of a request: turns, beginnings of the conversation, fields.

    Two requests are the nearer, the more of these they share. They are kept for each recording
    with the index of its cassette, so they are few.
    """
    return tuple(weights(canonical, dialect))


def weights(canonical: Canonical, dialect: Dialect) -> dict[int, int]:
    """The features of a request, each with what it counts for in finding the nearest."""
    found: dict[int, int] = {}
    conversation_keys: frozenset[str] = frozenset()
    if canonical.kind is BodyKind.JSON:
        turns = dialect.conversation(canonical.body)
        found |= _of_conversation(turns)
        conversation_keys = dialect.conversation_keys if turns else frozenset()
    elif canonical.kind is BodyKind.TEXT:
        found |= _of_words(canonical.body)
    answer_form: list[tuple[str, Json]] = []
    for name, value in _fields(canonical):
        if name in dialect.answer_keys:
            answer_form.append((name, value))
        elif name not in conversation_keys:
            found[_hash(spelled((name, value)))] = _FIELD
    found[_hash(spelled(("form of the answer", sorted(answer_form, key=spelled))))] = _ANSWER_FORM
    return found


_ANSWER_FORM, _TURN, _BEGINNING, _FIELD, _LENGTH, _WORD = 8, 6, 4, 2, 1, 1
_LAST_TURNS = 24
"""How many turns have a feature of their own, counted from the end."""
_WORDS = 6
"""How many words stand for the last thing that the client said."""
_CHARACTERS = 2_000
"""How much of it is looked at, from its beginning and from its end."""
_ITEMS = 32
"""How many items of a body that is a list have a feature."""


def _of_conversation(turns: tuple[Turn, ...]) -> dict[int, int]:
    """Features of turns wherever they stand, and of the conversation up to 1, 2, 4, 8, … turns.

    The system prompt is in none of the beginnings: it is edited more often than what follows.
    """
    found: dict[int, int] = {}
    system = [turn for turn in turns if turn.role == "system"]
    others = [turn for turn in turns if turn.role != "system"]
    for turn in system[:_LAST_TURNS]:
        found[_hash(_told_turn(turn))] = _TURN
    so_far = blake2b(b"beginning", digest_size=8)
    for number, turn in enumerate(others, 1):
        told = _told_turn(turn)
        if number > len(others) - _LAST_TURNS:
            found[_hash(told)] = _TURN
        so_far.update(told)
        if number & (number - 1) == 0 or number == len(others):
            found[_number(so_far.digest())] = _BEGINNING
    found[_hash(b"%d turns" % len(others))] = _LENGTH
    asked = [turn for turn in others if turn.role != "assistant"]
    if asked:
        found |= _of_words(" ".join(part.text for part in asked[-1].parts))
    return found


def _told_turn(turn: Turn) -> bytes:
    return spelled((turn.role, [(part.kind, part.text, part.name) for part in turn.parts]))


def _of_words(text: str) -> dict[int, int]:
    """The few words with the smallest hashes: much the same in texts that differ by a word."""
    if len(text) > 2 * _CHARACTERS:
        text = f"{text[:_CHARACTERS]} {text[-_CHARACTERS:]}"
    hashes = {crc32(word.encode("utf-8", "replace")) for word in text.split()}
    return dict.fromkeys(sorted(hashes)[:_WORDS], _WORD)


def _fields(canonical: Canonical) -> Iterator[tuple[str, Json]]:
    yield from canonical.query
    yield from canonical.headers
    match canonical.body:
        case dict() as body:
            yield from body.items()
        case list() as items:
            yield from (("item", item) for item in items[:_ITEMS])
        case other:
            yield "body", other


def _hash(told: bytes) -> int:
    return _number(blake2b(told, digest_size=8).digest())


def _number(digest: bytes) -> int:
    return int.from_bytes(digest)
