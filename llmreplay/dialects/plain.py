"""The dialect of every other HTTP API, known or not: reads by shape, and never fails.

It looks for what conversations look like everywhere: `messages`, `contents`, `prompt`, parts
with `text`, calls with a name and arguments. What it finds serves `show` and the explanation of
misses; matching relies on none of it. A provider that deserves better gets its own dialect.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import unquote

from llmreplay.core.dialect import Dialect, Json, Part, PartKind, Reply, Turn, Usage
from llmreplay.dialects.plain_faults import FAILURES
from llmreplay.dialects.reading import (
    compact,
    data_url,
    decoded,
    documents,
    entries,
    error_text,
    failed,
    fields,
    media,
    named_results,
    number,
    shortened,
    undecoded,
    words,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from llmreplay.core.exchange import Response
    from llmreplay.core.streams import Event

__all__ = ["PLAIN"]

_Found = TypeVar("_Found")

_FEWEST = 8  # numbers in a row that are a vector and no coordinates or token ids
_NAME = re.compile(r"\w+")
_DEEPEST = 12  # levels below which nothing is looked for; Gemini's batches need 7

# Gemini `/models/NAME:verb`; Replicate, Hugging Face `/models/OWNER/NAME…`; Bedrock `/model/NAME/…`
_MODEL_PATH = re.compile(
    r"/models/(?P<name>[^/:]+(?:/(?!operations/)[^/:]+)?)|/model/(?P<aws>[^/]+)"
)

_SYSTEM = ("system", "systemInstruction", "system_instruction", "system_prompt", "preamble")
_LISTS = ("chat_history", "history", "messages", "contents", "conversation")
_PROMPTS = (
    "prompt",
    "message",
    "input",
    "inputs",
    "inputText",
    "content",
    "query",
    "question",
    "text",
    "texts",
)
_ROLES = MappingProxyType(
    {
        "model": "assistant",
        "chatbot": "assistant",
        "ai": "assistant",
        "bot": "assistant",
        "agent": "assistant",
        "human": "user",
        "developer": "system",
        "function": "tool",
        "tool_results": "tool",
    }
)
_CALLS = frozenset({"functionCall", "function_call", "toolUse", "function", "executableCode"})
_RESULTS = frozenset({"functionResponse", "toolResult", "codeExecutionResult"})
_CALL_TYPES = frozenset({"tool_use", "tool-call", "tool_call", "function_call"})
_RESULT_TYPES = frozenset({"tool_result", "tool-result", "function_call_output"})
_MEDIA = frozenset({"inlineData", "inline_data", "fileData", "source", "image", "document"})
_MEDIA |= {"audio", "video", "image_url"}
_THOUGHTS = frozenset({"thinking", "reasoning", "reasoning_content", "tool_plan"})
_TEXTS = frozenset(
    {
        "answer",
        "completion",
        "content",
        "generated_text",
        "generation",
        "message",
        "output",
        "outputText",
        "parts",
        "response",
        "text",
        "transcript",
    }
)
# Said before, said by others, or said about the answer.
_NOT_SAID = frozenset(
    {
        "chat_history",
        "citations",
        "documents",
        "error",
        "groundingMetadata",
        "input",
        "instructions",
        "logprobs",
        "paragraphs",
        "prompt",
        "search_results",
        "system_instruction",
        "tools",
        "trace",
        "utterances",
        "words",
    }
)
_ARGUMENTS = ("args", "arguments", "input", "parameters", "code")
_ANSWERS = ("response", "content", "output")
_PLACES = ("url", "uri", "fileUri", "file_uri")
_CALL_IDS = ("id", "toolUseId", "tool_call_id", "tool_use_id", "call_id")
_MODELS = ("model", "modelVersion", "model_version", "model_id", "modelId")
_FINISHES = ("finishReason", "finish_reason", "stopReason", "stop_reason", "done_reason")
_INPUT_COUNTS = (
    "input_tokens",
    "inputTokens",
    "prompt_tokens",
    "promptTokenCount",
    "prompt_eval_count",
    "inputTextTokenCount",
    "input_token_count",
    "total_input_tokens",
)
_OUTPUT_COUNTS = (
    "output_tokens",
    "outputTokens",
    "completion_tokens",
    "candidatesTokenCount",
    "eval_count",
    "generated_token_count",
    "total_output_tokens",
)


def _model(path: str, body: Json) -> str | None:
    asked = words(fields(body).get("model"))
    if asked:
        return asked.removeprefix("models/")
    named = _MODEL_PATH.search(unquote(path))
    return (named["name"] or named["aws"]) if named else None


# Conversations


def _conversation(body: Json) -> tuple[Turn, ...]:
    return tuple(_turns_in(body, "$", _DEEPEST))


def _turns_in(value: Json, where: str, levels: int) -> Iterator[Turn]:
    """The turns of an object, or if it has none itself, of what it holds."""
    if not levels:
        return
    for index, entry in enumerate(entries(value)):
        yield from _turns_in(entry, f"{where}[{index}]", levels - 1)
    request = fields(value)
    turns = tuple(_turns_of(request, where, levels))
    yield from turns
    if not turns:
        for key, inner in request.items():
            if isinstance(inner, dict | list) and key not in _NOT_SAID:
                yield from _turns_in(inner, _child(where, key), levels - 1)


def _turns_of(request: dict[str, Json], where: str, levels: int) -> Iterator[Turn]:
    names = _tool_names([request.get(key) for key in _LISTS])
    for key in _SYSTEM:
        parts = _parts(request.get(key), names)
        if parts:
            yield Turn("system", parts, _child(where, key))
    for key in _LISTS:
        for index, entry in enumerate(entries(request.get(key))):
            yield _turn(entry, f"{_child(where, key)}[{index}]", names)
    for key in _PROMPTS:
        yield from _prompted(request.get(key), _child(where, key), levels)


def _prompted(prompt: Json, where: str, levels: int) -> Iterator[Turn]:
    """What a prompt-like field asks: a text, several, a message, or a request of its own."""
    spoken = fields(prompt)
    if spoken and not spoken.keys() & {"content", "parts", "text", "role"}:
        yield from _turns_in(prompt, where, levels - 1)
    elif any("role" in fields(entry) for entry in entries(prompt)):
        names = _tool_names(prompt)
        for index, entry in enumerate(prompt):
            yield _turn(entry, f"{where}[{index}]", names)
    elif prompt:
        turn = _turn(prompt, where, {})
        if turn.parts:
            yield turn


def _turn(message: Json, where: str, names: dict[str, str]) -> Turn:
    said = words(fields(message).get("role")) or words(fields(message).get("type"))
    role = _ROLES.get(said.lower(), said.lower())
    parts = _parts(message, names)
    if role == "tool":
        name = names.get(_call_id(fields(message))) or words(fields(message).get("name")) or None
        parts = named_results(parts, name)
    elif parts and all(part.kind is PartKind.TOOL_RESULT for part in parts):
        role = "tool"
    return Turn(role if role in {"system", "assistant", "tool"} else "user", parts, where)


def _tool_names(messages: Json) -> dict[str, str]:
    """Call id → name, of all calls in `messages`."""
    names: dict[str, str] = {}
    for call in _objects(messages):
        name = call.get("name") or fields(call.get("function")).get("name")
        if words(name) and _call_id(call):
            names[_call_id(call)] = words(name)
    return names


def _call_id(call: dict[str, Json]) -> str:
    return next((words(call[key]) for key in _CALL_IDS if words(call.get(key))), "")


# What is said


def _parts(value: Json, names: dict[str, str]) -> tuple[Part, ...]:
    return tuple(_said(value, "text", names, _DEEPEST))


def _said(value: Json, key: str, names: dict[str, str], levels: int) -> Iterator[Part]:
    """The parts in `value`, which stands under `key`, in document order."""
    if isinstance(value, str):
        if value and key in _TEXTS | _THOUGHTS:
            kind = PartKind.THINKING if key in _THOUGHTS else PartKind.TEXT
            yield Part(kind, value)
        elif value and key == "partial_json":
            yield Part(PartKind.TOOL_CALL, value)
        elif value and key == "image_url":
            yield data_url(value, "image")
    elif not levels or key in _NOT_SAID:
        return
    elif isinstance(value, list):
        for entry in value:
            yield from _said(entry, key, names, levels - 1)
    elif isinstance(value, dict):
        yield from _object_said(value, key, names, levels - 1)


def _object_said(
    value: dict[str, Json], key: str, names: dict[str, str], levels: int
) -> Iterator[Part]:
    kind = words(value.get("type"))
    if key in _CALLS or (kind in _CALL_TYPES and "function" not in value):
        asked = next((value[name] for name in _ARGUMENTS if name in value), "")
        yield Part(PartKind.TOOL_CALL, compact(asked), words(value.get("name")) or None)
    elif key in _RESULTS or kind in _RESULT_TYPES:
        yield from _result(value, names)
    elif key in _MEDIA and (shown := _medium(value, key)) is not None:
        yield shown
    elif kind == "text" and "data" in value:  # Aleph Alpha
        yield Part(PartKind.TEXT, words(value["data"]))
    else:
        thought = value.get("thought") is True or key == "reasoningContent"
        for name, inner in value.items():
            for part in _said(inner, name, names, levels):
                yield replace(part, kind=PartKind.THINKING) if thought else part


def _result(value: dict[str, Json], names: dict[str, str]) -> Iterator[Part]:
    name = words(value.get("name")) or names.get(_call_id(value)) or None
    answer = next((value[key] for key in _ANSWERS if key in value), "")
    parts = named_results(_parts(answer, names), name)
    yield from parts or (Part(PartKind.TOOL_RESULT, compact(answer), name),)


def _medium(value: dict[str, Json], key: str) -> Part | None:
    """A picture, sound or file; None where the object is something else."""
    source = fields(value.get("source")) or value
    held = source.get("data", source.get("bytes"))
    place = next((source[name] for name in _PLACES if words(source.get(name))), None)
    if not words(held) and not place:
        return None
    told = (value.get(name, source.get(name)) for name in ("mimeType", "mime_type", "media_type"))
    media_type = next((words(found) for found in told if words(found)), "")
    family = key if key in {"image", "audio", "video"} else "file"
    media_type = media_type or "/".join(filter(None, (family, words(value.get("format")))))
    return media(media_type, held, place=place)


# Replies


def _reply(response: Response) -> Reply:
    values = [_unwrapped(document.value) for document in documents(response)]
    if not values:
        return undecoded(response)
    bad = failed(response)
    errors = (error_text(value, expected=bad) for value in values)
    error = next((error for error in errors if error), None)
    told = () if bad else tuple(part for value in values for part in _parts(value, {}))
    parts = _joined(told) if len(values) > 1 else told
    counts = (_under(values, keys, number) for keys in (_INPUT_COUNTS, _OUTPUT_COUNTS))
    return Reply(
        parts or (() if error else _other(values)),
        next(iter(_under(values, _MODELS, words)[-1:]), None),
        next(iter(_under(values, _FINISHES, words)[-1:]), None),
        Usage(*(next(iter(count[-1:]), None) for count in counts)),
        error,
    )


def _unwrapped(value: Json) -> Json:
    """Bedrock's streams wrap what the model or the agent says: `{"bytes": base64}`."""
    held = words(fields(value).get("bytes"))
    try:
        said = base64.b64decode(held).decode() if held else ""
    except ValueError:
        return value
    return (decoded(said) or said) if said else value


