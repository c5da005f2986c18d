"""The fake OpenAI's embeddings, moderations, images, audio and files: numbers, bytes, uploads.

Bytes that come in are answered with their length and digest, so that a client can see that they
arrived as it sent them.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import struct
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.fakes import provider_openai_wire as wire
from tests.fakes.provider_fresh import fresh_id, fresh_number, fresh_text, pieces
from tests.fakes.provider_wire import Directions, answer, play, received, sse

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Files", "media_routes"]

Json = dict[str, Any]

_CATEGORIES = (
    "harassment", "harassment/threatening", "hate", "hate/threatening", "illicit",
    "illicit/violent", "self-harm", "self-harm/instructions", "self-harm/intent", "sexual",
    "sexual/minors", "violence", "violence/graphic",
)  # fmt: skip


def media_routes() -> list[web.RouteDef]:
    """Everything that keeps no state."""
    return [
        web.post("/v1/embeddings", _embeddings),
        web.post("/v1/moderations", _moderations),
        web.post("/v1/images/generations", _image_generation),
        web.post("/v1/images/edits", _image_edit),
        web.post("/v1/audio/speech", _speech),
        web.post("/v1/audio/transcriptions", _transcription),
    ]


def _digest(content: bytes) -> str:
    return f"{len(content)} bytes, sha256 {hashlib.sha256(content).hexdigest()[:16]}"


async def _embeddings(request: web.Request) -> web.Response:
    asked = await request.json()
    texts = asked["input"] if isinstance(asked["input"], list) else [asked["input"]]
    size = asked.get("dimensions") or 16
    encoded = asked.get("encoding_format") == "base64"
    data = []
    for index in range(len(texts)):
        packed = struct.pack(
            f"<{size}f", *(fresh_number(-(10**6), 10**6) / 10**6 for _ in range(size))
        )
        value: Any = base64.b64encode(packed).decode()
        if not encoded:
            value = list(struct.unpack(f"<{size}f", packed))
        data.append({"object": "embedding", "index": index, "embedding": value})
    used = len(json.dumps(texts)) // 4
    usage = {"prompt_tokens": used, "total_tokens": used}
    return wire.json_answer(
        request, {"object": "list", "data": data, "model": asked["model"], "usage": usage}
    )


async def _moderations(request: web.Request) -> web.Response:
    asked = await request.json()
    texts = asked["input"] if isinstance(asked["input"], list) else [asked["input"]]
    results = [
        {
            "flagged": False,
            "categories": dict.fromkeys(_CATEGORIES, False),
            "category_scores": {name: fresh_number(1, 10**9) / 1e15 for name in _CATEGORIES},
            "category_applied_input_types": {name: ["text"] for name in _CATEGORIES},
        }
        for _ in texts
    ]
    model = "omni-moderation-latest"
    return wire.json_answer(request, {"id": fresh_id("modr-"), "model": model, "results": results})


def _png() -> bytes:
    """What begins like a PNG and is otherwise noise."""
    return b"\x89PNG\r\n\x1a\n" + secrets.token_bytes(600)


def _images(count: int) -> Json:
    return {
        "created": wire.created_now(),
        "background": "opaque",
        "data": [{"b64_json": base64.b64encode(_png()).decode()} for _ in range(count)],
        "output_format": "png",
        "quality": "low",
        "size": "1024x1024",
        "usage": {
            "input_tokens": 9,
            "input_tokens_details": {"image_tokens": 0, "text_tokens": 9},
            "output_tokens": 272,
            "total_tokens": 281,
        },
    }


async def _image_generation(request: web.Request) -> web.Response:
    asked = await request.json()
    return wire.json_answer(request, _images(asked.get("n") or 1))


async def _image_edit(request: web.Request) -> web.Response:
    upload = received(request, await request.read())
    made = _images(1)
    parts = [_digest(content) for _, _, content in upload.files.values()]
    made["data"][0]["revised_prompt"] = f"{upload.fields['prompt']}: {', '.join(parts)}"
    return wire.json_answer(request, made)


async def _speech(request: web.Request) -> web.StreamResponse:
    await request.json()
    frames = (b"\xff\xf3\x64\xc4" + secrets.token_bytes(1020) for _ in range(24))
    head = b"ID3\x04\x00\x00\x00\x00\x00\x23" + secrets.token_bytes(35)
    headers = wire.headers() | {"content-type": "audio/mpeg"}
    return await play(request, (head, *frames), Directions(), headers=headers)


async def _transcription(request: web.Request) -> web.StreamResponse:
    upload = received(request, await request.read())
    filename, _, content = upload.files["file"]
    text = f"{filename}: {_digest(content)}. {fresh_text()}"
    if upload.fields.get("stream") == "true":
        headers = wire.headers() | {"content-type": "text/event-stream; charset=utf-8"}
        return await play(request, _transcript_events(text), Directions(), headers=headers)
    match upload.fields.get("response_format", "json"):
        case "text":
            plain = (text + "\n").encode()
            return answer(request, plain, "text/plain; charset=utf-8", headers=wire.headers())
        case "verbose_json":
            segment = {"id": 0, "seek": 0, "start": 0.0, "end": 3.3200000762939453, "text": text}
            segment |= {
                "tokens": [50364, 440],
                "temperature": 0.0,
                "avg_logprob": -0.28607916831970215,
            }
            segment |= {
                "compression_ratio": 1.2363636493682861,
                "no_speech_prob": 0.00985979754477739,
            }
            whole = {"task": "transcribe", "language": "english", "duration": 3.319999933242798}
            return wire.json_answer(request, whole | {"text": text, "segments": [segment]})
        case _:
            return wire.json_answer(
                request, {"text": text, "usage": {"type": "duration", "seconds": 4}}
            )


def _transcript_events(text: str) -> Iterator[bytes]:
    for piece in pieces(text):
        yield sse({"type": "transcript.text.delta", "delta": piece})
    yield sse({"type": "transcript.text.done", "text": text})


class Files:
    """`/v1/files`: what was uploaded can be listed, read and deleted."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[Json, str, bytes]] = {}

    def routes(self) -> list[web.RouteDef]:
        """Upload, list, retrieve, read, delete."""
        one = "/v1/files/{id}"
        return [
            web.post("/v1/files", self._upload),
            web.get("/v1/files", self._list),
            web.get(one, self._retrieve),
            web.get(one + "/content", self._content),
            web.delete(one, self._delete),
        ]

    async def _upload(self, request: web.Request) -> web.Response:
        upload = received(request, await request.read())
        filename, kind, content = upload.files["file"]
        kept = {
            "object": "file",
            "id": fresh_id("file-", 22),
            "purpose": upload.fields["purpose"],
            "filename": filename,
            "bytes": len(content),
            "created_at": wire.created_now(),
            "expires_at": None,
            "status": "processed",
            "status_details": None,
        }
        self._kept[str(kept["id"])] = (kept, kind, content)
        return wire.json_answer(request, kept)

    async def _list(self, request: web.Request) -> web.Response:
        data = [kept for kept, _, _ in self._kept.values()]
        page: Json = {"object": "list", "data": data, "has_more": False}
        ends = {"first_id": data[0]["id"], "last_id": data[-1]["id"]} if data else {}
        return wire.json_answer(request, page | ends)

    def _found(self, request: web.Request) -> tuple[Json, str, bytes]:
        found = self._kept.get(request.match_info["id"])
        if found is None:
            raise web.HTTPNotFound
        return found

    async def _retrieve(self, request: web.Request) -> web.Response:
        return wire.json_answer(request, self._found(request)[0])

    async def _content(self, request: web.Request) -> web.Response:
        kept, kind, content = self._found(request)
        disposition = f'attachment; filename="{kept["filename"]}"'
        headers = wire.headers() | {"content-disposition": disposition}
        return answer(request, content, kind or "application/octet-stream", headers=headers)

    async def _delete(self, request: web.Request) -> web.Response:
        kept, _, _ = self._found(request)
        del self._kept[kept["id"]]
        return wire.json_answer(request, {"object": "file", "deleted": True, "id": kept["id"]})
