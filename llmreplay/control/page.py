"""The OpenAPI document as a page for people: whole in itself, without script, all of it text."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from typing import TYPE_CHECKING, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmreplay.core.dialect import Json

__all__ = ["HTML", "STYLE", "page"]

HTML: Final = "text/html; charset=utf-8"

_CSS: Final = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --word: #06c; }
@media (prefers-color-scheme: dark) { :root { --word: #6bf; } }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1rem; }
code, pre { font: 0.875rem/1.45 ui-monospace, monospace; }
pre { background: var(--soft); border-radius: 4px; overflow-x: auto; padding: 0.75rem; }
details { border: 1px solid var(--line); border-radius: 4px; margin: 0.5rem 0; padding: 0 0.75rem; }
summary { cursor: pointer; padding: 0.5rem 0; }
summary b { color: var(--word); display: inline-block; font-family: monospace; min-width: 4.5rem; }
summary span { float: right; opacity: 0.75; }
table { border-collapse: collapse; margin: 0.5rem 0 1rem; width: 100%; }
td { border-bottom: 1px solid var(--line); padding: 0.25rem 0.75rem 0.25rem 0;
  vertical-align: top; }
td:first-child { white-space: nowrap; }
@media (max-width: 40rem) { summary span { display: block; float: none; } }
"""
STYLE: Final = f"sha256-{base64.b64encode(hashlib.sha256(_CSS.encode()).digest()).decode()}"
"""What a content security policy names to let the page have its style, and no other."""


def page(document: dict[str, Json]) -> str:
    """The document as HTML."""
    info = document["info"]
    prefix = document["servers"][0]["url"]
    sections: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            shown = "".join(_operation(method, prefix + path, operation))
            sections.setdefault(operation["tags"][0], []).append(shown)
    schemas = document["components"]["schemas"]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(info['title'])}</title><style>{_CSS}</style></head><body><main>"
        f"<h1>{escape(info['title'])} {escape(info['version'])}</h1>"
        f'<p>{escape(info["description"])}</p><p><a href="openapi.json">openapi.json</a></p>'
        + "".join(f"<h2>{escape(tag)}</h2>{''.join(each)}" for tag, each in sections.items())
        + "<h2>Schemas</h2>"
        + "".join(_schema(name, schema) for name, schema in schemas.items())
        + "</main></body></html>"
    )


def _operation(method: str, path: str, operation: dict[str, Json]) -> Iterator[str]:
    yield f"<details><summary><b>{escape(method.upper())}</b> <code>{escape(path)}</code> "
    yield f"<span>{escape(operation['summary'])}</span></summary>"
    rows = [
        (one["name"], f"{one['in']}: {one['description']}")
        for one in operation.get("parameters", ())
    ]
    if rows:
        yield f"<h3>Parameters</h3>{_table(rows)}"
    content = operation.get("requestBody", {}).get("content", {})
    for media_type, body in content.items():
        yield f"<h3>Body</h3><p><code>{escape(media_type)}</code>: {_named(body['schema'])}</p>"
        if "example" in body:
            yield f"<pre>{_pretty(body['example'])}</pre>"
    answers = [(status, _returned(answer)) for status, answer in operation["responses"].items()]
    yield f"<h3>Answers</h3>{_table(answers, markup=True)}</details>"


def _returned(answer: dict[str, Json]) -> str:
    told = escape(answer["description"])
    for media_type, content in answer.get("content", {}).items():
        told += f" <code>{escape(media_type)}</code> {_named(content['schema'])}"
    return told


def _named(schema: dict[str, Json]) -> str:
    """A component as a link to it; anything else not at all."""
    name = escape(str(schema.get("$ref", "")).rpartition("/")[2])
    return f'<a href="#{name}">{name}</a>' if name else ""


def _schema(name: str, schema: dict[str, Json]) -> str:
    shown = escape(name)
    return (
        f'<details id="{shown}"><summary><code>{shown}</code> '
        f"<span>{escape(schema.get('description', ''))}</span></summary>"
        f"<pre>{_pretty(schema)}</pre></details>"
    )


def _table(rows: list[tuple[str, str]], *, markup: bool = False) -> str:
    cells = (
        f"<tr><td><code>{escape(name)}</code></td><td>{told if markup else escape(told)}</td></tr>"
        for name, told in rows
    )
    return f"<table>{''.join(cells)}</table>"


def _pretty(value: Json) -> str:
    return escape(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
