"""A disk that fills up while it is recorded to: a file system of 64 KiB, as small as they come."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.fakes.origin import Origin
from tests.scenarios.conversing import chat, files_of, post, replied, script, stopped, streamed
from tests.scenarios.process import Running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.corpus.client import Received

WORDS = [f"word {n} of many " * 20 for n in range(60)]
REPLIES = {
    "old": replied("An answer from before the disk was full. " * 200),
    "small": replied("A small answer."),
    "large": streamed(*WORDS * 4),
    "half": streamed(*WORDS),
}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system of its own, which holds 64 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("only root on Linux can mount a tmpfs")
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "llmreplay-test", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)  # noqa: S603  # ours
    if done.returncode != 0:
        pytest.skip(f"no tmpfs can be mounted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)  # noqa: S603, S607  # what was mounted


async def record(disk: Path, *questions: str) -> tuple[list[Received], int, list[str]]:
    """What the client got, the exit status, and what was said but the address."""
    async with Origin(script(REPLIES)) as origin:
        upstream = f"--upstream=openai={origin.url}"
        with Running("record", upstream, "--cassettes", disk, "--quiet") as recorder:
            replies = [await post(recorder.url, chat(question)) for question in questions]
            finished = await stopped(recorder)
    assert finished.errors == ""
    told = re.sub(r"\d+\.\dms", "TIME", finished.output).splitlines()
    return replies, finished.status, told[1:]


async def replay(disk: Path, *questions: str) -> list[tuple[int, bytes]]:
    with Running("serve", "--cassettes", disk) as server:
        replies = [await post(server.url, chat(question)) for question in questions]
        finished = await stopped(server)
    assert finished.errors == ""
    return [(reply.status, reply.body) for reply in replies]


def not_recorded(disk: Path) -> list[str]:
    """What is said of a request whose exchange does not fit."""
    why = "an exchange could not be recorded: No space left on device"
    remedy = "The cassette is as it was before; make room, and record again"
    return [
        "failed 200 openai gpt-4o-mini POST /v1/chat/completions TIME -",
        f"    not recorded: {disk}/default.yaml: {why}. {remedy}",
    ]


def not_closed(disk: Path) -> str:
    """What is said of a take that cannot be closed."""
    return (
        f"llmreplay record: warning: {disk}/default.yaml: the take could not be closed: No space "
        "left on device. All exchanges are in the file as they were appended, and it can be "
        "replayed; the next recording into it will tidy it up"
    )


async def test_what_does_not_fit_leaves_the_cassette_as_it_was(disk: Path) -> None:
    await record(disk, "old")
    before = files_of(disk)
    replies, status, told = await record(disk, "large")
    assert [REPLIES["large"].body] == [reply.body for reply in replies]
    assert told == [
        *not_recorded(disk),
        f"llmreplay record: {disk}/default.yaml: nothing recorded",
        "llmreplay record: 1 request: 1 failed",
    ]
    assert status == 1
    assert before == files_of(disk)


async def test_after_what_does_not_fit_what_fits_is_recorded(disk: Path) -> None:
    await record(disk, "old")
    names = ("large", "small", "large", "old")
    replies, status, told = await record(disk, *names)
    assert [REPLIES[name].body for name in names] == [reply.body for reply in replies]
    assert told[:4] == not_recorded(disk) * 2
    assert told[-1] == "llmreplay record: 4 requests: 2 recorded, 2 failed"
    assert status == 1
    assert await replay(disk, "old", "small") == [(200, REPLIES[n].body) for n in ("old", "small")]


async def test_where_closing_does_not_fit_all_is_kept_as_it_was_appended(disk: Path) -> None:
    await record(disk, "old")
    replies, status, told = await record(disk, "half")
    assert [REPLIES["half"].body] == [reply.body for reply in replies]
    assert told == [not_closed(disk), "llmreplay record: 1 request: 1 recorded"]
    assert status == 1
    assert files_of(disk).keys() == {"default.yaml"}
    assert await replay(disk, "old", "half") == [(200, REPLIES[n].body) for n in ("old", "half")]


async def test_a_new_cassette_on_a_full_disk_leaves_nothing(disk: Path) -> None:
    (disk / "filler").write_bytes(bytes(os.statvfs(disk).f_bavail * os.statvfs(disk).f_bsize))
    replies, status, told = await record(disk, "small")
    assert [REPLIES["small"].body] == [reply.body for reply in replies]
    assert told[:2] == not_recorded(disk)
    assert status == 1
    assert files_of(disk).keys() == {"filler"}
