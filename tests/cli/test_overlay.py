"""`llmreplay overlay`, whole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from llmreplay.core.exchange import Response
from tests.cli.shell import exchange

if TYPE_CHECKING:
    from tests.cli.shell import Shell

RULES = """\
rules:
- name: other model
  match: {model: o3*}
  fault: auth
- name: no TLS
  fault: tls_error
- name: late
  match: {stream: true}
  fault: {delay: {before: 800ms, between: 40ms}}
- name: limited
  when: {first: 1}
  fault: rate_limit
- name: cut
  when: {first: 3}
  fault: {cut: {before: end, how: reset}}
"""
START = 'data: {"model":"m-1","choices":[{"index":0,"delta":{"content":'


@pytest.fixture
def ruled(stocked: Shell) -> Shell:
    (stocked.folder / "flaky.yaml").write_text(RULES)
    return stocked


def test_sound_overlays(ruled: Shell) -> None:
    said = ruled.run("overlay", "check", "flaky.yaml")
    assert (said.status, said.out, said.err) == (0, "5 rules in 1 overlay are sound\n", "")


def test_a_rule_that_meets_fewer_than_one_may_think(ruled: Shell) -> None:
    (ruled.folder / "tls.yaml").write_text(
        "rules:\n- name: no TLS\n  match: {upstream: openai}\n  fault: tls_error\n"
        "- name: down\n  match: {upstream: acme}\n  fault: connection_refused\n"
    )
    said = ruled.run("overlay", "check", "tls.yaml")
    assert said.status == 0
    assert said.out == (
        "2 rules in 1 overlay are sound\n"
        'note: rule "no TLS" meets clients of the proxy only, and nobody who comes by a base URL: '
        "tls_abort happens before a request can say for which upstream or session it is\n"
    )
    explained = ruled.run("overlay", "explain", "tls.yaml", "--exchange", "chat/hello#1").out
    assert (
        "  no TLS: is about connections (tls_abort), not about requests, and only about those to "
        "the proxy\n"
    ) in explained


def test_mistakes_have_their_places(ruled: Shell) -> None:
    (ruled.folder / "bad.yaml").write_text("rules:\n- fault: timeuot\n- fault: auth\n  wenn: 1\n")
    said = ruled.run("overlay", "check", "flaky.yaml", "bad.yaml")
    assert (said.status, said.out) == (2, "")
    assert said.err == (
        "llmreplay: error: 2 mistakes in overlays\n"
        '  bad.yaml:2: rules[0].fault: there is no preset "timeuot"; did you mean "timeout"?\n'
        '  bad.yaml:4: rules[1].wenn: unknown field "wenn"; did you mean "when"?\n'
    )


def test_the_schema_is_json(shell: Shell) -> None:
    said = shell.run("overlay", "schema")
    assert json.loads(said.out)["title"] == "llmreplay overlay"


def test_a_whole_answer_in_place_of_the_recorded_one(ruled: Shell) -> None:
    said = ruled.run("overlay", "explain", "flaky.yaml", "--exchange", "chat/hello#1")
    rules, received = said.out.split("\n\n")
    assert rules == (
        "rules\n"
        "  other model: does not match\n"
        "  no TLS: is about connections (tls_abort), not about requests\n"
        "  late: matches, fires (always)\n"
        "  limited: matches, fires (the first 1)\n"
        '  cut: matches, is not reached: "limited" gives the whole answer\n'
        "  > late: delay before 800ms, between 40ms\n"
        "  > limited: error rate_limit"
    )
    lines = received.splitlines()
    assert lines[:2] == ["what the client receives", "  429 Too Many Requests"]
    assert lines[-2].startswith(
        '    800 ms    290 B  {"error":{"message":"Rate limit reached for m'
    )
    assert lines[-1] == "  the end"


def test_the_next_time_it_comes(ruled: Shell) -> None:
    said = ruled.run("overlay", "explain", "flaky.yaml", "--exchange", "chat/hello#1", "--nth", "2")
    assert said.out.split("\n\n", 1)[1].replace(START, "…") == (
        "what the client receives\n"
        "  200 OK\n"
        "  content-type: text/event-stream\n"
        "  x-llmreplay-fault: late (delay), cut (cut)\n"
        '    800 ms     72 B  …"He"}}]}\\n\\n\n'
        '    840 ms     73 B  …"llo"}}]}\\n\\n\n'
        "  RST\n"
    )


def test_a_body_that_lacks_its_end(ruled: Shell) -> None:
    (ruled.folder / "cut.yaml").write_text("rules:\n- fault: {cut: 10B}\n- fault: malformed\n")
    said = ruled.run("overlay", "explain", "cut.yaml", "--exchange", "chat/hello#2")
    assert "  content-length: 55\n" in said.out
    assert said.out.endswith("  the connection is closed, the answer not whole\n")


def test_nothing_at_all(ruled: Shell) -> None:
    (ruled.folder / "gone.yaml").write_text("rules:\n- fault: timeout\n  when: {first: 0}\n")
    said = ruled.run("overlay", "explain", "gone.yaml", "--exchange", "chat/hello#2")
    assert "gone rule 1: matches, does not fire (the first 0)" in said.out
    (ruled.folder / "gone.yaml").write_text("rules:\n- fault: timeout\n")
    said = ruled.run("overlay", "explain", "gone.yaml", "--exchange", "chat/hello#2")
    assert said.out.endswith("what the client receives\n  silence: not even a head comes\n")


def test_long_answers_are_not_shown_whole(shell: Shell) -> None:
    shell.write("long", exchange(1, Response(200, (("content-type", "text/plain"),))))
    (shell.folder / "long.yaml").write_text(
        'rules:\n- fault: {replace: {ndjson: "' + "1\\n" * 50 + '"}}\n'
    )
    said = shell.run("overlay", "explain", "long.yaml", "--exchange", "long")
    assert said.out.endswith("  … 10 more\n  the end\n")


def test_which_exchange_must_be_said(ruled: Shell) -> None:
    said = ruled.run("overlay", "explain", "flaky.yaml", "--exchange", "chat/hello")
    assert (said.status, said.err) == (
        2,
        'llmreplay: error: which exchange of chat/hello; write "chat/hello#1"\n',
    )
    assert "it has none" in ruled.run("overlay", "explain", "flaky.yaml", "--exchange", "empty").err
