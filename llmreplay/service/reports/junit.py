"""A report as JUnit's XML, which GitHub's, GitLab's and Jenkins's views of test results read.

A test case each: a session in which nothing was missed; a request that was, which is a failure
and has its explanation; a call that failed, which is an error.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmreplay.core.dialect import Json

__all__ = ["junit"]

_NOT_IN_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_OF_THE_RUN: Final = ("llmreplay", "mode", "program", "program_status", "stored", "requests")


def junit(report: Mapping[str, Json]) -> bytes:
    """The XML of a whole report."""
    name = f"llmreplay {report['command']}"
    suites = ET.Element("testsuites", name=name)
    seconds = f"{report['duration_s']:.3f}"
    suite = ET.SubElement(
        suites, "testsuite", name=name, timestamp=report["started"][:19], time=seconds
    )
    _properties(suite, report)
    for session in report["sessions"]:
        _session(suite, session)
    if report["sessions_left_out"]:
        left_out = ET.SubElement(suite, "testcase", classname="llmreplay", name="other sessions")
        ET.SubElement(left_out, "skipped", message=f"{report['sessions_left_out']:,} left out")
    for entry in report["failures"]:
        if entry["outcome"] == "failed":
            case = _case(suite, entry["session"], _asked(entry))
            _complain(case, "error", entry["detail"])
    _count(suites, suite)
    ET.indent(suites)
    xml: bytes = ET.tostring(suites, "utf-8", xml_declaration=True)
    return xml + b"\n"


def _properties(suite: ET.Element, report: Mapping[str, Json]) -> None:
    """Figures of the run."""
    told = {name: report[name] for name in _OF_THE_RUN}
    told |= {f"outcome.{name}": count for name, count in report["outcomes"].items() if count}
    for what in ("saved", "spent"):
        told |= {f"{what}.{name}": value for name, value in report[what].items()}
    for what in ("latency_ms", "first_byte_ms"):
        told |= {f"{what}.{name}": value for name, value in (report[what] or {}).items()}
    properties = ET.SubElement(suite, "properties")
    for name, value in told.items():
        if value is not None:
            text = str(value).lower() if isinstance(value, bool) else str(value)
            ET.SubElement(properties, "property", name=name, value=_text(text))


def _session(suite: ET.Element, session: Mapping[str, Json]) -> None:
    if not session["missed"]:
        case = _case(suite, session["name"], "session")
        case.set("time", f"{session['duration_s']:.3f}")
        return
    # A client that tries again misses again: one case each, with a number.
    missed = Counter((_asked(miss), miss["detail"]) for miss in session["misses"])
    seen = Counter[str]()
    for (asked, detail), times in missed.items():
        seen[asked] += 1
        number = f" #{seen[asked]}" if seen[asked] > 1 else ""
        again = f" ({times} times)" if times > 1 else ""
        case = _case(suite, session["name"], f"{asked}{number}{again}")
        _complain(case, "failure", detail)
    if session["misses_left_out"]:
        case = _case(suite, session["name"], "other misses")
        _complain(case, "failure", f"{session['misses_left_out']:,} more requests missed")


def _case(suite: ET.Element, session: str, name: str) -> ET.Element:
    return ET.SubElement(
        suite, "testcase", classname=_text(f"llmreplay.{session}"), name=_text(name)
    )


def _asked(entry: Mapping[str, Json]) -> str:
    return " ".join(filter(None, (entry["method"], entry["target"], entry["model"])))


def _complain(case: ET.Element, kind: str, detail: str) -> None:
    text = _text(detail.removeprefix("llmreplay: "))
    complaint = ET.SubElement(case, kind, message=text.partition("\n")[0])
    complaint.text = text


def _count(suites: ET.Element, suite: ET.Element) -> None:
    """What stands in the head of the whole: how many cases there are, and how they went."""
    for name, kind in (("tests", ""), ("failures", "failure"), ("errors", "error"),
                       ("skipped", "skipped")):  # fmt: skip
        cases = [case for case in suite.iter("testcase") if not kind or case.find(kind) is not None]
        for element in (suites, suite):
            element.set(name, str(len(cases)))
    suites.set("time", suite.get("time", ""))


def _text(text: str) -> str:
    """`text` as XML can hold it."""
    return _NOT_IN_XML.sub("\ufffd", text)
