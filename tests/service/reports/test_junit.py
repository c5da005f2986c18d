"""JUnit's XML: a miss is a failure with its explanation, and CI reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from llmreplay.service.reports.junit import junit

if TYPE_CHECKING:
    from llmreplay.core.dialect import Json

MISS = {
    "method": "POST",
    "target": "/openai/v1/chat/completions",
    "model": "gpt-4o-mini",
    "detail": "llmreplay: no recording for POST\n- turn 1 differs: \x00 <b>",
}


def session(name: str, *misses: Json, left_out: int = 0) -> Json:
    return {
        "name": name,
        "duration_s": 2.0,
        "missed": len(misses) + left_out,
        "misses": [*misses],
        "misses_left_out": left_out,
    }


def report(*sessions: Json, **changes: Json) -> Json:
    tokens = {"input_tokens": 10, "output_tokens": 2, "cost_usd": None, "unknown_answers": 0}
    return {
        "llmreplay": "0.1.0",
        "command": "serve",
        "mode": "replay",
        "program": "pytest",
        "program_status": 0,
        "stored": True,
        "started": "2026-11-21T12:00:00.250+00:00",
        "duration_s": 2.5,
        "requests": 3,
        "outcomes": {"hit": 2, "miss": 1, "failed": 0},
        "latency_ms": {"p50": 1.5},
        "first_byte_ms": None,
        "saved": tokens,
        "spent": tokens,
        "sessions": [*sessions],
        "sessions_left_out": 0,
        "failures": [],
        **changes,
    }


def cases(xml: bytes) -> list[tuple[str | None, str | None, list[str]]]:
    """Of each test case where it is, its name, and what else is in it."""
    root = ET.fromstring(xml)  # noqa: S314  # our own
    return [
        (case.get("classname"), case.get("name"), [one.tag for one in case])
        for case in root.iter("testcase")
    ]


def test_a_session_that_went_well_is_a_case() -> None:
    assert (
        junit(report(session("checkout"))).decode()
        == """\
<?xml version='1.0' encoding='utf-8'?>
<testsuites name="llmreplay serve" tests="1" failures="0" errors="0" skipped="0" time="2.500">
  <testsuite name="llmreplay serve" timestamp="2026-11-21T12:00:00" time="2.500" tests="1" \
failures="0" errors="0" skipped="0">
    <properties>
      <property name="llmreplay" value="0.1.0" />
      <property name="mode" value="replay" />
      <property name="program" value="pytest" />
      <property name="program_status" value="0" />
      <property name="stored" value="true" />
      <property name="requests" value="3" />
      <property name="outcome.hit" value="2" />
      <property name="outcome.miss" value="1" />
      <property name="saved.input_tokens" value="10" />
      <property name="saved.output_tokens" value="2" />
      <property name="saved.unknown_answers" value="0" />
      <property name="spent.input_tokens" value="10" />
      <property name="spent.output_tokens" value="2" />
      <property name="spent.unknown_answers" value="0" />
      <property name="latency_ms.p50" value="1.5" />
    </properties>
    <testcase classname="llmreplay.checkout" name="session" time="2.000" />
  </testsuite>
</testsuites>
"""
    )


def test_a_miss_is_a_failure_with_its_explanation() -> None:
    xml = junit(report(session("a", MISS)))
    (failure,) = ET.fromstring(xml).iter("failure")  # noqa: S314  # our own
    assert failure.get("message") == "no recording for POST"
    assert failure.text == "no recording for POST\n- turn 1 differs: \ufffd <b>"


def test_equal_misses_are_one_and_others_are_told_apart() -> None:
    other = MISS | {"detail": "llmreplay: another"}
    asked = "POST /openai/v1/chat/completions gpt-4o-mini"
    assert cases(junit(report(session("a", MISS, MISS, other, left_out=7)))) == [
        ("llmreplay.a", f"{asked} (2 times)", ["failure"]),
        ("llmreplay.a", f"{asked} #2", ["failure"]),
        ("llmreplay.a", "other misses", ["failure"]),
    ]


def test_a_call_that_failed_is_an_error_and_one_that_was_refused_is_not() -> None:
    failed = MISS | {"session": "a", "outcome": "failed", "model": None, "detail": "nobody there"}
    refused = failed | {"outcome": "refused"}
    xml = junit(report(failures=[failed, refused], sessions_left_out=1_234))
    assert cases(xml) == [
        ("llmreplay", "other sessions", ["skipped"]),
        ("llmreplay.a", "POST /openai/v1/chat/completions", ["error"]),
    ]
    assert b'tests="2" failures="0" errors="1" skipped="1"' in xml
    assert b"1,234 left out" in xml