@dataclass(slots=True)
class _Growing:
    """A part of a stream, as it grows."""

    kind: PartKind
    name: str | None
    pieces: list[str]


def _joined(fragments: tuple[Part, ...]) -> tuple[Part, ...]:
    """The parts that the fragments of a stream make up; a text told again whole is left out."""
    parts: list[_Growing] = []
    told: dict[PartKind, list[str]] = {}
    lengths: dict[PartKind, int] = {}
    for fragment in fragments:
        before = told.setdefault(fragment.kind, [])
        length = lengths.get(fragment.kind, 0)
        # Cohere ends its streams with the whole answer; one fragment alone may be a repetition.
        if len(before) > 1 and len(fragment.text) == length and "".join(before) == fragment.text:
            continue
        before.append(fragment.text)
        lengths[fragment.kind] = length + len(fragment.text)
        last = parts[-1] if parts else None
        if last is None or last.kind is not fragment.kind or fragment.name is not None:
            parts.append(_Growing(fragment.kind, fragment.name, []))
        elif last.pieces == ["{}"]:
            last.pieces = []  # no arguments yet, as Anthropic's models say it
        parts[-1].pieces.append(fragment.text)
    return tuple(Part(part.kind, "".join(part.pieces), part.name) for part in parts)


def _other(values: list[Json]) -> tuple[Part, ...]:
    """What is no speech: how many vectors, or the JSON itself."""
    vectors = [len(vector) for vector in _vectors(values)]
    if vectors:
        plural = "" if len(vectors) == 1 else "s"
        text = f"{len(vectors)} vector{plural} of {vectors[0]} numbers"
    else:
        text = compact(values[0]) if len(values) == 1 else f"{len(values)} JSON values"
    return (Part(PartKind.OTHER, shortened(text)),)


