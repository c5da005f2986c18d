"""OpenAI's dialect, which most other providers speak as well.

`routes` says what is recognised, `chat`, `responses` and `objects` read what passed, `meaning`
says what is equal. Whoever answers on these paths (Groq, OpenRouter, Azure, vLLM, …) is served
by the same value.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from llmreplay.core.dialect import Dialect, Json, Part, PartKind, Reply, Turn
from llmreplay.dialects.openai import chat, objects, responses
from llmreplay.dialects.openai.faults import FAILURES, event_text, has_usage, tool_arguments
from llmreplay.dialects.openai.meaning import simplify
from llmreplay.dialects.openai.parts import content_parts, text_part
from llmreplay.dialects.openai.routes import model, recognises
from llmreplay.dialects.reading import (
    compact,
    decoded,
    documents,
    entries,
    failed,
    fields,
    number,
    undecoded,
    words,
)

if TYPE_CHECKING:
    from llmreplay.core.exchange import Response
    from llmreplay.core.streams import Event

__all__ = ["OPENAI"]

_TOO_MANY = 429
_SERVER_ERROR = 500

_END_TYPES: Final = frozenset(
    {
        "response.completed",
        "response.incomplete",
        "response.failed",
        "response.cancelled",
        "error",
        "speech.audio.done",
        "transcript.text.done",
    }
)
_END_HINTS = (b'"response.', b'"error"', b".done")
_INPUT_PARTS = {"text", "image_url"}  # moderations take content parts where responses take items


def _conversation(body: Json) -> tuple[Turn, ...]:
    request = fields(body)
    thread = fields(request.get("thread"))
    return (
        *_said("system", request.get("instructions"), "$.instructions"),
        *chat.turns(thread.get("messages"), "$.thread.messages"),
        *chat.turns(request.get("messages"), "$.messages"),
        *chat.turns(request.get("additional_messages"), "$.additional_messages"),
        *_input(request.get("prompt"), "$.prompt"),
        *_input(request.get("input"), "$.input"),
        *responses.turns(entries(request.get("items")), "$.items"),
        *((chat.turn(request, "$", {}),) if request.get("role") else ()),  # added to a thread
        *(
            Turn("tool", (Part(PartKind.TOOL_RESULT, words(fields(answer).get("output"))),), where)
            for where, answer in _numbered("$.tool_outputs", request.get("tool_outputs"))
        ),
    )


def _input(value: Json, where: str) -> tuple[Turn, ...]:
    """A string, tokens, a stored prompt, or an array of strings, content parts or items."""
    if isinstance(value, dict):
        return (Turn("system", (Part(PartKind.OTHER, compact(value)),), where),)
    listed = entries(value)
    if listed and all(number(token) is not None for token in listed):
        return (Turn("user", (Part(PartKind.OTHER, f"{len(listed)} tokens"),), where),)
    if any(words(fields(entry).get("type")) in _INPUT_PARTS for entry in listed):
        return (Turn("user", content_parts(listed), where),)
    if any(isinstance(entry, dict) for entry in listed):
        return responses.turns(listed, where)
    if listed:
        return tuple(
            turn for inner, entry in _numbered(where, listed) for turn in _input(entry, inner)
        )
    return _said("user", value, where)


def _said(role: str, text: Json, where: str) -> tuple[Turn, ...]:
    parts = text_part(text)
    return (Turn(role, parts, where),) if parts else ()


def _numbered(where: str, listed: Json) -> list[tuple[str, Json]]:
    return [(f"{where}[{index}]", entry) for index, entry in enumerate(entries(listed))]


def _reply(response: Response) -> Reply:
    values = tuple(document.value for document in documents(response))
    if not values:
        return undecoded(response)
    if any(isinstance(fields(value).get("choices"), list) for value in values):
        return chat.reply(values)
    if any(_is_response(fields(value)) for value in values):
        return responses.reply(values)
    return objects.reply(values, failed=failed(response))


def _is_response(value: dict[str, Json]) -> bool:
    return value.get("object") == "response" or words(value.get("type")).startswith("response.")


def _ends_stream(event: Event) -> bool:
    """The last event that a client waits for; after an error none of them reads on.

    OpenRouter sends its responses without event names and adds `[DONE]`.
    """
    if event.data is None:
        return False
    if event.data.startswith(b"[DONE]") or event.name in _END_TYPES:
        return True
    if event.name or not any(hint in event.data for hint in _END_HINTS):
        return False  # nearly every event, and nothing decoded
    value = fields(decoded(event.data))
    return words(value.get("type")) in _END_TYPES or bool(value.get("error"))


def _error_body(status: int, message: str, code: str) -> Json:
    """`{"error": {"message", "type", "param", "code"}}`; the SDKs show the message."""
    kind = "server_error" if status >= _SERVER_ERROR else "invalid_request_error"
    if status == _TOO_MANY:
        kind = code if code == "insufficient_quota" else "requests"
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


OPENAI: Final = Dialect(
    name="openai",
    recognises=recognises,
    conversation=_conversation,
    conversation_keys=frozenset(
        {
            "additional_messages",
            "content",
            "input",
            "instructions",
            "items",
            "messages",
            "prompt",
            "role",
            "thread",
            "tool_outputs",
        }
    ),
    model=model,
    reply=_reply,
    error_body=_error_body,
    simplify=simplify,
    id_keys=frozenset(
        {
            "approval_request_id",
            "assistant_id",
            "batch_id",
            "call_id",
            "completion_id",
            "container",
            "container_id",
            "conversation",
            "conversation_id",
            "eval_id",
            "file_id",
            "file_ids",
            "id",
            "image_file_id",
            "input_file_id",
            "item_id",
            "message_id",
            "part_ids",
            "previous_response_id",
            "response_id",
            "run_id",
            "thread_id",
            "tool_call_id",
            "training_file",
            "upload_id",
            "validation_file",
            "vector_store_id",
            "vector_store_ids",
        }
    ),
    opaque_keys=frozenset({"arguments", "metadata", "parameters", "prompt", "schema"}),
    id_prefixes=(
        "asst_",
        "assistant-",
        "batch_",
        "call_",
        "cfile_",
        "chatcmpl-",
        "cmpl-",
        "cntr_",
        "conv_",
        "eval_",
        "evalrun_",
        "fc_",
        "file-",
        "file_",
        "ftjob-",
        "msg_",
        "part_",
        "resp_",
        "rs_",
        "run_",
        "step_",
        "thread_",
        "upload_",
        "video_",
        "vs_",
        "vsfb_",
    ),
    volatile=(
        # Who asks and where to cache: neither changes what is answered.
        "$.prompt_cache_key",
        "$.safety_identifier",
        "$.user",
        # Opaque history, made anew with every recording: Responses, OpenRouter, Gemini.
        "$.input[*].encrypted_content",
        "$.messages[*].reasoning_details[*].data",
        "$.messages[*].reasoning_details[*].signature",
        "$.messages[*].tool_calls[*].extra_content.google.thought_signature",
        "$.messages[*].extra_content.google.thought_signature",
    ),
    ends_stream=_ends_stream,
    # The SDKs read the first before the second and ignore 0 in it; others know only seconds,
    # where 0 is the least that all of them can read.
    least_wait=MappingProxyType({"retry-after-ms": "1", "retry-after": "0"}),
    event_text=event_text,
    tool_arguments=tool_arguments,
    has_usage=has_usage,
    failures=FAILURES,
)
