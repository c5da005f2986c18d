"""What people, files and networks do wrong: each has a message that names place and remedy.

Everything is run as a person would run it. A traceback is a mistake of ours, so is a status
other than 2 for what cannot start, and so is a message that leaves a person with nothing to do.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from llmreplay.core.exchange import Ending
from tests.fakes.manners import garbage, seeded, with_wrong_length
from tests.fakes.origin import Close, Origin, Reset, Send, Wait
from tests.scenarios.conversing import (
    ask,
    chat,
    files_of,
    message_of,
    post,
    replied,
    script,
    stopped,
)
from tests.scenarios.process import DEADLINE_S, Running, command, environment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from tests.fakes.origin import Step

GOOD = """\
# llmreplay cassette, format 1
---
exchange: 1
upstream: openai
request:
  method: POST
  url: https://api.openai.com/v1/chat/completions
  headers: {content-type: application/json}
  json:
    model: m
response:
  status: 200
  headers: {content-type: application/json}
  json:
    id: x
...
"""
CONFLICT = "<<<<<<< HEAD\n    model: m\n=======\n    model: n\n>>>>>>> theirs\n"
NO_CASSETTE = (
    "no cassette: it does not begin with `# llmreplay cassette, format 1`, and no exchange is in "
    "it; take it out of the folder, or restore it"
)
NO_TEXT = "not UTF-8; a cassette is text, restore it or record it again"

BROKEN: dict[str, tuple[bytes, str]] = {
    "alias": (
        GOOD.replace("id: x", "id: &a x\n    b: *a").encode(),
        "15: anchors and aliases are not read; write the value out",
    ),
    "base64": (
        GOOD.replace("  json:\n    id: x", "  base64: '***'").encode(),
        "14: not base64: Only base64 data is allowed",
    ),
    "binary": (bytes(range(256)) * 4, f"2: {NO_TEXT}"),
    "compose": (b"version: 3\nservices:\n  web: {image: nginx}\n", f"1: {NO_CASSETTE}"),
    "conflict": (
        GOOD.replace("    model: m\n", CONFLICT).encode(),
        "10: a conflict of git stands here unresolved; choose one side",
    ),
    "future": (
        GOOD.replace("format 1", "format 2").encode(),
        "1: format 2 is newer than this llmreplay knows; upgrade llmreplay",
    ),
    "prose": (b"Dear cassette,\n", f"1: {NO_CASSETTE}"),
    "status": (
        GOOD.replace("200", "two hundred").encode(),
        "12: a status has three digits, not 'two hundred'",
    ),
    "tab": (
        GOOD.replace("    model", "\tmodel").encode(),
        "10: not valid YAML: found character that cannot start any token",
    ),
    "utf16": (GOOD.encode("utf-16"), f"1: {NO_TEXT}"),
    "word": (
        GOOD.replace("  url:", "  ulr:").encode(),
        "7: unknown key 'ulr'; did you mean 'url'?",
    ),
}


def run(
    folder: Path, *arguments: str, env: Mapping[str, str] | None = None, status: int = 2
) -> str:
    """What a command that cannot do its work says on its way out."""
    done = subprocess.run(  # noqa: S603  # our own command
        command(*arguments),
        cwd=folder,
        env=environment({"XDG_CACHE_HOME": str(folder / "cache"), **(env or {})}),
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=DEADLINE_S,
    )
    assert "Traceback" not in done.stdout + done.stderr
    assert "mistake of llmreplay's own" not in done.stderr
    assert done.returncode == status, done.stderr
    return (done.stdout + done.stderr).removeprefix("llmreplay: error: ").removesuffix("\n")


def place(folder: Path, files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        path = folder / "cassettes" / f"{name}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


@pytest.mark.parametrize("subcommand", ["serve", "check"])
def test_all_broken_cassettes_are_told_at_once_with_their_lines(
    tmp_path: Path, subcommand: str
) -> None:
    place(tmp_path, {name: content for name, (content, _) in BROKEN.items()})
    place(tmp_path, {"good": GOOD})
    told = run(tmp_path, subcommand, status={"serve": 2, "check": 1}[subcommand]).splitlines()
    for name, (_, message) in BROKEN.items():
        assert f"cassettes/{name}.yaml:{message}" in told
    assert not [line for line in told if "good.yaml" in line]


@pytest.mark.parametrize("name", ["conflict", "compose", "binary"])
def test_nothing_is_recorded_into_what_is_no_cassette(tmp_path: Path, name: str) -> None:
    content, message = BROKEN[name]
    place(tmp_path, {name: content})
    told = run(tmp_path, "record", "--port=0", f"--cassette={name}")
    assert told == f"cassettes/{name}.yaml:{message}"
    assert (tmp_path / "cassettes" / f"{name}.yaml").read_bytes() == content
    assert files_of(tmp_path / "cassettes").keys() == {f"{name}.yaml"}


async def test_an_empty_file_holds_nothing_and_can_be_recorded_into(tmp_path: Path) -> None:
    place(tmp_path, {"default": b""})
    async with Origin(script({"a": replied("A")})) as origin:
        with Running("record", f"--upstream=openai={origin.url}", cwd=tmp_path) as recorder:
            await post(recorder.url, chat("a"))
            finished = await stopped(recorder)
    assert (finished.status, finished.errors) == (0, "")
    assert "cassettes/default.yaml: 1 new\n" in finished.output


async def test_a_torn_tail_is_told_and_passed_over(tmp_path: Path) -> None:
    torn = GOOD.partition("---\n")[2].replace("exchange: 1", "exchange: 2")[:100]
    place(tmp_path, {"torn": f"{GOOD}---\n{torn}"})
    with Running("serve", cwd=tmp_path) as server:
        assert (await post(server.url, b'{"model":"m"}')).status == 200
        finished = await stopped(server)
    assert finished.output.splitlines()[1] == (
        "llmreplay serve: warning: cassettes/torn.yaml:17: the last document has no end: writing "
        "it was cut short; it is passed over. If it is whole, put a line of `...` after it, else "
        "delete it"
    )


def test_what_is_in_the_way_of_files_and_folders(tmp_path: Path) -> None:
    place(tmp_path, {"good": GOOD})
    (tmp_path / "cassettes" / "folder.yaml").mkdir()
    no_folder = (
        "there is no such folder; record cassettes into it with `llmreplay record`, or name "
        "another with --cassettes"
    )
    remedy = "see to it, or name another place with --cassettes or --cassette"
    assert run(tmp_path, "serve", "--cassettes=nowhere") == f"nowhere: {no_folder}"
    assert run(tmp_path, "check", "--cassettes=nowhere") == f"nowhere: {no_folder}"
    assert run(tmp_path, "serve", "--cassettes=cassettes/good.yaml") == (
        "cassettes/good.yaml: this is a file, and cassettes are in a folder: --cassettes cassettes"
    )
    assert run(tmp_path, "record", "--port=0", "--cassettes=cassettes/good.yaml") == (
        "cassettes/good.yaml/default.yaml: cannot be recorded into: a file is where a folder "
        f"should be; {remedy}"
    )
    assert run(tmp_path, "record", "--port=0", "--cassette=folder") == (
        f"cassettes/folder.yaml: cannot be recorded into: Is a directory; {remedy}"
    )


def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    """A link could lead out of the folder, and a pipe would wait for ever."""
    folder = tmp_path / "cassettes"
    folder.mkdir()
    (folder / "link.yaml").symlink_to("/etc/hostname")
    os.mkfifo(folder / "pipe.yaml")
    assert run(tmp_path, "serve") == (
        "cassettes/link.yaml:1: a link or device, no file; put the file here\n"
        "cassettes/pipe.yaml:1: a link or device, no file; put the file here"
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_cassette_that_may_not_be_read(tmp_path: Path) -> None:
    place(tmp_path, {"secret": GOOD})
    (tmp_path / "cassettes" / "secret.yaml").chmod(0)
    assert run(tmp_path, "serve") == ("cassettes/secret.yaml:1: cannot be read: Permission denied")


@pytest.mark.parametrize("name", ["../outside", "/etc/outside", "a/../../b", ".hidden", "a//b", ""])
def test_a_cassette_cannot_leave_its_folder(tmp_path: Path, name: str) -> None:
    told = run(tmp_path, "record", "--port=0", f"--cassette={name}")
    assert told.startswith(f'--cassette: "{name}" is no cassette name: letters, digits,')
    assert list(tmp_path.iterdir()) == []


def test_a_cassette_outside_of_the_folder_is_not_shown(tmp_path: Path) -> None:
    place(tmp_path, {"good": GOOD})
    (tmp_path / "outside.yaml").write_text(GOOD, "utf-8")
    for subcommand in ("show", "check", "ls"):
        assert run(tmp_path, subcommand, "../outside") == (
            'there is no cassette "../outside" in cassettes; llmreplay ls lists them'
        )
    assert run(tmp_path, "show", "good#9") == 'there is no exchange "9" in good; it has 1'


def test_all_wrong_settings_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "llmreplay.yaml").write_text(
        "match:\n  ignore: ['$.x[']\n  replace: {'(a+': b, '(?=x)y': c}\n"
        "portt: 1\nlimits: {max_body: lots}\n",
        "utf-8",
    )
    env = {"LLMREPLAY_AFTER_LAST": "cicle", "LLMREPLAY_PROT": "1"}
    flags = ("--timing=fast", "--on-miss=explode", "--miss-status=429")
    told = run(tmp_path, "serve", *flags, env=env).splitlines()
    assert told[0] == "10 mistakes in the settings"
    assert {line.strip() for line in told[1:]} == {
        'llmreplay.yaml:2: match.ignore: "$.x[" is no JSONPath: unbalanced brackets',
        'llmreplay.yaml:3: match.replace: "(a+" is no RE2 pattern: missing ): (a+',
        'llmreplay.yaml:3: match.replace: "(?=x)y" is no RE2 pattern: invalid perl operator: (?=',
        'llmreplay.yaml:4: unknown field "portt"; did you mean "port"?',
        (
            'llmreplay.yaml:5: limits.max_body: "lots" is no size: write it as 64MiB, 500kB or a '
            "number of bytes"
        ),
        'LLMREPLAY_AFTER_LAST: "cicle" is none of repeat, fail, cycle; did you mean "cycle"?',
        'LLMREPLAY_PROT: unknown variable; did you mean "LLMREPLAY_PORT"?',
        (
            '--timing: "fast" is no timing: write instant, recorded, recorded*0.1 or '
            "ttft=300ms,tps=50,jitter=10ms"
        ),
        '--on-miss: "explode" is none of fail, record, forward',
        (
            "--miss-status: 429 hides a miss: SDKs retry a 429 and wait before it; take 470 or "
            "another 4xx"
        ),
    }


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (
            "a: [\n",
            "llmreplay.yaml:2: no YAML: expected the node content, but found '<stream end>'",
        ),
        ("- port\n", "llmreplay.yaml:1: "),
        (None, "llmreplay.yaml: cannot be read: Is a directory"),
    ],
)
def test_a_settings_file_that_is_none(tmp_path: Path, content: str | None, told: str) -> None:
    file = tmp_path / "llmreplay.yaml"
    if content is None:
        file.mkdir()
    else:
        file.write_text(content, "utf-8")
    assert run(tmp_path, "serve").startswith(told)


def test_addresses_that_cannot_be(tmp_path: Path) -> None:
    place(tmp_path, {"good": GOOD})
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert run(tmp_path, "serve", f"--port={port}") == (
            f"port {port} of 127.0.0.1 is taken, perhaps by another llmreplay: stop that one, "
            "take another port with --port, or any free one with --port 0"
        )
    assert run(tmp_path, "serve", "--port=0", "--host=0.0.0.0") == (
        '--host: "0.0.0.0" lets other machines use every recording, and your provider keys while '
        "recording; if that is meant, add --allow-remote (allow_remote: true)"
    )
    told = run(tmp_path, "record", "--upstream=openai=https://me:hunter2secret@x/")
    assert told == '--upstream: the URL of "x" must not hold a user or password'
    assert run(tmp_path, "record", "--upstream=openai=ftp://x") == (
        '--upstream: "ftp://x" is no http:// or https:// URL'
    )


async def test_a_catastrophic_pattern_costs_nothing(tmp_path: Path) -> None:
    place(tmp_path, {"good": GOOD})
    (tmp_path / "llmreplay.yaml").write_text("match: {replace: {'(a+)+$': X}}\n", "utf-8")
    with Running("serve", cwd=tmp_path) as server:
        async with asyncio.timeout(DEADLINE_S / 2):
            assert (await post(server.url, chat("a" * 100_000 + "!"))).status == 470


ANSWER = replied("An answer.")
SEND_AGAIN = "see its log, then send the request again"
CHECK_PORT = "check scheme and port of its address"
FAILURES: dict[str, tuple[list[Step], str]] = {
    "garbage": (
        list(garbage(ANSWER, seeded(0))),
        f"did not answer in valid HTTP/1.1 (Bad status line): {CHECK_PORT}",
    ),
    "nothing": ([Close()], f"closed the connection before it answered: {SEND_AGAIN}"),
    "reset": (
        [Reset()],
        f"broke the connection before it answered (Connection reset by peer): {SEND_AGAIN}",
    ),
    "half a head": (
        [Send(b"HTTP/1.1 200 OK\r\ncontent-le"), Wait(0.05), Close()],
        f"closed the connection before it answered: {SEND_AGAIN}",
    ),
}


async def test_upstreams_that_fail_are_named_with_what_to_do(tmp_path: Path) -> None:
    flags = ("--upstream=dead=http://127.0.0.1:1", "--upstream=lost=http://no.such.host.invalid")
    replies: dict[str, Iterable[Step]] = {name: steps for name, (steps, _) in FAILURES.items()}
    replies["short"] = list(with_wrong_length(5)(ANSWER, seeded(0)))
    async with Origin(script(replies)) as origin:
        where = f'127.0.0.1:{origin.port} (upstream "openai")'
        expected = {name: f"llmreplay: {where} {told}" for name, (_, told) in FAILURES.items()}
        with Running("record", f"--upstream=openai={origin.url}", *flags, cwd=tmp_path) as recorder:
            told = {name: await post(recorder.url, chat(name)) for name in FAILURES}
            for name in ("dead", "lost", "unheard-of"):
                target = f"/{name}/v1/chat/completions"
                told[name] = await post(recorder.url, chat("a"), target=target)
            short = await post(recorder.url, chat("short"))
            finished = await stopped(recorder)
    expected["dead"] = (
        'llmreplay: nothing listens at 127.0.0.1:1 (upstream "dead"): start it or change --upstream'
    )
    expected["lost"] = (
        'llmreplay: no address is known for no.such.host.invalid (upstream "lost"): check its '
        "name and the network"
    )
    expected["unheard-of"] = (
        "llmreplay: no upstream for /unheard-of/v1/chat/completions: begin the path with a "
        "provider's name (/openai/v1/…, /anthropic/v1/…), or say where the bare path goes with "
        "--upstream URL"
    )
    assert {name: message_of(reply) for name, reply in told.items()} == expected
    statuses = {name: 404 if name == "unheard-of" else 502 for name in expected}
    assert {name: reply.status for name, reply in told.items()} == statuses
    assert (finished.status, finished.errors) == (0, "")
    for message in expected.values():
        assert message in finished.output
    # What broke off is recorded as it was, and told.
    assert (short.status, short.body, short.ending) == (200, ANSWER.body, Ending.TRUNCATED)
    assert f"    {where} closed the connection in the middle of its answer\n" in finished.output


async def test_serving_knows_every_upstream_by_what_is_recorded(tmp_path: Path) -> None:
    place(tmp_path, {"good": GOOD})
    with Running("serve", cwd=tmp_path) as server:
        reply = await ask(server.url, "POST", "/unheard-of/v1/chat/completions", chat("a"))
    assert reply.status == 470
    assert message_of(reply).startswith(
        "llmreplay: no recording for POST /unheard-of/v1/chat/completions"
    )


MALFORMED: dict[bytes, tuple[int, str]] = {
    b"CONNECT pypi.org:443 HTTP/1.1\r\nHost: pypi.org:443\r\n\r\n": (
        403,
        (
            "pypi.org is no provider known here, and replay lets nothing out; "
            "to record and replay it: --allow-host pypi.org"
        ),
    ),
    b"CONNECT nowhere HTTP/1.1\r\n\r\n": (
        400,
        "CONNECT needs a host and a port, as in api.openai.com:443",
    ),
    b"nonsense\r\n\r\n": (400, "the request is not valid HTTP/1.1: Invalid method encountered"),
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n": (400, "the request is not valid HTTP/1.1: it is HTTP/2"),
    b"GET / HTTP/1.1\r\nbad header\r\n\r\n": (
        400,
        "the request is not valid HTTP/1.1: Invalid header token",
    ),
    b"GET / HTTP/1.1\r\nX: " + b"a" * 70_000 + b"\r\n\r\n": (
        431,
        (
            "a line of the request's head is longer than 65,536 bytes; raise limits.max_header in "
            "llmreplay.yaml"
        ),
    ),
    b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n": (
        400,
        "the request is not valid HTTP/1.1: Transfer-Encoding can't be present with Content-Length",
    ),
    b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nx-llmreplay-session: ../../etc\r\n\r\n": (
        400,
        (
            "'../../etc' cannot name a session: use letters, digits, '.', '_' and '-', up to 128, "
            "with no dot first"
        ),
    ),
}


async def test_malformed_requests_are_told_what_is_wrong(tmp_path: Path) -> None:
    place(tmp_path, {"good": GOOD})
    soon = {"LLMREPLAY_LIMITS_HEADER_TIMEOUT": "1s"}
    with Running("serve", cwd=tmp_path, env=soon) as server:
        for request, (status, message) in MALFORMED.items():
            answer = await _sent(server.url, request)
            assert answer.startswith(f"HTTP/1.1 {status} "), request[:40]
            assert f'"message":"llmreplay: {message}"' in answer
        assert (await post(server.url, b'{"model":"m"}')).status == 200
        finished = await stopped(server)
    assert (finished.status, finished.errors) == (0, "")
    assert "Traceback" not in finished.output


async def _sent(url: str, data: bytes) -> str:
    """All that comes back for `data`, which is answered with an end of the connection."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(data)
    try:
        async with asyncio.timeout(DEADLINE_S):
            return (await reader.read()).decode()
    finally:
        writer.close()