# Looking around in a value of unknown shape


def _under(
    value: Json, keys: tuple[str, ...], read: Callable[[Json], _Found | None]
) -> list[_Found]:
    """What stands under any of `keys` and can be read, at any depth, in document order."""
    found = (read(inner.get(key)) for inner in _objects(value) for key in keys if key in inner)
    return [one for one in found if one or one == 0]


def _objects(value: Json, levels: int = _DEEPEST) -> Iterator[dict[str, Json]]:
    """All objects in `value`, outer ones first; long rows of numbers are not looked through."""
    if isinstance(value, dict):
        yield value
    inner = entries(value) if not _is_vector(value) else []
    for child in (*fields(value).values(), *inner) if levels else ():
        yield from _objects(child, levels - 1)


def _vectors(value: Json, levels: int = _DEEPEST) -> Iterator[list[Json]]:
    if _is_vector(value):
        yield value
    elif levels:
        for child in (*fields(value).values(), *entries(value)):
            yield from _vectors(child, levels - 1)


def _is_vector(value: Json) -> bool:
    return len(entries(value)) > _FEWEST and isinstance(value[0], int | float)


def _child(where: str, key: str) -> str:
    return f"{where}.{key}" if _NAME.fullmatch(key) else f"{where}[{json.dumps(key)}]"


