"""Reads the content of messages: text, pictures, sound, files, tool calls.

Chat completions and responses spell the same things a little differently; both spellings are
read here, so that either may hold what the other defines.
"""

from __future__ import annotations

from llmreplay.core.dialect import Json, Part, PartKind
from llmreplay.dialects.reading import compact, data_url, entries, fields, media, words

__all__ = ["ROLES", "content_parts", "text_part", "thinking_part", "tool_call"]

ROLES = {"developer": "system", "function": "tool"}
"""Their names for roles → ours, where they differ."""

_TEXTS = {"text", "input_text", "output_text", "refusal", "transcript"}
_THOUGHTS = {"thinking", "reasoning", "reasoning_text", "summary_text"}


def content_parts(content: Json) -> tuple[Part, ...]:
    """A message's `content`: a string, or an array of parts."""
    if isinstance(content, str):
        return text_part(content)
    return tuple(part for entry in entries(content) for part in _content_part(entry))


def text_part(text: Json) -> tuple[Part, ...]:
    """Text, if there is any."""
    return (Part(PartKind.TEXT, words(text)),) if words(text) else ()


def thinking_part(text: Json) -> tuple[Part, ...]:
    """Reasoning, if any of it is readable."""
    return (Part(PartKind.THINKING, words(text)),) if words(text) else ()


def tool_call(call: Json) -> Part:
    """A call in chat's shape: `{"function": {"name", "arguments"}}` or `{"custom": {…}}`."""
    asked = fields(call)
    function = fields(asked.get("function")) or fields(asked.get("custom")) or asked
    arguments = function.get("arguments", function.get("input", ""))
    return Part(PartKind.TOOL_CALL, compact(arguments), words(function.get("name")) or None)


def _content_part(entry: Json) -> tuple[Part, ...]:
    if isinstance(entry, str):  # embeddings, moderations and Mistral take arrays of strings
        return text_part(entry)
    part = fields(entry)
    kind = words(part.get("type"))
    if kind in _TEXTS:
        text = part.get("text", part.get(kind))
        return text_part(fields(text).get("value", text))  # threads: {"text": {"value"}}
    if kind in _THOUGHTS:
        thought = part.get("text", part.get(kind))
        pieces = entries(thought) or [part | {"text": thought}]  # Mistral's come in pieces
        return thinking_part("".join(words(fields(piece).get("text")) for piece in pieces))
    return (_attachment(kind, part),)


def _attachment(kind: str, part: dict[str, Json]) -> Part:
    match kind:
        case "image_url" | "input_image":
            url = part.get("image_url")
            return data_url(fields(url).get("url", url) or part.get("file_id"), "image")
        case "input_audio" | "audio":
            audio = fields(part.get(kind)) or part
            return media(f"audio/{words(audio.get('format')) or 'wav'}", audio.get("data"))
        case "file" | "input_file":
            return _file(fields(part.get("file")) or part)
        case "document_url" | "video_url":
            url = part.get(kind)
            return data_url(fields(url).get("url", url), kind.removesuffix("_url"))
        case _:
            return Part(PartKind.OTHER, compact(part))


def _file(file: dict[str, Json]) -> Part:
    name, content = words(file.get("filename")), words(file.get("file_data"))
    if not content:
        place = file.get("file_url") or file.get("file_id")
        return media("file", None, place=place or name)
    # Some clients send a data URL, some the bare base64.
    held = data_url(content, "file") if content.startswith("data:") else media("file", content)
    return Part(held.kind, f"{name} ({held.text})" if name else held.text)
