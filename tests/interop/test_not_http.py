from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.interop.conftest import Refuses


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            (
                '{"request": {"method": "POST", "url": "http://x/", "body": {}, "endpoint": "/v1",'
                ' "model": "m"}, "response": {"body": [], "is_streaming": true}}'
            ),
            "1: a recording of kind 'llamastack': it holds objects of an SDK, ",
        ),
        (
            "version: 1\ninteractions:\n- {kind: message, direction: sent, data: {}}\n",
            "1: a recording of kind 'ws': it holds WebSocket frames, ",
        ),
        (
            "version: 1\ninteractions:\n- {request_sample: {}, response_sample: {}}\n",
            "1: a recording of kind 'grpc': it holds gRPC messages, ",
        ),
        (
            "interactions: {}\n",
            "1: a recording of kind 'mlx': it holds tokens of a model that runs locally, ",
        ),
        (
            '{"messages": [{"direction": "send", "message": {}}]}',
            "1: a recording of kind 'agent-sdk-stdio': it holds messages between an agent SDK and",
        ),
        (
            "messages:\n- {type: control_response, response: {}}\n- {type: result}\n",
            "1: a recording of kind 'agent-sdk-stdio': it holds messages between an agent SDK and",
        ),
    ],
)
def test_a_recording_without_http_is_refused_by_name(
    refuses: Refuses, content: str, message: str
) -> None:
    assert refuses(content).startswith(message)
