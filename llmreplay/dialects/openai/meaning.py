"""Which requests of this dialect mean the same: one plain spelling for each.

Only what is documented, and holds for everyone who speaks the dialect, is taken as equal.
Sampling defaults (`temperature: 1` and its kin) are not: OpenAI's differ from Mistral's or
vLLM's, and the dialect cannot see who answers. Two requests that may get different answers
stay different.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Final

from llmreplay.dialects.openai.routes import GENERATES
from llmreplay.dialects.reading import depth_within, fields, same, words

if TYPE_CHECKING:
    from llmreplay.core.dialect import Json

__all__ = ["simplify"]

_DEFAULTS: Final[dict[str, Json]] = {
    "stream": False,
    "n": 1,
    "logprobs": False,
    "parallel_tool_calls": True,
    "response_format": {"type": "text"},
    "modalities": ["text"],
    "truncation": "disabled",
}
"""Fields of a request → what their absence means."""

_CACHE_MARKERS = frozenset({"cache_control", "prompt_cache_breakpoint"})
"""Where a prompt may be cached: they move from turn to turn and change the price only."""

_DEEPEST = 50
"""Levels of arguments that are taken apart; nothing else in a request has so many."""

_EMPTY_WHEN_UNUSED = {"annotations", "logprobs"}
"""What an output text that is sent back carries along, empty."""


def simplify(path: str, body: Json) -> Json:
    """The plainest spelling of a request's meaning; idempotent.

    Null and absent fields are the same only where something is generated: elsewhere a null may
    clear what was set.
    """
    if not isinstance(body, dict) or not GENERATES.search(path):
        return body
    plain = _without_nulls(body)
    has_tools = bool(plain.get("tools"))
    for name, chosen in (("stream_options", "include_usage"), ("text", "format")):
        _drop_option(plain, name, chosen)
    if isinstance(plain.get("tools"), list):
        plain["tools"] = [_tool(tool) for tool in plain["tools"]]
    if isinstance(plain.get("messages"), list):
        plain["messages"] = [_message(message) for message in plain["messages"]]
    if isinstance(plain.get("input"), list):
        plain["input"] = _input(plain["input"])
    absent = {**_DEFAULTS, "tool_choice": "auto" if has_tools else "none"}
    return {
        name: value
        for name, value in plain.items()
        if name not in absent or not same(value, absent[name])
    }


def _message(message: Json) -> Json:
    """A chat message."""
    if not isinstance(message, dict):
        return message
    plain = _without_nulls(message)
    if isinstance(plain.get("tool_calls"), list):
        plain["tool_calls"] = [_call(call) for call in plain["tool_calls"]]
    if "function_call" in plain:
        plain["function_call"] = _with_arguments(plain["function_call"])
    if "content" in plain:
        plain["content"] = _content(plain["content"], {"text"})
    return plain


def _input(items: list[Json]) -> Json:
    """A responses input; one user message of text alone is the string form."""
    plain = [_item(item) for item in items]
    if len(plain) == 1 and isinstance(plain[0], dict):
        only = plain[0]
        if set(only) == {"role", "content"} and only["role"] == "user":
            content = only["content"]
            return content if isinstance(content, str) else plain
    return plain


def _item(item: Json) -> Json:
    if not isinstance(item, dict):
        return item
    plain = _without_nulls(item)
    role = plain.get("role")
    if role is not None and plain.get("type") == "message":
        del plain["type"]
    if role is not None and "content" in plain:
        kinds = {"output_text"} if role == "assistant" else {"input_text", "text"}
        plain["content"] = _content(plain["content"], kinds)
    return _with_arguments(plain)


def _content(content: Json, text_types: set[str]) -> Json:
    """A lone text part is a string; parts lose their cache markers."""
    if not isinstance(content, list):
        return content
    parts = [_without_nulls(part) if isinstance(part, dict) else part for part in content]
    only = fields(parts[0]) if len(parts) == 1 else {}
    said = {
        name: value
        for name, value in only.items()
        if not (name in _EMPTY_WHEN_UNUSED and value == [])
    }
    if set(said) == {"type", "text"} and words(said["type"]) in text_types:
        return said["text"] if isinstance(said["text"], str) else parts
    return parts


def _tool(tool: Json) -> Json:
    """A tool; its `parameters` are the caller's own and stay as they are."""
    if not isinstance(tool, dict):
        return tool
    plain = {name: value for name, value in tool.items() if name not in _CACHE_MARKERS}
    if isinstance(plain.get("function"), dict):
        plain["function"] = _without_nulls(plain["function"])
    return plain


def _call(call: Json) -> Json:
    if not isinstance(call, dict):
        return call
    plain = _without_nulls(call)
    if "function" in plain:
        plain["function"] = _with_arguments(plain["function"])
    return plain


def _with_arguments(call: Json) -> Json:
    """`call` with its arguments as the value that their string spells.

    Clients write that string anew from a value, each with its own spacing and order of keys.
    """
    if not isinstance(call, dict) or not isinstance(call.get("arguments"), str):
        return call
    arguments = _spelled(call["arguments"])
    # Only an object: a string that spells a string would change again the next time.
    if isinstance(arguments, dict) and depth_within(arguments, _DEEPEST):
        return {**call, "arguments": arguments}
    return call


def _spelled(text: str) -> Json:
    try:
        return json.loads(text, parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError):
        return None


def _finite(spelled: str) -> float:
    """A JSON number; NaN, Infinity and what overflows to it (1e999) have no plain spelling."""
    value = float(spelled)
    if not math.isfinite(value):
        raise ValueError(spelled)
    return value


def _drop_option(request: dict[str, Json], name: str, option: str) -> None:
    """Takes a default out of a nested object of options, and the object if it is then empty."""
    options = request.get(name)
    if not isinstance(options, dict):
        return
    default: Json = {"include_usage": False, "format": {"type": "text"}}[option]
    left = {
        key: value
        for key, value in _without_nulls(options).items()
        if key != option or not same(value, default)
    }
    request[name] = left
    if not left:
        del request[name]


def _without_nulls(value: dict[str, Json]) -> dict[str, Json]:
    return {
        name: inner
        for name, inner in value.items()
        if inner is not None and name not in _CACHE_MARKERS
    }
