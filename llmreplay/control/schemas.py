"""What goes over the control API, as JSON Schema (2020-12): the components of the OpenAPI document.

What is written here is checked against what is answered: `tests/control` asks every operation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmreplay.core.canonical import Strictness
from llmreplay.core.faults.schema import schema as overlay_schema
from llmreplay.core.journal import Outcome
from llmreplay.core.matching import AfterLast

if TYPE_CHECKING:
    from llmreplay.core.dialect import Json

__all__ = ["COMPONENTS", "MODES", "array_of", "made_of", "ref"]

MODES: Final = ("replay", "auto", "record", "once", "forward", "off")
"""How a session treats its cassettes, in the words of people who write tests."""

_SETTLED_MODES: Final = tuple(mode for mode in MODES if mode != "once")

COUNT: Final = {"type": "integer", "minimum": 0}
TEXT: Final = {"type": "string"}
TEXTS: Final = {"type": "array", "items": TEXT}
MAYBE_TEXT: Final = {"type": ["string", "null"]}
MAYBE_NUMBER: Final = {"type": ["number", "null"]}
NUMBER: Final = {"type": "number"}
FLAG: Final = {"type": "boolean"}


def ref(name: str) -> dict[str, Json]:
    """A component by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


def array_of(items: dict[str, Json]) -> dict[str, Json]:
    """A list of such."""
    return {"type": "array", "items": items}


def made_of(told: str = "", **properties: Json) -> dict[str, Json]:
    """An object that always has all of these, and nothing else."""
    found: dict[str, Json] = {
        "type": "object",
        "properties": properties,
        "required": [*properties],
        "additionalProperties": False,
    }
    return {"description": told, **found} if told else found


def _given(told: str, **properties: Json) -> dict[str, Json]:
    """An object that may have some of these."""
    made = made_of(told, **properties)
    del made["required"]
    return made


_OVERLAY: Final[dict[str, Json]] = overlay_schema()
_RULE: Final[dict[str, Json]] = _OVERLAY["properties"]["rules"]["items"]
_FAULT: Final[dict[str, Json]] = _RULE["properties"]["fault"]["anyOf"][0]

_SETTING_FIELDS: Final[dict[str, Json]] = {
    "mode": {
        "enum": [*MODES],
        "description": (
            "replay: from recordings only. auto: record what has no recording. record: record "
            "all. once: record if the cassette is not there, else replay. forward: forward what "
            "has no recording. off: forward all."
        ),
    },
    "cassettes": {
        "type": ["array", "null"],
        "items": TEXT,
        "description": "Names of cassettes, with * for any text; null for all that are loaded.",
    },
    "record_into": {
        "type": ["string", "null"],
        "description": "The cassette that it records into; null for one of its own name.",
    },
    "overlays": {"type": "boolean", "description": "Whether the run's own rules hold in it."},
    "seed": {
        "type": "integer",
        "minimum": -(2**63) + 1,
        "maximum": 2**63 - 1,
        "description": "What chance and jitter follow from.",
    },
    "timing": {
        "type": "string",
        "description": "instant, recorded, recorded*0.1, or ttft=300ms,tps=50,jitter=10ms.",
    },
    "match": {
        "enum": [str(word) for word in Strictness],
        "description": "exact: by meaning. order: by place, with what differs told.",
    },
    "after_last": {
        "enum": [str(word) for word in AfterLast],
        "description": "What comes when all recordings of a request were replayed.",
    },
}

_PERCENTILES: Final = {
    "type": ["object", "null"],
    "description": "In milliseconds, at most 10 % too long; null where there was none.",
    "properties": {
        name: {"type": "number"} for name in ("p50", "p90", "p95", "p99", "mean", "max")
    },
    "required": ["p50", "p90", "p95", "p99", "mean", "max"],
    "additionalProperties": False,
}
_OUTCOMES: Final = {
    "type": "object",
    "properties": {str(outcome): COUNT for outcome in Outcome},
    "additionalProperties": False,
}
_TOKENS: Final = made_of(
    "Tokens as the providers counted them, and their price by genai-prices if it is installed.",
    input_tokens=COUNT,
    output_tokens=COUNT,
    cost_usd=MAYBE_NUMBER,
    unknown_answers={"description": "Answers that did not say how many.", **COUNT},
)

_ENTRY: Final[dict[str, Json]] = {
    "number": {"type": "integer", "minimum": 1},
    "at": {"type": "string", "format": "date-time"},
    "session": TEXT,
    "outcome": {"enum": [str(outcome) for outcome in Outcome]},
    "method": TEXT,
    "target": {"type": "string", "description": "Path and query, without secrets."},
    "status": {"type": "integer"},
    "upstream": MAYBE_TEXT,
    "model": MAYBE_TEXT,
    "source": {"description": "The exchange, as cassette#number.", **MAYBE_TEXT},
    "elapsed_ms": {"type": "number"},
    "first_byte_ms": MAYBE_NUMBER,
    "streamed": FLAG,
    "drift": {"description": "What differs from the recording.", **TEXTS},
    "faults": {"description": "What was injected, as `rule: what`.", **TEXTS},
    "detail": {"type": "string", "description": "The explanation of a miss or failure."},
}

_REQUEST: Final[dict[str, Json]] = {
    "description": "As it was sent but for its secrets, where that is asked for; null if not kept.",
    "type": ["object", "null"],
    "properties": {
        "url": TEXT,
        "headers": array_of({**TEXTS, "minItems": 2, "maxItems": 2}),
        "json": {"description": "The body as JSON; null if it is none."},
        "text": {"description": "The body as it was sent; null if it is no text.", **MAYBE_TEXT},
        "base64": {"description": "The body if it is no text; else null.", **MAYBE_TEXT},
    },
    "required": ["url", "headers", "json", "text", "base64"],
    "additionalProperties": False,
}

