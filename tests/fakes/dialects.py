"""A small chat dialect, for tests of what only asks a dialect and knows none."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from llmreplay.core.dialect import Dialect, Part, PartKind, Reply, Turn

__all__ = ["CHAT", "SILENT"]


def _conversation(body: Any) -> tuple[Turn, ...]:  # noqa: ANN401  # any JSON
    if not isinstance(body, dict):
        return ()
    names = {
        call["id"]: call["name"]
        for message in body.get("messages", ())
        for call in message.get("calls", ())
    }
    system = (
        (Turn("system", (Part(PartKind.TEXT, body["system"]),), "$.system"),)
        if "system" in body
        else ()
    )
    return system + tuple(
        Turn(message["role"], tuple(_parts(message, names)), f"$.messages[{index}]")
        for index, message in enumerate(body.get("messages", ()))
    )


def _parts(message: dict[str, Any], names: dict[str, str]) -> list[Part]:
    parts = []
    if "image" in message:
        parts.append(Part(PartKind.IMAGE, message["image"]))
    if "thinking" in message:
        parts.append(Part(PartKind.THINKING, message["thinking"]))
    if "result_of" in message:
        name = names.get(message["result_of"])
        parts.append(Part(PartKind.TOOL_RESULT, message["content"], name))
    elif "content" in message:
        parts.append(Part(PartKind.TEXT, message["content"]))
    parts += [
        Part(PartKind.TOOL_CALL, str(call["input"]), call["name"])
        for call in message.get("calls", ())
    ]
    return parts


def _model(path: str, body: Any) -> str | None:  # noqa: ANN401  # any JSON
    if "/models/" in path:
        return unquote(path.rpartition("/models/")[2].partition(":")[0])
    model = body.get("model") if isinstance(body, dict) else None
    return model if isinstance(model, str) else None


def _simplify(_path: str, body: Any) -> Any:  # noqa: ANN401  # any JSON
    """`n: 1` is what an absent `n` means."""
    if isinstance(body, dict) and body.get("n") == 1:
        return {key: value for key, value in body.items() if key != "n"}
    return body


CHAT = Dialect(
    name="chat",
    recognises=lambda _method, path, _headers: path.endswith("/chat"),
    conversation=_conversation,
    conversation_keys=frozenset({"messages", "system"}),
    model=_model,
    reply=lambda _response: Reply(),
    error_body=lambda _status, message, code: {"error": {"message": message, "code": code}},
    simplify=_simplify,
    id_keys=frozenset({"id", "result_of", "file_ids"}),
    opaque_keys=frozenset({"input", "schema"}),
    id_prefixes=("file-", "batch_"),
    volatile=("$.user", "$.messages[*].signature"),
)
"""Messages have `role`, `content`, `calls` (`id`, `name`, `input`), `result_of`, `image`."""

SILENT = Dialect(
    name="silent",
    recognises=lambda _method, _path, _headers: True,
    conversation=lambda _body: (),
    conversation_keys=frozenset(),
    model=lambda _path, _body: None,
    reply=lambda _response: Reply(),
    error_body=lambda _status, message, code: {"message": message, "code": code},
)
"""A dialect that knows nothing."""
