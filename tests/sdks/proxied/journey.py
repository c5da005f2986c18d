"""Runs a program under `llmreplay record -- …`, and again under `llmreplay serve -- …`.

The stand-ins for the providers are gone when the replay begins, and so are all keys: a program
that needs one finds what `serve` gives it.
"""

from __future__ import annotations

import json
import secrets
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.fakes.provider_bedrock import ACCESS_KEY, SECRET_KEY
from tests.fakes.providers import FakeProviders
from tests.scenarios.process import command, environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["HERE", "Ended", "Journey", "travel", "without_keys"]

HERE = Path(__file__).parent
_ROOT = HERE.parents[2]
_DEADLINE_S = 100.0


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that is over: what each client was given, and llmreplay's lines, one a request."""

    status: int
    shown: dict[str, list[Any]]
    requests: list[dict[str, Any]]
    errors: str


@dataclass(frozen=True, slots=True)
class Journey:
    """A recording and its replay, and the cassettes between them."""

    recorded: Ended
    replayed: Ended
    cassettes: str


def travel(program: Sequence[str], folder: Path) -> Journey:
    """Both runs of `program`, with everything that they write below `folder`."""
    flags = ["--cassettes", str(folder / "cassettes"), "--log-format", "json"]
    clean = without_keys() | {"HOME": str(folder)}
    with FakeProviders() as providers:
        line = command("record", *flags, *providers.upstreams(), "--", *program)
        recorded = _run(line, clean | _keys())
    replayed = _run(command("serve", *flags, "--", *program), clean)
    texts = [path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.yaml"))]
    return Journey(recorded, replayed, "".join(texts))


def without_keys() -> dict[str, str]:
    """This process's environment, less whatever an SDK would read in it."""
    return {
        name: value
        for name, value in environment().items()
        if not name.startswith(("AWS_", "GOOGLE_", "XDG_"))
        and not name.endswith(("_API_KEY", "_BASE_URL"))
    } | {"AWS_EC2_METADATA_DISABLED": "true", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}


def _keys() -> dict[str, str]:
    """Made anew for each run: a replay must not need the key that recorded."""
    names = ("OPENAI", "ANTHROPIC", "GEMINI", "MISTRAL", "CO", "COHERE", "GROQ")
    made = {f"{name}_API_KEY": f"sk-proj-{secrets.token_urlsafe(48)}" for name in names}
    aws = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}
    return made | aws | {"AWS_REGION": "us-east-1"}


def _run(line: Sequence[str], env: Mapping[str, str]) -> Ended:
    done = subprocess.run(  # noqa: S603  # our own command
        line,
        env=env,
        cwd=_ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=_DEADLINE_S,
        check=False,
    )
    told = _objects(done.stdout)
    log = _objects(done.stderr)
    return Ended(
        status=done.returncode,
        shown={line["client"]: line["shown"] for line in told if "client" in line},
        requests=[line for line in log if line.get("event") == "request"],
        errors=done.stderr,
    )


def _objects(output: str) -> list[dict[str, Any]]:
    # Not splitlines: the texts hold U+2028, which is no end of a line in JSON.
    return [json.loads(line) for line in output.split("\n") if line.startswith("{")]
