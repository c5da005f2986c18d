"""The OpenAPI 3.1 document, made of the operations that requests are routed by."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from llmreplay import __version__
from llmreplay.control.answers import JSON, PROBLEM
from llmreplay.control.operations import PREFIX, Returns
from llmreplay.control.schemas import COMPONENTS, ref

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmreplay.control.operations import Operation, Parameter
    from llmreplay.core.dialect import Json

__all__ = ["document"]

_READS: Final = frozenset({"GET"})
_OF_ALL: Final = {
    400: "Something in path, query or body makes no sense.",
    401: "There is a password, and it is missing or wrong.",
    403: "A page of another site, another machine, or a client of the proxy.",
    421: "The Host of the request is not this server's.",
}
_OF_WRITES: Final = {
    413: "The body is too large.",
    415: "A body is JSON, and says so.",
}
_TOLD: Final = (
    "Sessions, rules, the journal and figures of a running llmreplay. For programs on this "
    "machine, and not for pages of other sites: the Host is to be the server's own, an Origin "
    "is to be the same, and bodies are JSON. Where there is a proxy password, it is needed here "
    "as well, as that of any user."
)


def document(operations: Sequence[Operation]) -> dict[str, Json]:
    """The document."""
    paths: dict[str, dict[str, Json]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "llmreplay control API",
            "version": __version__,
            "description": _TOLD,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": PREFIX}],
        "security": [{}, {"password": []}],
        "paths": paths,
        "components": {
            "schemas": COMPONENTS,
            "securitySchemes": {"password": {"type": "http", "scheme": "basic"}},
        },
    }


def _operation(operation: Operation) -> dict[str, Json]:
    told: dict[str, Json] = {
        "operationId": _id(operation),
        "summary": operation.told,
        "tags": [operation.steps[0]],
        "responses": {
            str(status): _response(status, returns)
            for status, returns in sorted({**_refusals(operation), **operation.returns}.items())
        },
    }
    if operation.parameters:
        told["parameters"] = [_parameter(one, operation) for one in operation.parameters]
    if operation.takes is not None:
        content: dict[str, Json] = {"schema": operation.takes}
        if operation.example is not None:
            content["example"] = operation.example
        told["requestBody"] = {"required": True, "content": {JSON: content}}
    if operation.for_all:
        told["security"] = []
    return told


def _refusals(operation: Operation) -> dict[int, Returns]:
    told = _OF_ALL if operation.method in _READS else {**_OF_ALL, **_OF_WRITES}
    problem = ref("Problem")
    return {status: Returns(text, problem, PROBLEM) for status, text in told.items()}


def _response(status: int, returns: Returns) -> dict[str, Json]:
    told: dict[str, Json] = {"description": returns.told or HTTPStatus(status).phrase}
    if returns.media_type:
        told["content"] = {returns.media_type: {"schema": returns.schema or {"type": "string"}}}
    return told


def _parameter(parameter: Parameter, operation: Operation) -> dict[str, Json]:
    return {
        "name": parameter.name,
        "in": "path" if parameter in operation.names else "query",
        "required": parameter.required,
        "description": parameter.told,
        "schema": parameter.schema,
    }


def _id(operation: Operation) -> str:
    """`get_sessions_name_verify`."""
    words = operation.path.replace("{", "").replace("}", "").replace(".", "/").replace("-", "_")
    return "_".join((operation.method.lower(), *filter(None, words.split("/"))))