# Streams and errors


def _ends_stream(event: Event) -> bool:
    """The end markers of those who have one: `[DONE]`, Ollama, Cohere, Replicate."""
    if event.data is None:
        return False
    if event.data.startswith(b"[DONE]") or event.name in _LAST_EVENTS:
        return True
    return b'"done"' in event.data and fields(decoded(event.data)).get("done") is True


def _told(event: Event, kind: PartKind) -> str:
    """What an event says as text, or asks of a tool."""
    value = _unwrapped(decoded(event.data)) if event.data else None
    return "".join(part.text for part in _parts(value, {}) if part.kind is kind)


def _has_usage(event: Event) -> bool:
    """The final count: Gemini's, which counts along, comes with the reason for the end."""
    value = _unwrapped(decoded(event.data)) if event.data else None
    if not _under(value, _OUTPUT_COUNTS, number):
        return False
    return b'"usageMetadata"' not in (event.data or b"") or bool(_under(value, _FINISHES, words))


def _error_body(status: int, message: str, code: str) -> Json:
    """Google's shape, which many share, with the `message` on top that AWS's clients show."""
    return {"error": {"code": status, "message": message, "status": code}, "message": message}


_LAST_EVENTS = frozenset({"message-end", "stream-end", "done"})

PLAIN: Final = Dialect(
    name="plain",
    recognises=lambda _method, _path, _headers: True,
    conversation=_conversation,
    conversation_keys=frozenset({*_SYSTEM, *_LISTS, *_PROMPTS}),
    model=_model,
    reply=_reply,
    error_body=_error_body,
    id_keys=frozenset({"call_id", "toolUseId", "tool_call_id", "tool_use_id"}),
    opaque_keys=frozenset(
        {"args", "arguments", "input", "inputSchema", "json", "metadata", "parameters", "response"}
    ),
    volatile=(
        # Opaque history: Gemini's, and Bedrock's in its own spelling of Anthropic's.
        "$.contents[*].parts[*].thoughtSignature",
        "$.contents[*].parts[*].thought_signature",
        "$.messages[*].content[*].reasoningContent.reasoningText.signature",
    ),
    ends_stream=_ends_stream,
    least_wait=MappingProxyType({"retry-after-ms": "1", "retry-after": "0"}),
    event_text=lambda event: _told(event, PartKind.TEXT),
    tool_arguments=lambda event: _told(event, PartKind.TOOL_CALL),
    has_usage=_has_usage,
    failures=FAILURES,
)
