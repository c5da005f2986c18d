"""Anthropic's dialect: messages and all that stands around them, at Anthropic and elsewhere.

Vertex (`…/publishers/anthropic/models/NAME:streamRawPredict`) and the many providers with an
`/anthropic/v1/messages` are served as well. Bedrock is not: its errors and streams are AWS's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from llmreplay.core.dialect import Dialect, Json, Part, PartKind, Reply, Turn, Usage
from llmreplay.core.exchange import Headers, Response, header
from llmreplay.dialects.anthropic_faults import (
    FAILURES,
    event_text,
    has_usage,
    tool_arguments,
)
from llmreplay.dialects.reading import (
    compact,
    decoded,
    documents,
    entries,
    error_text,
    failed,
    fields,
    media,
    named_results,
    number,
    same,
    shortened,
    undecoded,
    words,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmreplay.core.streams import Event

__all__ = ["ANTHROPIC"]

_SERVER_ERROR = 500
_DEEPEST = 4  # blocks in blocks: a message, a tool's result, a search result, its text
_NOBODY: Mapping[str, str] = MappingProxyType({})
_HIDDEN = "(encrypted)"

_PATH = re.compile(
    r"""(?:^/*|/v\d+/|/anthropic/)messages(?:/count_tokens|/batches(?:/.*)?)?/?$
      | /v1/complete/?$
      | /publishers/anthropic/models/""",
    re.VERBOSE,
)
_MODEL_PATH = re.compile(r"/models/(?P<name>[^/:]+)")
_ERROR_TYPES = MappingProxyType(
    {
        401: "authentication_error",
        402: "billing_error",
        403: "permission_error",
        404: "not_found_error",
        409: "conflict_error",
        413: "request_too_large",
        429: "rate_limit_error",
        500: "api_error",
        502: "api_error",
        503: "api_error",
        504: "timeout_error",
        529: "overloaded_error",
    }
)


def _recognises(_method: str, path: str, headers: Headers) -> bool:
    return header(headers, "anthropic-version") is not None or _PATH.search(path) is not None


def _model(path: str, body: Json) -> str | None:
    asked = words(fields(body).get("model"))
    named = _MODEL_PATH.search(path)
    return asked or (unquote(named["name"]) if named else None)


# Conversations


def _conversation(body: Json) -> tuple[Turn, ...]:
    request = fields(body)
    batched = (
        turn
        for index, each in enumerate(entries(request.get("requests")))
        for turn in _turns(fields(fields(each).get("params")), f"$.requests[{index}].params")
    )
    return (*_turns(request, "$"), *batched)


def _turns(request: dict[str, Json], where: str) -> tuple[Turn, ...]:
    messages = [fields(message) for message in entries(request.get("messages"))]
    names = {
        words(block.get("id")): words(block.get("name"))
        for message in messages
        for block in map(fields, entries(message.get("content")))
    }
    system, prompt = _parts(request.get("system"), names), _parts(request.get("prompt"), names)
    return (
        *((Turn("system", system, f"{where}.system"),) if system else ()),
        *(
            _turn(message, f"{where}.messages[{index}]", names)
            for index, message in enumerate(messages)
        ),
        *((Turn("user", prompt, f"{where}.prompt"),) if prompt else ()),
    )


def _turn(message: dict[str, Json], where: str, names: Mapping[str, str]) -> Turn:
    """A message; one that only brings tool results back is the tool's."""
    parts = _parts(message.get("content"), names)
    if parts and all(part.kind is PartKind.TOOL_RESULT for part in parts):
        return Turn("tool", parts, where)
    return Turn(words(message.get("role")) or "user", parts, where)


def _parts(
    content: Json, names: Mapping[str, str] = _NOBODY, levels: int = _DEEPEST
) -> tuple[Part, ...]:
    """A string, or blocks; `names` are the tools' names by call id."""
    if isinstance(content, str):
        return (Part(PartKind.TEXT, content),) if content else ()
    blocks = entries(content) if levels else []
    return tuple(part for block in blocks for part in _block(fields(block), names, levels - 1))


def _block(block: dict[str, Json], names: Mapping[str, str], levels: int) -> tuple[Part, ...]:
    kind = words(block.get("type"))
    parts: tuple[Part, ...]
    match kind:
        case "text" | "compaction":
            parts = _parts(words(block.get("text", block.get("content"))))
        case "thinking" | "redacted_thinking":
            parts = (Part(PartKind.THINKING, words(block.get("thinking")) or _HIDDEN),)
        case "tool_use" | "server_tool_use" | "mcp_tool_use":
            asked = compact(block.get("input", ""))
            parts = (Part(PartKind.TOOL_CALL, asked, words(block.get("name")) or None),)
        case "image" | "document":
            parts = _source(kind, fields(block.get("source")), levels)
        case "search_result" | "web_search_result":
            named = (words(block.get(key)) for key in ("title", "url", "source"))
            place = " ".join(name for name in named if name)
            parts = (Part(PartKind.TEXT, place), *_parts(block.get("content"), levels=levels))
        case _ if kind.endswith("tool_result"):
            called = names.get(words(block.get("tool_use_id"))) or None
            parts = _result(block.get("content"), called, levels)
        case _:
            parts = (Part(PartKind.OTHER, compact(block)),)
    return parts


def _source(kind: str, source: dict[str, Json], levels: int) -> tuple[Part, ...]:
    if words(source.get("type")) in {"text", "content"}:
        return _parts(source.get("data", source.get("content")), levels=levels)
    place = source.get("url") or source.get("file_id")
    media_type = words(source.get("media_type")) or kind
    return (media(media_type, source.get("data"), place=place),)


def _result(content: Json, name: str | None, levels: int) -> tuple[Part, ...]:
    if isinstance(content, dict):  # the server's own tools: {"stdout": …}, {"error_code": …}
        return (Part(PartKind.TOOL_RESULT, compact(content), name),)
    said = named_results(_parts(content, levels=levels), name)
    return said or (Part(PartKind.TOOL_RESULT, "", name),)


# Replies


@dataclass(slots=True)
class _Message:
    """A message as its events tell it; a whole one is told at once."""

    blocks: dict[int, dict[str, Json]] = field(default_factory=dict)
    grown: dict[int, list[str]] = field(default_factory=dict)
    others: list[Part] = field(default_factory=list)
    usage: dict[str, Json] = field(default_factory=dict)
    model: str | None = None
    finish: str | None = None

    def add(self, event: dict[str, Json]) -> None:
        index = number(event.get("index")) or 0
        match event.get("type"):
            case "content_block_start":
                self.blocks[index] = fields(event.get("content_block"))
            case "content_block_delta":
                self._grow(index, fields(event.get("delta")))
            case "message_start":
                self._tell(fields(event.get("message")))
            case "message_delta":
                self._tell({**event, **fields(event.get("delta"))})
            case "completion":
                self.grown.setdefault(index, []).append(words(event.get("completion")))
                self._tell(event)
            case "message":
                self.others.extend(_parts(event.get("content")))
                self._tell(event)
            case _:
                message = fields(fields(event.get("result")).get("message"))  # a batch's results
                if message:
                    self.add(message)

    def parts(self) -> tuple[Part, ...]:
        indexes = sorted({*self.blocks, *self.grown})
        told = (part for index in indexes for part in self._block(index))
        return (*told, *self.others)

    def _block(self, index: int) -> tuple[Part, ...]:
        block = self.blocks.get(index, {"type": "text"})
        grown = "".join(self.grown.get(index, ()))
        keys = {"text": "text", "thinking": "thinking", "compaction": "content"}
        key = keys.get(words(block.get("type")), "input")
        if key != "input":
            grown = words(block.get(key)) + grown
        return _block({**block, key: grown} if grown else block, _NOBODY, _DEEPEST)

    def _grow(self, index: int, delta: dict[str, Json]) -> None:
        keys = ("text", "thinking", "partial_json", "content")
        piece = next((words(delta[key]) for key in keys if key in delta), "")
        self.grown.setdefault(index, []).append(piece)

    def _tell(self, said: dict[str, Json]) -> None:
        self.model = words(said.get("model")) or self.model
        self.finish = words(said.get("stop_reason")) or self.finish
        self.usage = {**self.usage, **fields(said.get("usage"))}


def _reply(response: Response) -> Reply:
    values = [fields(document.value) for document in documents(response)]
    if not values:
        return undecoded(response)
    message = _Message()
    for value in values:
        message.add(value)
    errors = (error_text(value, expected=failed(response)) for value in values)
    error = next((error for error in errors if error), None)
    usage = Usage(
        number(message.usage.get("input_tokens", values[0].get("input_tokens"))),
        number(message.usage.get("output_tokens")),
    )
    parts = message.parts() or (() if error or len(values) > 1 else _other(values[0]))
    return Reply(parts, message.model, message.finish, usage, error)


def _other(value: dict[str, Json]) -> tuple[Part, ...]:
    """What answers besides messages say: counted tokens, lists, files, batches."""
    if isinstance(value.get("data"), list):
        first = fields(next(iter(value["data"]), None))
        text = f"list of {len(value['data'])}: {words(first.get('type')) or 'item'}"
    elif words(value.get("id")) and words(value.get("type")):
        status = words(value.get("processing_status"))
        text = " ".join(word for word in (value["type"], value["id"], status) if word)
    else:
        text = compact(value)
    return (Part(PartKind.OTHER, shortened(text)),)


# Meaning the same

_NULLABLE = frozenset(
    {
        "citations",
        "compaction",
        "container",
        "context",
        "context_management",
        "diagnostics",
        "eager_input_streaming",
        "fallbacks",
        "inference_geo",
        "speed",
        "thread",
        "title",
        "toolset_name",
        "user_id",
    }
)
"""Fields that the API documents as nullable; any other null is refused by it, and so differs."""


def _simplify(path: str, body: Json) -> Json:
    """The plainest spelling: lone text blocks as strings, no cache markers, no defaults."""
    if not isinstance(body, dict) or not _PATH.search(path):
        return body
    if isinstance(body.get("requests"), list):
        return {**body, "requests": [_batched(path, each) for each in body["requests"]]}
    plain = _without_nulls(body)
    for key in ("system", "messages", "tools"):
        if isinstance(plain.get(key), list):
            plain[key] = [_entry(entry, _DEEPEST) for entry in plain[key]]
    if isinstance(plain.get("system"), list):
        told = [block for block in plain["system"] if not _is_billing(block)]
        plain["system"] = _lone_text(told)
    if isinstance(plain.get("metadata"), dict):
        plain["metadata"] = _without_nulls(plain["metadata"])
    if isinstance(plain.get("tool_choice"), dict):
        plain["tool_choice"] = _tool_choice(plain["tool_choice"])
    absent: dict[str, Json] = {
        "stream": False,
        "metadata": {},
        "tool_choice": {"type": "auto" if plain.get("tools") else "none"},
    }
    return {
        name: value
        for name, value in plain.items()
        if name not in absent or not same(value, absent[name])
    }


def _is_billing(block: Json) -> bool:
    """Claude Code's first system block: for the books, and with a checksum that always differs."""
    return words(fields(block).get("text")).startswith("x-anthropic-billing-header:")


def _batched(path: str, each: Json) -> Json:
    if isinstance(each, dict) and "params" in each and "requests" not in fields(each["params"]):
        return {**each, "params": _simplify(path, each["params"])}
    return each


def _entry(entry: Json, levels: int) -> Json:
    """A message, a block, or a tool; what a tool is given and its schema stay as they are."""
    if not levels or not isinstance(entry, dict):
        return entry
    plain = _without_nulls(entry)
    kind = plain.get("type")
    if isinstance(plain.get("content"), list):
        plain["content"] = [_entry(inner, levels - 1) for inner in plain["content"]]
        if "role" in plain or kind == "tool_result":
            plain["content"] = _lone_text(plain["content"])
    if kind == "tool_result" and plain.get("is_error") is False:
        del plain["is_error"]
    if kind == "custom" and "input_schema" in plain:
        del plain["type"]
    return plain


def _lone_text(content: Json) -> Json:
    """A string in place of one text block; they are the same, says the API's reference."""
    if isinstance(content, list) and len(content) == 1:
        block = fields(content[0])
        text = block.get("text")
        if set(block) == {"type", "text"} and block["type"] == "text" and isinstance(text, str):
            return text
    return content


def _tool_choice(choice: dict[str, Json]) -> Json:
    return {
        name: value
        for name, value in choice.items()
        if not (name == "disable_parallel_tool_use" and value is False)
    }


def _without_nulls(value: dict[str, Json]) -> dict[str, Json]:
    """Without nulls that mean absent, and without markers of where a prompt may be cached."""
    return {
        name: inner
        for name, inner in value.items()
        if name != "cache_control" and not (inner is None and name in _NULLABLE)
    }


# Streams and errors


def _ends_stream(event: Event) -> bool:
    """`message_stop`, an error (nothing follows it), or the last piece of a completion."""
    if event.data is None or event.name not in _LAST:
        return False
    value = fields(decoded(event.data))
    return words(value.get("type")) in _ENDS or bool(value.get("stop_reason"))


def _error_body(status: int, message: str, code: str) -> Json:
    """`{"type": "error", "error": {…}}`; `details.error_code` is what the SDKs call error_code."""
    kind = _ERROR_TYPES.get(status)
    kind = kind or ("api_error" if status >= _SERVER_ERROR else "invalid_request_error")
    error = {"type": kind, "message": message, "details": {"error_code": code}}
    return {"type": "error", "error": error}


_ENDS = frozenset({"message_stop", "error"})
_LAST = frozenset({*_ENDS, "completion", ""})

ANTHROPIC: Final = Dialect(
    name="anthropic",
    recognises=_recognises,
    conversation=_conversation,
    conversation_keys=frozenset({"messages", "prompt", "requests", "system"}),
    model=_model,
    reply=_reply,
    error_body=_error_body,
    simplify=_simplify,
    id_keys=frozenset({"container", "file_id", "id", "previous_message_id", "tool_use_id"}),
    opaque_keys=frozenset({"input", "input_schema", "metadata"}),
    id_prefixes=("file_", "msg_", "msgbatch_", "srvtoolu_", "toolu_"),
    volatile=(
        # Who asks, in which session: Claude Code's changes with each.
        "$.metadata.user_id",
        "$.requests[*].params.metadata.user_id",
        # Opaque history, made anew with every recording; `data` is redacted thinking's.
        "$.messages[*].content[*].signature",
        "$.messages[*].content[*].data",
        "$.messages[*].content[*].content[*].encrypted_content",
        "$.messages[*].content[*].citations[*].encrypted_index",
    ),
    ends_stream=_ends_stream,
    # As OpenAI's: both SDKs are made by one generator.
    least_wait=MappingProxyType({"retry-after-ms": "1", "retry-after": "0"}),
    event_text=event_text,
    tool_arguments=tool_arguments,
    has_usage=has_usage,
    failures=FAILURES,
)
