"""Every file of the corpus is read whole, or refused by the name of what it is."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from llmreplay.core.streams import Framing, framing_of, split
from llmreplay.errors import CassetteError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.corpus.corpus import Corpus, Row, Taken

    RecordProperty = Callable[[str, object], None]


def test_files_of_http_give_every_interaction(
    corpus: Corpus, record_property: RecordProperty
) -> None:
    files = [row for row in corpus.rows if row.replayable]

    read = {row.path: corpus.read(row) for row in files}

    assert {row.path: row.format for row in files} == {
        path: imported.format for path, imported in read.items()
    }
    assert {row.path: row.interactions for row in files} == {
        path: len(imported.exchanges) for path, imported in read.items()
    }
    assert not any(imported.skipped for imported in read.values())
    total = sum(len(imported.exchanges) for imported in read.values())
    formats = Counter(row.format for row in files)
    record_property(
        "counted", f"{total} exchanges read from {len(files)} files: {_listed(formats)}"
    )


def test_files_of_anything_else_are_refused_by_name(
    corpus: Corpus, record_property: RecordProperty
) -> None:
    files = [row for row in corpus.rows if not row.replayable]

    refusals = {row.path: _refusal(corpus, row) for row in files}

    assert {row.path: row.format for row in files} == {
        path: refusal.partition("a recording of kind '")[2].partition("'")[0]
        for path, refusal in refusals.items()
    }
    formats = Counter(row.format for row in files)
    record_property("counted", f"{len(files)} files refused by name: {_listed(formats)}")


def test_streams_fall_into_events_that_join_to_their_bodies(
    exchanges: list[Taken], record_property: RecordProperty
) -> None:
    streams, events = Counter[Framing](), 0
    for taken in exchanges:
        response = taken.exchange.response
        framing = framing_of(response.headers, response.body, length_known=False)
        pieces = split(framing, response.body)
        assert b"".join(event.raw for event in pieces) == response.body, str(taken)
        if framing is not Framing.NONE:
            streams[framing] += 1
            events += sum(event.data is not None for event in pieces)

    assert set(streams) >= {Framing.SSE, Framing.NDJSON, Framing.EVENT_STREAM}
    record_property("counted", f"{events} events in {streams.total()} streams: {_listed(streams)}")


def _refusal(corpus: Corpus, row: Row) -> str:
    try:
        return f"it was read as {corpus.read(row).format}"
    except CassetteError as error:
        return str(error)


def _listed(counts: Counter[str] | Counter[Framing]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.most_common())
