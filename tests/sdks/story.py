"""Plays a language's scenarios through `llmreplay record`, then through `llmreplay serve`.

The fake provider never answers twice alike, and is gone when the replay begins: what is equal
after that came from the cassette.
"""

from __future__ import annotations

import secrets
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.fakes.provider import FakeProvider
from tests.scenarios.process import Finished, Running, environment
from tests.sdks.comparison import Given, read

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["HERE", "RUNNERS", "Story", "tell"]

HERE = Path(__file__).parent
RUNNERS = {
    "python": [sys.executable, "-m", "tests.sdks.runner"],
    "node": ["node", str(HERE / "runner.mjs")],
}
RUNNER_DEADLINE_S = 90
"""Ten times what it takes on two idle cores: a runner that still runs then, hangs."""


@dataclass(frozen=True, slots=True)
class Story:
    """A recording and its replay: what the SDKs were given, and what llmreplay wrote."""

    recorded: dict[str, Given]
    replayed: dict[str, Given]
    cassettes: str
    recorder: Finished
    replayer: Finished
    log: list[dict[str, Any]]
    """The replayer's lines, one a request."""


def tell(
    language: str,
    folder: Path,
    *,
    groups: Sequence[str],
    replay_groups: Sequence[str] = (),
    record: Sequence[str] = (),
    serve: Sequence[str] = (),
) -> Story:
    """Records `groups`; replays them and then `replay_groups`; with the flags that are given."""
    common = ["--cassettes", str(folder), "--log-format", "json"]
    with FakeProvider() as provider:
        flags = ["--upstream", f"openai={provider.openai_url}"]
        flags += ["--upstream", f"anthropic={provider.anthropic_url}"]
        with Running("record", *common, *flags, *record) as recorder:
            recorded = play(language, recorder, *groups)
            recorder_end = recorder.stop()
    with Running("serve", *common, *serve) as replayer:
        replayed = play(language, replayer, *groups, *replay_groups)
        replayer_end = replayer.stop()
        log = [line for line in replayer.log() if line.get("event") == "request"]
    texts = [path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.yaml"))]
    return Story(recorded, replayed, "".join(texts), recorder_end, replayer_end, log)


def play(language: str, replay: Running, *groups: str) -> dict[str, Given]:
    """Runs the scenarios of `groups` against a running llmreplay, with a key of its own."""
    flags = ["--openai", f"{replay.url}/openai/v1", "--anthropic", f"{replay.url}/anthropic"]
    for group in groups:
        flags += ["--group", group]
    # Made anew for each run: a replay must not need the key that recorded.
    key = f"sk-proj-{secrets.token_urlsafe(48)}"
    with subprocess.Popen(  # noqa: S603  # our own runners
        [*RUNNERS[language], *flags],
        env=environment({"SDK_KEY": key}),
        cwd=HERE.parent.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as runner:
        hung = threading.Timer(RUNNER_DEADLINE_S, runner.kill)
        hung.start()
        output, errors = runner.communicate()
        hung.cancel()
    if runner.returncode:
        done = list(read(output))
        raise AssertionError(
            f"the {language} runner ended with {runner.returncode} after {done[-1:]}; "
            f"llmreplay: {replay.process.poll() or 'runs'}\n{errors}\n{replay.lines()[-5:]}"
        )
    return read(output)
