"""Recordings that hold no HTTP: known by their shape, so that they are refused by name.

Several of them say `version: 1` and `interactions:` as VCR.py does, and are something else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmreplay.interop.field import Field

__all__ = ["NOT_HTTP", "NotHttp"]


@dataclass(frozen=True, slots=True)
class NotHttp:
    """A kind of recording without HTTP. `holds` completes "it holds …"."""

    name: str
    holds: str
    recognises: Callable[[Field], bool]


def _is_llamastack(document: Field) -> bool:
    """An SDK's own objects: no status, no headers; the request names an endpoint and a model."""
    request, response = document / "request", document / "response"
    return {"endpoint", "model"} <= request.keys and not {"status", "headers"} & response.keys


def _is_websocket(document: Field) -> bool:
    return (document / "interactions").all_have("kind", "direction")


def _is_grpc(document: Field) -> bool:
    return (document / "interactions").all_have("request_sample")


def _is_mlx(document: Field) -> bool:
    """Interactions are a mapping of prompts to tokens."""
    return isinstance((document / "interactions").value, dict)


def _is_agent_sdk(document: Field) -> bool:
    """What went over a child process's pipes: control requests, responses, messages."""
    messages = document / "messages"
    return messages.all_have("direction", "message") or messages.all_have("type")


NOT_HTTP = (
    NotHttp("llamastack", "objects of an SDK", _is_llamastack),
    NotHttp("ws", "WebSocket frames", _is_websocket),
    NotHttp("grpc", "gRPC messages", _is_grpc),
    NotHttp("mlx", "tokens of a model that runs locally", _is_mlx),
    NotHttp(
        "agent-sdk-stdio", "messages between an agent SDK and its child process", _is_agent_sdk
    ),
)
