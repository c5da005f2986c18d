"""`llmreplay demo`, as a newcomer runs it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from llmreplay.cli import demo
from llmreplay.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

SHOWN = """\
llmreplay records what passes between your code and an LLM provider,
and replays it: here with no key and no network.

$ llmreplay serve --timing recorded
llmreplay serve: http://127.0.0.1:PORT (2 cassettes, 4 exchanges)

1. An answer  Your client's base URL points at llmreplay; nothing else.
   POST /openai/v1/chat/completions  gpt-4o-mini
   > Why should a test replay what an LLM said?
   < Because a recorded answer is fast, free and the same every time, so a test
     that fails has found a change in your code and not in the weather.
   200 from chat#1, every byte as it was recorded

2. A stream  The same events, at the pace at which they were recorded.
   POST /openai/v1/chat/completions  gpt-4o-mini
   > Write a haiku about a recorded answer.
   < Said once, kept for good,
     each word returns on its beat;
     the wire is asleep.
   200 from chat#2, 25 events in SECONDS

3. An agent  A tool call, its result, and what the model makes of it.
   POST /anthropic/v1/messages  claude-sonnet-4-5
   > Do I need an umbrella in Lisbon?
   < Let me look at the sky.
     get_weather {"city": "Lisbon"}
   200 from weather#1, 14 events
   POST /anthropic/v1/messages  claude-sonnet-4-5
   > tool result: 17 degrees, light rain
   < Yes: it is 17 degrees with light rain in Lisbon, so take an umbrella ☂.
   200 from weather#2, 13 events

4. A miss  Now the tool says something that was never recorded.
   POST /anthropic/v1/messages  claude-sonnet-4-5
   > tool result: 31 degrees, clear sky
   < EXPLANATION
   470: no SDK retries it, and its exception shows this text

Now with your own code:
   llmreplay record -- python app.py   once, with the real key
   llmreplay serve -- python app.py    ever after: offline, free, the same
Any command will do. Without one, both go on until ^C, for a program that is
told where they are: OPENAI_BASE_URL=http://127.0.0.1:8787/openai/v1
"""


def run_demo(
    folder: Path, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "llmreplay", "demo"],
        cwd=folder,
        env=dict(os.environ) | {"COLUMNS": "80"} | dict(environ or {}),
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )


def test_it_shows_all_of_it_and_ends_by_itself(tmp_path: Path) -> None:
    # What is set where it runs is not for the demo.
    (tmp_path / "llmreplay.yaml").write_text("miss_status: 404\nport: 1")
    started = time.monotonic()
    finished = run_demo(tmp_path, {"LLMREPLAY_MATCH": "order", "http_proxy": "http://127.0.0.1:1"})
    assert (finished.returncode, finished.stderr) == (0, "")
    shown = re.sub(r"(?s)(?<=clear sky\n   < ).*?(?=\n   470: )", "EXPLANATION", finished.stdout)
    shown = re.sub(r"127.0.0.1:(?!8787)\d+", "127.0.0.1:PORT", shown)
    shown = re.sub(r"25 events in \d\.\d s", "25 events in SECONDS", shown)
    assert shown == SHOWN
    assert 'recorded "17 degrees, light rain", asked "31 degrees, clear sky"' in re.sub(
        r"\s+", " ", finished.stdout
    )
    assert time.monotonic() - started < 15


def test_cassettes_are_found_in_a_wheel_or_a_clone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert demo._cassettes() == Path(demo.__file__).parents[2] / "cassettes"
    packaged = tmp_path / "demo_cassettes"
    monkeypatch.setattr(demo, "_PACKAGED", packaged)
    packaged.mkdir()
    assert demo._cassettes() == packaged
    packaged.rmdir()
    monkeypatch.setattr(demo, "_IN_REPOSITORY", tmp_path / "cassettes")
    with pytest.raises(UsageError, match=r"cassettes are missing: .*; install llmreplay again"):
        demo._cassettes()
