"""What requests mean, over real traffic: one form each, found again, and explained when edited."""

from __future__ import annotations

import random
from collections import Counter
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import orjson

from llmreplay.core.canonical import BodyKind, MatchSettings, canonical
from llmreplay.core.exchange import Request
from llmreplay.core.fingerprint import features, fingerprint
from llmreplay.core.matching import Miss, MissReason
from llmreplay.core.mismatch import Question, explain
from llmreplay.core.tape import Recording, Tape
from llmreplay.dialects.registry import recognise

if TYPE_CHECKING:
    from tests.corpus.corpus import Taken

PLAIN = MatchSettings()


def test_every_request_has_one_form_whatever_the_order_of_its_keys(exchanges: list[Taken]) -> None:
    kinds: Counter[str] = Counter()
    chance = random.Random(7)  # noqa: S311  # a shuffle
    for taken in exchanges:
        request = taken.exchange.request
        dialect = recognise(request, None)
        form = canonical(request, dialect, PLAIN)
        kinds[form.kind] += 1
        if form.kind is not BodyKind.JSON:
            continue
        shuffled = Request(
            request.method,
            request.url,
            request.headers,
            orjson.dumps(in_any_order(orjson.loads(request.body), chance)),
        )
        assert canonical(shuffled, dialect, PLAIN) == form, str(taken)
        again = Request(
            form.method, f"https://h{form.path}", request.headers, orjson.dumps(form.body)
        )
        assert canonical(again, dialect, PLAIN).body == form.body, str(taken)
    assert all(kinds[kind] for kind in ("none", "json", "multipart", "binary", "text", "form"))


def in_any_order(value: Any, chance: random.Random) -> Any:  # noqa: ANN401  # any JSON
    if isinstance(value, dict):
        keys = list(value)
        chance.shuffle(keys)
        return {key: in_any_order(value[key], chance) for key in keys}
    if isinstance(value, list):
        return [in_any_order(item, chance) for item in value]
    return value


def test_an_edited_request_is_explained_by_its_own_recording(exchanges: list[Taken]) -> None:
    """A word in a random text of each request: mostly there is one difference, and it is told."""
    tape, chance = Tape(), random.Random(7)  # noqa: S311  # which text is edited
    edits: list[tuple[Recording, Question]] = []
    for taken in exchanges:
        request = taken.exchange.request
        dialect = recognise(request, None)
        form = canonical(request, dialect, PLAIN)
        recording = Recording(
            fingerprint(form),
            features(form, dialect),
            request.upstream,
            form.method,
            form.path,
            str(taken),
            partial(attrgetter("exchange"), taken),
        )
        tape.add(recording)
        asked = edited(request, chance) if form.kind is BodyKind.JSON else None
        if asked is not None:
            asked_form = canonical(asked, dialect, PLAIN)
            if asked_form != form:
                edits.append((recording, Question(asked, asked_form, dialect, PLAIN)))
    told_well = 0
    for recording, question in edits:
        got = explain(question, tape, Miss(MissReason.NEVER_RECORDED))
        assert got.nearest is not None, got.text
        bullets = [line for line in got.lines if line.startswith("- ")]
        told_well += got.nearest.fingerprint == recording.fingerprint and len(bullets) == 1
    assert len(edits) > 300
    assert told_well / len(edits) > 0.85, f"{told_well} of {len(edits)}"


def edited(request: Request, chance: random.Random) -> Request | None:
    """`request` with a word more in one of its texts."""
    body = orjson.loads(request.body)
    texts = list(texts_in(body))
    if not texts:
        return None
    holder, key = chance.choice(texts)
    holder[key] = f"{holder[key]} really"
    return Request(
        request.method, request.url, request.headers, orjson.dumps(body), request.upstream
    )


def texts_in(value: Any) -> list[tuple[Any, Any]]:  # noqa: ANN401  # any JSON
    """Where a text of at least two words stands."""
    if not isinstance(value, dict | list):
        return []
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    found = []
    for key in keys:
        if isinstance(value[key], str) and " " in value[key]:
            found.append((value, key))
        found += texts_in(value[key])
    return found