COMPONENTS: Final[dict[str, Json]] = {
    "Problem": {
        "type": "object",
        "description": "What is wrong, and what to do (RFC 9457).",
        "properties": {
            "type": TEXT,
            "title": TEXT,
            "status": {"type": "integer"},
            "detail": TEXT,
            "mistakes": array_of(made_of("", field=TEXT, what=TEXT)),
        },
        "required": ["type", "title", "status", "detail"],
        "additionalProperties": False,
    },
    "Health": made_of("", status={"const": "ok"}, version=TEXT, mode=TEXT),
    "Fault": {"description": "A preset, or kinds of faults in the order they are done.", **_FAULT},
    "Rule": {
        **_RULE,
        "description": "A rule, as in an overlay file.",
        "properties": {
            **_RULE["properties"],
            "fault": {"anyOf": [ref("Fault"), {**array_of(ref("Fault")), "minItems": 1}]},
        },
    },
    "Setup": _given(
        "How a session is to be. What is not given is as the run's settings say.",
        **_SETTING_FIELDS,
        rules={
            "description": "Rules of its own, asked after the run's.",
            **array_of(ref("Rule")),
        },
    ),
    "Session": made_of(
        "A session as it is.",
        name=TEXT,
        configured={"description": "Whether anybody set it up.", **FLAG},
        **(_SETTING_FIELDS | {"mode": {"enum": [*_SETTLED_MODES]}}),
        rules={"description": "The names of its own rules.", **TEXTS},
        missing={"description": "Cassettes that are named and not there.", **TEXTS},
        age_s={"description": "Since it was first seen, or set up.", **NUMBER},
        idle_s={"description": "Since its last request.", **NUMBER},
        outcomes={"description": "Its requests by what became of them.", **_OUTCOMES},
    ),
    "Sessions": made_of("", sessions=TEXTS),
    "Deleted": made_of("", deleted=COUNT),
    "Ended": made_of(
        "`closed` says what became of each cassette that was recorded into.",
        deleted=COUNT,
        closed=array_of(
            made_of("", session=TEXT, new=COUNT, replaced=COUNT, unchanged=COUNT, dropped=COUNT)
        ),
    ),
    "Verdict": made_of(
        "What there is to say of a session at its end.",
        missed=COUNT,
        misses={
            "description": "The first few requests that had no recording.",
            **array_of(made_of("", method=TEXT, target=TEXT, model=MAYBE_TEXT, detail=TEXT)),
        },
        unused={"description": "Recordings that nobody asked for, as cassette#number.", **TEXTS},
        live_calls={"description": "Requests that went to a provider.", **COUNT},
        drifted=COUNT,
        drift={
            "description": "The first few requests that differ from their recordings, and how.",
            **array_of(made_of("", method=TEXT, target=TEXT, source=MAYBE_TEXT, differs=TEXTS)),
        },
        fired={
            "description": "How often each rule fired.",
            "type": "object",
            "additionalProperties": COUNT,
        },
        never_fired={"description": "Rules that could have been about it.", **TEXTS},
        not_done={"description": "Faults that found no place in the answer.", **TEXTS},
    ),
    "Entry": {
        **made_of("A request and what became of it.", **_ENTRY),
        "properties": {**_ENTRY, "request": _REQUEST},
    },
    "Journal": made_of(
        "A page. `next` is what `after` of the page that follows is; null on the last.",
        entries=array_of(ref("Entry")),
        next={"type": ["integer", "null"]},
        last={"description": "The number of the newest entry there is.", **COUNT},
        dropped={"description": "Entries that had to go, for the journal is bounded.", **COUNT},
    ),
    "Cassettes": made_of("", cassettes=array_of(made_of("", name=TEXT, exchanges=COUNT))),
    "RuleInfo": made_of(
        "A rule of the run. `rule` is as it was given to this API; null if it is from a file.",
        name=TEXT,
        origin={"enum": ["file", "api"]},
        on=FLAG,
        faults={"description": "What it injects, in a few words each.", **TEXTS},
        rule={"anyOf": [ref("Rule"), {"type": "null"}]},
    ),
    "Rules": made_of("", rules=array_of(ref("RuleInfo"))),
    "RuleSwitch": made_of("", on=FLAG),
    "Overlay": {
        "type": "object",
        "description": "Rules, as an overlay file has them.",
        "properties": {**_OVERLAY["properties"], "rules": array_of(ref("Rule"))},
        "required": ["rules"],
        "additionalProperties": False,
    },
    "Stats": made_of(
        "Figures since the start.",
        requests=COUNT,
        outcomes=_OUTCOMES,
        faults={"type": "object", "additionalProperties": COUNT},
        latency_ms=_PERCENTILES,
        first_byte_ms=_PERCENTILES,
        saved={"description": "What replayed answers would have cost.", **ref("Tokens")},
        spent={"description": "What live answers did cost.", **ref("Tokens")},
        share={
            "type": "object",
            "description": "Of all requests, by upstream; unknown ones under an empty name.",
            "additionalProperties": {"type": "number"},
        },
        prices={
            "type": "boolean",
            "description": "Whether genai-prices is installed, so that there are prices.",
        },
        models=array_of(
            made_of(
                "",
                upstream=MAYBE_TEXT,
                model=MAYBE_TEXT,
                requests=COUNT,
                outcomes=_OUTCOMES,
                latency_ms=_PERCENTILES,
                first_byte_ms=_PERCENTILES,
                saved=ref("Tokens"),
                spent=ref("Tokens"),
            )
        ),
    ),
    "Tokens": _TOKENS,
}
