"""VCR.py's cassettes, YAML or JSON, in the spellings that its users have made of them.

A body is `body: {string: …}`, text or bytes on its own, a mapping or list (someone's
serializer turned JSON into YAML), or `parsed_body`. Old httpx stubs wrote a flat `content` and
`status_code`. LangChain keeps `requests` and `responses` in two lists.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmreplay.interop.assembly import Stored
from llmreplay.interop.values import body_bytes, headers_of, json_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmreplay.interop.field import Field

__all__ = ["read", "recognises"]


def recognises(document: Field) -> bool:
    """Whether this is a VCR.py cassette with HTTP in it, or an empty one."""
    if {"requests", "responses"} <= document.keys:
        return True
    interactions = document / "interactions"
    if interactions.value == []:
        return True
    return interactions.all_have("request", "response") and all(
        "uri" in (interaction / "request").keys for interaction in interactions.items()
    )


def read(document: Field) -> Iterator[Stored]:
    """Its interactions, in order."""
    for request, response in _pairs(document):
        status = response / "status_code"
        yield Stored(
            method=(request / "method").text(),
            url=(request / "uri").text(),
            request_headers=headers_of(request / "headers"),
            request_body=_request_body(request),
            status=(status if status.present else response / "status" / "code").number(),
            response_headers=headers_of(response / "headers"),
            response_body=_response_body(response),
        )


def _pairs(document: Field) -> Iterator[tuple[Field, Field]]:
    if "interactions" in document.keys:
        for interaction in (document / "interactions").items():
            yield interaction / "request", interaction / "response"
        return
    requests, responses = (document / "requests").items(), (document / "responses").items()
    if len(requests) != len(responses):
        raise (document / "responses").misfit(
            f"should be {len(requests)} items, one a request, but there are {len(responses)}"
        )
    yield from zip(requests, responses, strict=True)


def _request_body(request: Field) -> bytes:
    parsed = request / "parsed_body"
    return json_bytes(parsed) if parsed.present else body_bytes(request / "body")


def _response_body(response: Field) -> bytes:
    parsed = response / "parsed_body"
    if parsed.present:
        return json_bytes(parsed)
    flat = response / "content"
    if flat.present:
        return body_bytes(flat)
    body = response / "body"
    return body_bytes(body / "string" if "string" in body.keys else body)
