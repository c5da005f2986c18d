"""The Responses API: requests, whole responses, streams of named events; conversation items.

A stream usually ends with the whole response, which is then read; one that was cut is put
together from its items and deltas.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from llmreplay.core.dialect import Json, Part, PartKind, Reply, Turn, Usage
from llmreplay.dialects.openai.parts import ROLES, content_parts, text_part, thinking_part
from llmreplay.dialects.reading import (
    compact,
    entries,
    error_text,
    fields,
    media,
    named_results,
    number,
    words,
)

__all__ = ["item_parts", "reply", "turns"]

_HIDDEN = "(encrypted)"
_ASKED = ("arguments", "input", "code", "action", "queries", "operation")
"""Where the items of the various tools keep what the tool was asked."""


def turns(items: list[Json], where: str) -> tuple[Turn, ...]:
    """Input items, each a turn; outputs carry the name of the tool whose call they answer."""
    names = {
        words(call.get("call_id")): words(call.get("name"))
        for call in map(fields, items)
        if words(call.get("name"))
    }
    return tuple(
        Turn(_role(item), item_parts(item, names), f"{where}[{index}]")
        for index, item in enumerate(map(fields, items))
    )


def reply(values: tuple[Json, ...]) -> Reply:
    """What a response, or the events of its stream, say."""
    stream = _Stream()
    response: dict[str, Json] = {}
    error = None
    for event in map(fields, values):
        kind = words(event.get("type"))
        if event.get("object") == "response":
            response = event
        elif isinstance(event.get("response"), dict):
            response = event["response"]
        else:
            stream.add(kind, event)
        error = error or error_text(event, expected=kind == "error")
        error = error or error_text(response, expected=False)
    output = map(fields, entries(response.get("output")))
    parts = tuple(part for item in output for part in item_parts(item))
    return Reply(
        parts or stream.parts(),
        words(response.get("model")) or None,
        _finish(response),
        _usage(fields(response.get("usage"))),
        error,
    )


def item_parts(item: dict[str, Json], names: dict[str, str] | None = None) -> tuple[Part, ...]:
    """What an item says; `names` are the tools' names by call id."""
    kind = words(item.get("type"))
    name = words(item.get("name")) or (names or {}).get(words(item.get("call_id"))) or None
    if kind in {"", "message"}:
        return content_parts(item.get("content"))
    if kind == "reasoning":
        return _reasoning(item)
    if kind == "image_generation_call":
        return (media("image", item.get("result")),)
    if kind.endswith("_output"):
        output = item.get("output")
        said = content_parts(output) if isinstance(output, str | list) else ()
        said = said or text_part(compact("" if output is None else output))
        return named_results(said, name) or (Part(PartKind.TOOL_RESULT, "", name),)
    if kind.endswith("_call"):
        return (_call(item, name or kind.removesuffix("_call")),)
    return (Part(PartKind.OTHER, compact(item)),)


@dataclass(slots=True)
class _Stream:
    """Output items as they grow; by `output_index`."""

    items: dict[int, dict[str, Json]] = field(default_factory=dict)
    done: set[int] = field(default_factory=set)
    deltas: dict[int, dict[str, list[str]]] = field(default_factory=dict)

    def add(self, kind: str, event: dict[str, Json]) -> None:
        index = number(event.get("output_index")) or 0
        if kind in {"response.output_item.added", "response.output_item.done"}:
            self.items[index] = fields(event.get("item"))
        if kind == "response.output_item.done":
            self.done.add(index)
        if kind.endswith(".delta"):
            grown = self.deltas.setdefault(index, {})
            grown.setdefault(_family(kind), []).append(words(event.get("delta")))

    def parts(self) -> tuple[Part, ...]:
        indexes = sorted({*self.items, *self.deltas})
        return tuple(part for index in indexes for part in self._parts(index))

    def _parts(self, index: int) -> tuple[Part, ...]:
        item = self.items.get(index, {})
        grown = {family: "".join(texts) for family, texts in self.deltas.get(index, {}).items()}
        if index in self.done or not grown:
            return item_parts(item)
        if "arguments" in grown:
            return item_parts({"type": "function_call", **item, "arguments": grown["arguments"]})
        return (
            *thinking_part(grown.get("thinking")),
            *text_part(grown.get("text")),
            *((media("audio", grown["audio"]),) if "audio" in grown else ()),
        )


def _family(kind: str) -> str:
    """What a delta event adds to: `response.function_call_arguments.delta` → `arguments`."""
    what = kind.removeprefix("response.").removesuffix(".delta")
    if what.startswith("reasoning"):
        return "thinking"
    if what.endswith(("_arguments", "_input", "_code")):
        return "arguments"
    return "audio" if what == "audio" else "text"


def _role(item: dict[str, Json]) -> str:
    role = words(item.get("role"))
    if role:
        return ROLES.get(role, role)
    kind = words(item.get("type"))
    if kind.endswith(("_output", "_response")):  # mcp_approval_response is the user's
        return "tool" if kind.endswith("_output") else "user"
    return "assistant" if kind not in {"", "item_reference"} else "user"


def _reasoning(item: dict[str, Json]) -> tuple[Part, ...]:
    said = (*content_parts(item.get("summary")), *content_parts(item.get("content")))
    if not said and item.get("encrypted_content"):
        return (Part(PartKind.THINKING, _HIDDEN),)
    return tuple(Part(PartKind.THINKING, part.text) for part in said)


def _call(item: dict[str, Json], name: str) -> Part:
    asked = next((item[key] for key in _ASKED if item.get(key)), "")
    return Part(PartKind.TOOL_CALL, compact(asked), name)


def _finish(response: dict[str, Json]) -> str | None:
    status = words(response.get("status"))
    reason = words(fields(response.get("incomplete_details")).get("reason"))
    return f"{status}: {reason}" if reason else status or None


def _usage(counted: dict[str, Json]) -> Usage:
    return Usage(number(counted.get("input_tokens")), number(counted.get("output_tokens")))
