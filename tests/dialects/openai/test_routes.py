from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llmreplay.dialects.openai.routes import model, recognises

if TYPE_CHECKING:
    from llmreplay.core.dialect import Json


@pytest.mark.parametrize(
    "target",
    [
        "POST /v1/chat/completions",
        "POST /chat/completions",
        "GET /v1/chat/completions/chatcmpl-1/messages",
        "POST /v1/completions",
        "POST /openai/deployments/my-gpt/chat/completions",
        "POST //openai/deployments/my-gpt/embeddings",
        "POST /api/v1/chat/completions",
        "POST /openai/v1/responses",
        "POST /responses",
        "GET /v1/responses/resp_1",
        "GET /v1/responses/resp_1/input_items",
        "POST /v1/responses/resp_1/cancel",
        "POST /v1/responses/input_tokens",
        "POST /v1/embeddings",
        "POST /v1/images/generations",
        "POST /v1/images/edits",
        "POST /v1/audio/speech",
        "POST /v1/audio/transcriptions",
        "POST /v1/audio/translations",
        "POST /v1/moderations",
        "GET /v1/models",
        "GET /v1/models/gpt-4o",
        "DELETE /v1/models/ft:gpt-4o:me",
        "POST /v1/files",
        "GET /v1/files/file-1/content",
        "POST /v1/uploads/upload_1/parts",
        "POST /v1/batches/batch_1/cancel",
        "POST /v1/assistants",
        "POST /v1/threads/thread_1/messages",
        "POST /v1/threads/thread_1/runs/run_1/submit_tool_outputs",
        "GET /v1/conversations/conv_1/items",
        "POST /openai/vector_stores/vs_1/search",
        "POST /v1/fine_tuning/jobs",
        "POST /v1/realtime/client_secrets",
        "GET /v1/organization/usage/completions",
        "POST /serving-endpoints/chat/completions/",
        "POST /v1/fim/completions",
    ],
)
def test_openai_paths_are_recognised_behind_any_prefix(target: str) -> None:
    method, path = target.split()
    assert recognises(method, path, ())


@pytest.mark.parametrize(
    "target",
    [
        "POST /v1beta/models/gemini-2.5-flash:generateContent",
        "POST /v1/models/meta/llama/predictions",
        "POST /v1/projects/p/locations/l/publishers/google/models/gemini:predict",
        "POST /model/amazon.nova/converse",
        "POST /api/chat",
        "POST /api/embeddings",
        "POST /v1/chat",
        "POST /v2/embed",
        "POST /complete",
        "POST /v1/predictions",
        "POST /v1/tracing/batches",
        "GET /api/models/owner/name",
        "GET /",
        "GET ",
    ],
)
def test_paths_of_others_are_not(target: str) -> None:
    method, path = target.split(" ")
    assert not recognises(method, path, ())


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("/v1/chat/completions", {"model": "gpt-4o"}, "gpt-4o"),
        ("/openai/deployments/my%20gpt/chat/completions", {"messages": []}, "my gpt"),
        ("/v1/models/openai/gpt-4o", None, "openai/gpt-4o"),
        ("/v1/models", None, None),
        ("/v1/audio/transcriptions", None, None),
        ("/v1/chat/completions", {"model": 7}, None),
    ],
)
def test_the_model_is_in_the_body_or_in_the_path(
    path: str, body: Json, expected: str | None
) -> None:
    assert model(path, body) == expected
