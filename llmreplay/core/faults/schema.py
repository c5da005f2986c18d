"""The format of overlay files as JSON Schema, from the same tables that read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmreplay.core.faults.kinds import KINDS, MATCH, WHEN
from llmreplay.core.faults.presets import PRESETS

if TYPE_CHECKING:
    from llmreplay.core.faults.form import Form

__all__ = ["schema"]


def schema() -> dict[str, Any]:
    """A JSON Schema (2020-12), for editors. What does not go together, only `reading` knows."""
    fault = {
        "anyOf": [
            {"enum": [*PRESETS]},
            {
                "type": "object",
                "properties": {name: _written(form) for name, form in KINDS.items()},
                "additionalProperties": False,
                "minProperties": 1,
            },
        ]
    }
    rule = {
        "type": "object",
        "properties": {
            "name": {"type": "string", "minLength": 1, "description": "Tells it from all others."},
            "match": _mapping(MATCH),
            "when": _mapping(WHEN),
            "fault": {"anyOf": [fault, {"type": "array", "items": fault, "minItems": 1}]},
        },
        "required": ["fault"],
        "additionalProperties": False,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "llmreplay overlay",
        "type": "object",
        "properties": {
            "seed": {"type": "integer", "description": "What chance and jitter follow from."},
            "rules": {"type": "array", "items": rule},
        },
        "required": ["rules"],
        "additionalProperties": False,
    }


def _written(form: Form) -> dict[str, Any]:
    """A mapping, or the one value that is short for it."""
    if not form.short:
        return _mapping(form)
    short = dict(form.by_name[form.short].kind.schema)
    return {"description": form.told, "anyOf": [short, _mapping(form)]}


def _mapping(form: Form) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": "object",
        "description": form.told,
        "properties": {
            field.name: {**field.kind.schema, "description": field.told} for field in form.fields
        },
        "additionalProperties": False,
    }
    return found | ({"required": [*form.required]} if form.required else {})
