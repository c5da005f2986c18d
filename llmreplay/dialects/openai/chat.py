"""Chat completions and legacy completions, and threads, which borrow their messages.

A stream and a whole answer are read by one fold: a `message` is a `delta` that came at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from llmreplay.core.dialect import Json, Part, PartKind, Reply, Turn, Usage
from llmreplay.dialects.openai.parts import (
    ROLES,
    content_parts,
    text_part,
    thinking_part,
    tool_call,
)
from llmreplay.dialects.reading import (
    compact,
    data_url,
    entries,
    error_text,
    fields,
    media,
    named_results,
    number,
    words,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["message_parts", "reply", "turn", "turns"]


def turns(messages: Json, where: str) -> tuple[Turn, ...]:
    """`messages` of a request, each a turn; tool results carry their tool's name."""
    listed = entries(messages)
    names = _tool_names(listed)
    return tuple(
        [turn(fields(message), f"{where}[{index}]", names) for index, message in enumerate(listed)]
    )


def turn(message: dict[str, Json], where: str, names: Mapping[str, str]) -> Turn:
    """One message; `names` are the tools' names by call id."""
    role = words(message.get("role")) or "user"
    parts = message_parts(message)
    if role in {"tool", "function"}:
        name = names.get(words(message.get("tool_call_id"))) or words(message.get("name")) or None
        parts = named_results(parts, name) or (Part(PartKind.TOOL_RESULT, "", name),)
    return Turn(ROLES.get(role, role), parts, where)


def reply(values: tuple[Json, ...]) -> Reply:
    """What chunks, or one whole completion, say; choices one after the other."""
    choices: dict[int, _Choice] = {}
    model = finish = error = None
    usage = Usage()
    for chunk in map(fields, values):
        model = model or words(chunk.get("model")) or None
        error = error or error_text(chunk, expected=False)
        counted = fields(chunk.get("usage")) or fields(fields(chunk.get("x_groq")).get("usage"))
        usage = _usage(counted) if counted else usage
        for position, choice in enumerate(map(fields, entries(chunk.get("choices")))):
            index = number(choice.get("index"))
            growing = choices.setdefault(position if index is None else index, _Choice())
            growing.add(choice, whole=len(values) == 1)
            finish = words(choice.get("finish_reason")) or finish
            error = error or error_text(choice, expected=False)  # OpenRouter's mid-stream errors
    parts = tuple(part for _, choice in sorted(choices.items()) for part in choice.parts())
    return Reply(parts, model, finish, usage, error)


def message_parts(message: dict[str, Json]) -> tuple[Part, ...]:
    """Everything a message says, reasoning first, tool calls last."""
    if message.keys() <= _USUAL:
        return content_parts(message.get("content"))
    calls = entries(message.get("tool_calls"))
    if message.get("function_call"):
        calls = [*calls, message["function_call"]]
    return (
        *_said(message),
        *_sound(words(fields(message.get("audio")).get("data"))),
        *(tool_call(call) for call in calls),
    )


_USUAL = frozenset({"role", "content", "name"})


@dataclass(slots=True)
class _Call:
    """A tool call whose arguments arrive in pieces."""

    index: int
    identity: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Choice:
    """A message that grows, delta by delta."""

    texts: dict[PartKind, list[str]] = field(default_factory=dict)
    others: list[Part] = field(default_factory=list)
    sound: list[str] = field(default_factory=list)
    calls: list[_Call] = field(default_factory=list)

    def add(self, choice: dict[str, Json], *, whole: bool) -> None:
        # Perplexity sends both, and one of them empty or, in a stream, told before.
        first, second = ("message", "delta") if whole else ("delta", "message")
        delta = fields(choice.get(first)) or fields(choice.get(second))
        for part in (*text_part(choice.get("text")), *_said(delta)):
            if part.kind in _GROWING:
                self.texts.setdefault(part.kind, []).append(part.text)
            else:
                self.others.append(part)
        self.sound.append(words(fields(delta.get("audio")).get("data")))
        for position, call in enumerate(entries(delta.get("tool_calls"))):
            self._grow_call(fields(call), position)
        if any(fields(delta.get("function_call")).values()):  # some send it with nothing in it
            self._grow_call(delta, 0)

    def parts(self) -> tuple[Part, ...]:
        grown = ((kind, "".join(self.texts.get(kind, ()))) for kind in _GROWING)
        return (
            *(Part(kind, text) for kind, text in grown if text),
            *self.others,
            *_sound("".join(self.sound)),
            *(
                Part(PartKind.TOOL_CALL, "".join(call.arguments), call.name or None)
                for call in self.calls
            ),
        )

    def _grow_call(self, delta: dict[str, Json], position: int) -> None:
        keys = ("function", "custom", "function_call")
        function = next((fields(delta[key]) for key in keys if delta.get(key)), {})
        index = number(delta.get("index"))
        index = position if index is None else index
        identity, name = words(delta.get("id")), words(function.get("name"))
        call = next((call for call in reversed(self.calls) if call.index == index), None)
        # Gemini gives index 0 to every call; what is new there is the id.
        if call is None or (name and identity != call.identity):
            call = _Call(index, identity, name)
            self.calls.append(call)
        arguments = function.get("arguments", function.get("input"))
        call.arguments.append("" if arguments is None else compact(arguments))


_GROWING = (PartKind.THINKING, PartKind.TEXT)


def _said(message: dict[str, Json]) -> tuple[Part, ...]:
    """What a message says in words and pictures."""
    return (
        *thinking_part(message.get("reasoning_content") or message.get("reasoning")),
        *content_parts(message.get("content")),
        *text_part(message.get("refusal")),
        *text_part(fields(message.get("audio")).get("transcript")),
        *(
            data_url(fields(fields(image).get("image_url")).get("url"), "image")
            for image in entries(message.get("images"))  # OpenRouter's
        ),
    )


def _sound(base64_text: str) -> tuple[Part, ...]:
    return (media("audio", base64_text),) if base64_text else ()


def _tool_names(messages: list[Json]) -> dict[str, str]:
    """Call id → the name of the tool that was called."""
    calls = (
        fields(call) for message in messages for call in entries(fields(message).get("tool_calls"))
    )
    return {words(call.get("id")): tool_call(call).name or "" for call in calls}


def _usage(counted: dict[str, Json]) -> Usage:
    return Usage(number(counted.get("prompt_tokens")), number(counted.get("completion_tokens")))
