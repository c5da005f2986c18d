"""Processes with SDKs in them, which are told what to ask, line by line."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.scenarios.process import environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.sdks.faults.asking import Job

__all__ = ["LITELLM", "PROGRAMS", "Process", "Program"]

_HERE = Path(__file__).parent
_ROOT = _HERE.parents[2]
LITELLM = _ROOT / ".venv-litellm" / "bin" / "python"


@dataclass(frozen=True, slots=True)
class Program:
    """A command, and the SDKs that its process has."""

    command: tuple[str, ...]
    sdks: tuple[str, ...]


def _python(interpreter: Path | str, *modules: str) -> tuple[str, ...]:
    return (str(interpreter), "-m", "tests.sdks.faults.program", *modules)


# Divided so that two cores have about the same to do.
PROGRAMS = (
    Program(
        _python(sys.executable, "sdk_openai", "sdk_groq"), ("openai", "openai responses", "groq")
    ),
    Program(
        _python(sys.executable, "sdk_anthropic", "sdk_mistral", "sdk_cohere"),
        ("anthropic", "mistralai", "cohere"),
    ),
    Program(
        _python(sys.executable, "sdk_google", "sdk_boto3", "sdk_ollama"),
        ("google-genai", "google-genai, 3 attempts", "boto3", "ollama"),
    ),
    Program(_python(LITELLM, "sdk_litellm"), ("litellm to OpenAI", "litellm to Anthropic")),
    Program(("node", str(_HERE / "program.mjs")), ("npm openai", "npm @anthropic-ai/sdk")),
)


class Process:
    """A running program. What it heard is in `heard`, by case and SDK."""

    def __init__(self, program: Program, trust: Mapping[str, str]) -> None:
        self.sdks = program.sdks
        self.heard: dict[tuple[str, str], Any] = {}
        self._asked: dict[tuple[str, str], bool] = {}
        self._changed = threading.Condition()
        self._process = subprocess.Popen(  # noqa: S603  # our own programs
            program.command,
            cwd=_ROOT,
            env=_without_settings() | dict(trust),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def ask(self, jobs: Sequence[Job]) -> None:
        """Has it do `jobs`, and does not wait for them."""
        assert self._process.stdin is not None
        self._asked |= {(job.case, job.sdk): job.may_hang for job in jobs}
        for job in jobs:
            self._process.stdin.write(json.dumps(asdict(job)) + "\n")
        self._process.stdin.flush()

    def wait(self, until: float, *, whole: bool = True) -> None:
        """Until all is heard, or it is `until` on `time.monotonic`.

        What may hang is not waited for, unless it need not be `whole`.
        """
        needed = {key for key, may_hang in self._asked.items() if not (whole and may_hang)}
        with self._changed:
            self._changed.wait_for(
                lambda: needed <= set(self.heard), max(0.0, until - time.monotonic())
            )
        missing = sorted(needed - set(self.heard))
        if whole and missing:
            raise AssertionError(f"not done in time: {missing}")

    def end(self) -> None:
        """Nothing more is to be done."""
        self._process.kill()
        self._process.wait()
        self._reader.join()
        assert self._process.stdin is not None
        self._process.stdin.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as output:
            for line in output:
                if not line.startswith("{"):  # litellm has things to say
                    continue
                told = json.loads(line)
                with self._changed:
                    self.heard[told["case"], told["sdk"]] = told["heard"]
                    self._changed.notify_all()


def _without_settings() -> dict[str, str]:
    """This process's environment, less whatever an SDK would read in it."""
    kept = {
        name: value
        for name, value in environment().items()
        if not name.startswith(("AWS_", "GOOGLE_")) and not name.endswith(("_API_KEY", "_BASE_URL"))
    }
    return kept | {"AWS_EC2_METADATA_DISABLED": "true", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
