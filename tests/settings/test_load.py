"""Settings as a person gives them: a file, variables, flags; and what is said of mistakes."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from llmreplay.core.canonical import MatchSettings, Strictness
from llmreplay.core.matching import AfterLast
from llmreplay.core.timing import Pace, Timing
from llmreplay.errors import UsageError
from llmreplay.settings import Flag, Limits, Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping


def loaded(
    folder: Path,
    text: str = "",
    environ: Mapping[str, str] | None = None,
    **flags: Flag | None,
) -> Settings:
    """The settings under a `llmreplay.yaml` with `text`, variables and flags."""
    if text:
        (folder / "llmreplay.yaml").write_text(dedent(text), encoding="utf-8")
    return load_settings(flags=flags, environ=environ, folder=folder)


def mistakes(
    folder: Path,
    text: str = "",
    environ: Mapping[str, str] | None = None,
    **flags: Flag | None,
) -> list[str]:
    """The lines of what is said, with the folder left out."""
    with pytest.raises(UsageError) as raised:
        loaded(folder, text, environ, **flags)
    return str(raised.value).replace(f"{folder}/", "").splitlines()


def test_without_any_there_are_defaults(tmp_path: Path) -> None:
    assert loaded(tmp_path) == Settings()


def test_every_field_can_stand_in_the_file(tmp_path: Path) -> None:
    settings = loaded(
        tmp_path,
        r"""
        cassettes: recorded
        cassette: chat/tools
        host: localhost
        port: 0
        allow_remote: false
        upstream: http://127.0.0.1:11434/
        upstreams:
          openai: https://gateway.example/v1
        mode: once
        fresh: yes
        keep_errors: true
        on_miss: forward
        after_last: fail
        timing: recorded*0.1
        match:
          strictness: order
          ignore: [$.user, "?nonce"]
          replace: {'\d{4}-\d\d-\d\d': DATE}
          headers: [X-Feature]
          presets: [claude-code]
        miss_status: 404
        log_format: json
        quiet: on
        report: results/report.xml
        seed: -7
        limits:
          max_connections: 10
          max_header: 8KiB
          max_body: 1MB
          max_decoded: 1GiB
          header_timeout: 800ms
          body_timeout: 2s
          idle_timeout: 1m
          connect_timeout: 3s
          upstream_timeout: 4s
          drain_timeout: 5s
        """,
    )
    assert settings == Settings(
        cassettes=tmp_path / "recorded",
        cassette="chat/tools",
        host="localhost",
        port=0,
        upstream="http://127.0.0.1:11434",
        upstreams={"openai": "https://gateway.example/v1"},
        mode="once",
        fresh=True,
        keep_errors=True,
        on_miss="forward",
        after_last=AfterLast.FAIL,
        timing=Timing(Pace.RECORDED, scale=0.1),
        match=MatchSettings(
            strictness=Strictness.ORDER,
            ignore=("$.user", "?nonce"),
            replace=((r"\d{4}-\d\d-\d\d", "DATE"),),
            headers=("x-feature",),
            presets=("claude-code",),
        ),
        miss_status=404,
        log_format="json",
        quiet=True,
        report=tmp_path / "results/report.xml",
        seed=-7,
        limits=Limits(
            max_connections=10,
            max_header_bytes=8_192,
            max_body_bytes=1_000_000,
            max_decoded_bytes=2**30,
            header_timeout_ms=800,
            body_timeout_ms=2_000,
            idle_timeout_ms=60_000,
            connect_timeout_ms=3_000,
            upstream_timeout_ms=4_000,
            drain_timeout_ms=5_000,
        ),
    )


def test_every_field_can_stand_in_a_variable(tmp_path: Path) -> None:
    settings = loaded(
        tmp_path,
        environ={
            "LLMREPLAY_CASSETTES": "elsewhere",
            "LLMREPLAY_MATCH": "order",
            "LLMREPLAY_MATCH_IGNORE": "$.user",
            "LLMREPLAY_MATCH_HEADERS": "[x-a, x-b]",
            "LLMREPLAY_MATCH_REPLACE": "{'v\\d+': VERSION}",
            "LLMREPLAY_LIMITS_MAX_BODY": "1MiB",
            "LLMREPLAY_FRESH": "1",
            "PATH": "/bin",
        },
    )
    assert settings == Settings(
        cassettes=Path("elsewhere"),
        match=MatchSettings(
            strictness=Strictness.ORDER,
            ignore=("$.user",),
            headers=("x-a", "x-b"),
            replace=(("v\\d+", "VERSION"),),
        ),
        limits=Limits(max_body_bytes=2**20),
        fresh=True,
    )


def test_flags_win_over_variables_and_those_over_the_file(tmp_path: Path) -> None:
    settings = loaded(
        tmp_path,
        "{port: 1, host: localhost, seed: 1}",
        {"LLMREPLAY_PORT": "2", "LLMREPLAY_SEED": "2"},
        port="3",
        host=None,
    )
    assert (settings.port, settings.seed, settings.host) == (3, 2, "localhost")


def test_upstreams_of_all_sources_add_up(tmp_path: Path) -> None:
    settings = loaded(
        tmp_path,
        "upstreams: {a: http://file/a, b: http://file/b}",
        {"LLMREPLAY_UPSTREAMS": "b=http://variable/b http://variable"},
        upstream=("c=http://flag/c", "http://flag"),
    )
    assert settings.upstream == "http://flag"
    assert dict(settings.upstreams) == {
        "a": "http://file/a",
        "b": "http://variable/b",
        "c": "http://flag/c",
    }


def test_a_variable_can_hold_upstreams_as_yaml(tmp_path: Path) -> None:
    settings = loaded(tmp_path, environ={"LLMREPLAY_UPSTREAMS": "{a: http://x, b: http://y}"})
    assert dict(settings.upstreams) == {"a": "http://x", "b": "http://y"}


@pytest.mark.parametrize("text", ["# nothing yet\n", "match:\n", "match: {ignore: }\n"])
def test_what_is_left_empty_is_not_set(tmp_path: Path, text: str) -> None:
    assert loaded(tmp_path, text) == Settings()


def test_paths_in_the_file_start_beside_it(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "replay.yaml").write_text("cassettes: tapes")
    by_flag = load_settings(config=str(other / "replay.yaml"), folder=tmp_path)
    variable = {"LLMREPLAY_CONFIG": str(other / "replay.yaml")}
    by_variable = load_settings(environ=variable, folder=tmp_path)
    assert by_flag.cassettes == other / "tapes"
    assert by_flag == by_variable


def test_every_mistake_is_told_at_once_with_its_place(tmp_path: Path) -> None:
    told = mistakes(
        tmp_path,
        """\
        prot: 8787
        timing: tps=0
        match:
          strictness: exakt
          ignore: [$.a, "$.b["]
          replace: {"(": X, "b*": Y}
        limits: {max_body: 64 mib}
        """,
        {"LLMREPLAY_PROT": "1", "LLMREPLAY_MATCH_HEADERS": "[x"},
        on_miss="recordd",
        upstream=("openai=ftp://x",),
    )
    size = "write it as 64MiB, 500kB or a number of bytes"
    assert told == [
        "11 mistakes in the settings",
        '  llmreplay.yaml:1: unknown field "prot"; did you mean "port"?',
        "  llmreplay.yaml:2: timing: tps=0 needs a number above 0, as in tps=50",
        (
            '  llmreplay.yaml:4: match.strictness: "exakt" is none of exact, order'
            '; did you mean "exact"?'
        ),
        '  llmreplay.yaml:5: match.ignore: "$.b[" is no JSONPath: unbalanced brackets',
        '  llmreplay.yaml:6: match.replace: "(" is no RE2 pattern: missing ): (',
        '  llmreplay.yaml:6: match.replace: "b*" matches the empty text, which is everywhere',
        f'  llmreplay.yaml:7: limits.max_body: "64 mib" is no size: {size}',
        '  LLMREPLAY_PROT: unknown variable; did you mean "LLMREPLAY_PORT"?',
        "  LLMREPLAY_MATCH_HEADERS: no YAML: expected ',' or ']', but got '<stream end>'",
        '  --on-miss: "recordd" is none of fail, record, forward; did you mean "record"?',
        '  --upstream: "ftp://x" is no http:// or https:// URL',
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- a\n", "llmreplay.yaml:1: settings are lines of `field: value`"),
        ("port: [1\n", "llmreplay.yaml:2: no YAML: expected ',' or ']', but got '<stream end>'"),
        ("port: 1\nport: 2\n", "llmreplay.yaml:2: port: is given twice in this file"),
        ("port:\n", "llmreplay.yaml:1: port: is empty"),
        ("port: [1]\n", "llmreplay.yaml:1: port: takes one value"),
        ("[a]: 1\n", "llmreplay.yaml:1: a field's name is one word"),
        ("match: {ignore: {a: b}}\n", "llmreplay.yaml:1: match.ignore: takes a list"),
        (
            "match: {replace: [a]}\n",
            "llmreplay.yaml:1: match.replace: takes `name: value` lines",
        ),
        (
            "match:\n  ignore:\n  - [a]\n",
            "llmreplay.yaml:3: match.ignore: holds something that is no plain text or number",
        ),
        (
            "ignore: [$.a]\n",
            'llmreplay.yaml:1: unknown field "ignore"; did you mean "match.ignore"?',
        ),
        (
            "limit: {max_body: 1}\n",
            'llmreplay.yaml:1: unknown field "limit"; did you mean "limits"?',
        ),
        (
            "match: {preset: [a]}\n",
            'llmreplay.yaml:1: unknown field "match.preset"; did you mean "match.presets"?',
        ),
        ("zzz: 1\n", 'llmreplay.yaml:1: unknown field "zzz"'),
        (
            "limits: 5\n",
            (
                'llmreplay.yaml:1: "limits" holds fields: max_connections, max_header, max_body,'
                " max_decoded, header_timeout, body_timeout, idle_timeout, connect_timeout,"
                " upstream_timeout, drain_timeout"
            ),
        ),
        (
            "match: {presets: [claude]}\n",
            (
                'llmreplay.yaml:1: match.presets: "claude" is none of claude-code, codex, opencode;'
                ' did you mean "claude-code"?'
            ),
        ),
        (
            "upstreams: {a: http://x, a: http://y}\n",
            'llmreplay.yaml:1: upstreams: "a" is given twice',
        ),
        (
            "host: 0.0.0.0\n",
            (
                'llmreplay.yaml:1: host: "0.0.0.0" lets other machines use every recording, and'
                " your provider keys while recording; if that is meant, add --allow-remote"
                " (allow_remote: true)"
            ),
        ),
        ("mode: replay\n", 'llmreplay.yaml:1: mode: "replay" is none of all, new, once'),
    ],
)
def test_one_mistake_is_one_line(tmp_path: Path, text: str, told: str) -> None:
    assert mistakes(tmp_path, text) == [told]


def test_a_host_that_others_reach_must_be_meant(tmp_path: Path) -> None:
    assert loaded(tmp_path, host="0.0.0.0", allow_remote=True).host == "0.0.0.0"  # noqa: S104
    assert loaded(tmp_path, host="::1").host == "::1"
    assert mistakes(tmp_path, host="example.org")[0].startswith("--host: ")


def test_a_settings_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as raised:
        load_settings(config=str(tmp_path / "no.yaml"))
    assert str(raised.value) == f"{tmp_path}/no.yaml: cannot be read: No such file or directory"


def test_another_programs_variables_are_left_alone(tmp_path: Path) -> None:
    assert loaded(tmp_path, environ={"LLMREPLAY_CI_IMAGE": "7"}) == Settings()


def test_a_command_may_have_defaults_of_its_own(tmp_path: Path) -> None:
    defaults = {"port": "0"}
    assert load_settings(folder=tmp_path, defaults=defaults).port == 0
    environ = {"LLMREPLAY_PORT": "9"}
    assert load_settings(folder=tmp_path, defaults=defaults, environ=environ).port == 9
