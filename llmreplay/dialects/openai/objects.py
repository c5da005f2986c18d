"""Answers that are no conversation, in a few words: embeddings, pictures, files, lists, ….

Whatever is not known here is shown as JSON, shortened.
"""

from __future__ import annotations

from llmreplay.core.dialect import Json, Part, PartKind, Reply, Usage
from llmreplay.dialects.openai.chat import message_parts
from llmreplay.dialects.openai.parts import content_parts, text_part
from llmreplay.dialects.openai.responses import item_parts
from llmreplay.dialects.reading import (
    compact,
    entries,
    error_text,
    fields,
    media,
    number,
    shortened,
    size,
    words,
)

__all__ = ["reply"]


def reply(values: tuple[Json, ...], *, failed: bool) -> Reply:
    """What any other answer says; `failed` when its status tells of an error."""
    answers = [fields(value) for value in values]
    errors = (error_text(value, expected=failed) for value in values)
    usage: dict[str, Json] = {}
    for answer in answers:
        usage = fields(answer.get("usage")) or usage
    return Reply(
        () if failed else _one(values[0]) if len(values) == 1 else _stream(answers),
        next((words(answer["model"]) for answer in answers if words(answer.get("model"))), None),
        words(answers[-1].get("status")) or None,
        Usage(
            number(usage.get("input_tokens", usage.get("prompt_tokens"))),
            number(usage.get("output_tokens", usage.get("completion_tokens"))),
        ),
        next((error for error in errors if error), None),
    )


def _stream(events: list[dict[str, Json]]) -> tuple[Part, ...]:
    """Transcripts, speech, pictures and threads, event by event; else how many values."""
    text, sound = [], []
    others: tuple[Part, ...] = ()
    for event in events:
        delta = event.get("delta")
        if event.get("object") == "thread.message.delta":
            text += [part.text for part in content_parts(fields(delta).get("content"))]
        elif words(event.get("type")).endswith(".completed"):
            others += _pictures([event])
        elif event.get("required_action"):
            others = _one(event)  # the run as it is now; an earlier state is told again
        text.append(words(delta) or words(event.get("value")))  # Writer's completions: `value`
        sound.append(words(event.get("audio")))
    speech = (media("audio", "".join(sound)),) if any(sound) else ()
    said = (*text_part("".join(text)), *speech, *others)
    return said or (Part(PartKind.OTHER, f"{len(events)} JSON values"),)


def _one(value: Json) -> tuple[Part, ...]:
    """The first of the known forms that fits, else the JSON itself."""
    answer = fields(value)
    return (
        _listed(entries(answer.get("data")))
        or _pictures([answer])
        or text_part(answer.get("text"))
        or message_parts(answer)
        or message_parts(fields(fields(answer.get("required_action")).get("submit_tool_outputs")))
        or _moderated(entries(answer.get("results")))
        or _named(answer)
        or _other(compact(value))
    )


def _listed(data: list[Json]) -> tuple[Part, ...]:
    first = fields(next(iter(data), None))
    if not first:
        return ()
    if "embedding" in first:
        plural = "" if len(data) == 1 else "s"
        return _other(f"{len(data)} embedding{plural} of {_dimensions(first)}")
    said = _pictures(data) or tuple(
        part
        for item in map(fields, data)
        if "content" in item or "call_id" in item
        for part in item_parts({"type": "message", **item})
    )
    kind = words(first.get("object")) or words(first.get("type")) or "item"
    return said or _other(f"list of {len(data)}: {kind}")


def _dimensions(embedded: dict[str, Json]) -> str:
    """Numbers; or bytes, where base64 does not tell how wide a number is."""
    vector = embedded["embedding"]
    if isinstance(vector, str):
        return size(len(vector.rstrip("=")) * 3 // 4)
    return f"{len(entries(vector))} numbers"


def _pictures(listed: list[Json]) -> tuple[Part, ...]:
    return tuple(
        media("image", picture.get("b64_json"), place=picture.get("url"))
        for picture in map(fields, listed)
        if words(picture.get("b64_json")) or words(picture.get("url"))
    )


def _moderated(results: list[Json]) -> tuple[Part, ...]:
    parts: tuple[Part, ...] = ()
    for result in map(fields, results):
        if "flagged" in result:
            categories = fields(result.get("categories"))
            found = ", ".join(name for name, flagged in categories.items() if flagged is True)
            parts += _other(f"flagged: {found}" if result["flagged"] else "not flagged")
    return parts


def _named(answer: dict[str, Json]) -> tuple[Part, ...]:
    kind, identity = words(answer.get("object")), words(answer.get("id"))
    if not (kind and identity):
        return ()
    return _other(f"{kind} {identity}{' deleted' if answer.get('deleted') is True else ''}")


def _other(text: str) -> tuple[Part, ...]:
    return (Part(PartKind.OTHER, shortened(text)),)
