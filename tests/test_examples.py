"""The examples do what their README says, with no network."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from llmreplay.cassettes import Library, dump, prove
from llmreplay.cassettes.contents import HEADER
from tests.scenarios.process import Running, environment

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
README = EXAMPLES / "README.md"
NODE_MODULES = ROOT / "tests" / "sdks" / "node_modules"
CASSETTES = [
    (folder, name)
    for folder in sorted(EXAMPLES.glob("*/cassettes"))
    for name in Library(folder).names()
]


def run(*command: str | Path, cwd: Path, env: dict[str, str] | None = None) -> str:
    """What `command` says; `llmreplay` is the one beside this interpreter."""
    beside = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(  # noqa: S603  # our own examples
        list(map(str, command)),
        cwd=cwd,
        env=environment(beside | (env or {})),
        check=False,
        capture_output=True,
        encoding="utf-8",
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(("folder", "name"), CASSETTES)
def test_their_cassettes_are_as_llmreplay_writes_them(folder: Path, name: str) -> None:
    library = Library(folder)
    assert prove(library, name) == ()
    written = HEADER + "".join(map(dump, library.exchanges(name)))
    assert library.path(name).read_text() == written


@pytest.mark.skipif(find_spec("openai") is None, reason="needs the openai package")
def test_python() -> None:
    told = run("pytest", "-q", "-p", "no:cacheprovider", "examples/python", cwd=ROOT)
    assert told.splitlines()[-1].startswith("2 passed")


@pytest.mark.skipif(find_spec("openai") is None, reason="needs the openai package")
def test_pytest() -> None:
    told = run("pytest", "-q", "-p", "no:cacheprovider", "examples/pytest", cwd=ROOT)
    assert told.splitlines()[-1].startswith("8 passed")
    assert "12 requests in 8 tests: 8 replayed, 4 answered by a fault" in told.splitlines()


@pytest.mark.skipif(
    find_spec("openai") is None or find_spec("anthropic") is None,
    reason="needs the openai and anthropic packages",
)
def test_behaviours() -> None:
    told = run("pytest", "-q", "-p", "no:cacheprovider", "examples/behaviours", cwd=ROOT)
    assert told.splitlines()[-1].startswith("31 passed")


def test_each_behaviour_of_the_list_has_its_test() -> None:
    listed = re.findall(r"`pytest (examples/behaviours/\S+)::(\w+)`", README.read_text())
    assert len(listed) == len(set(listed)) == 22
    lost = [name for file, name in listed if f"def {name}(" not in (ROOT / file).read_text()]
    assert lost == []


@pytest.mark.skipif(find_spec("openai") is None, reason="needs the openai package")
def test_application() -> None:
    told = run("pytest", "-q", "-p", "no:cacheprovider", "examples/application", cwd=ROOT)
    assert told.splitlines()[-1].startswith("4 passed")


@pytest.mark.skipif(
    shutil.which("node") is None or not (NODE_MODULES / "openai").exists(),
    reason="needs node, and the npm packages that `make sdks` installs",
)
def test_node(tmp_path: Path) -> None:
    folder = shutil.copytree(EXAMPLES / "node", tmp_path / "node")
    (folder / "node_modules").symlink_to(NODE_MODULES)
    with Running("serve", cwd=folder) as server:
        env = {"OPENAI_BASE_URL": f"{server.url}/openai/v1", "OPENAI_API_KEY": "none"}
        assert run("node", "app.mjs", cwd=folder, env=env) == "Salt, light, distance.\n"


@pytest.mark.skipif(
    shutil.which("node") is None or not (NODE_MODULES / "@anthropic-ai" / "sdk").exists(),
    reason="needs node, and the npm packages that `make sdks` installs",
)
def test_node_test(tmp_path: Path) -> None:
    folder = shutil.copytree(EXAMPLES / "node-test", tmp_path / "node-test")
    (folder / "node_modules").symlink_to(NODE_MODULES)
    told = run("node", "--test", "--test-reporter=tap", cwd=folder).splitlines()
    assert [line for line in told if line.startswith(("# pass", "# fail"))] == [
        "# pass 45",
        "# fail 0",
    ]


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_shell() -> None:
    stored = Library(EXAMPLES / "shell" / "cassettes").exchanges("kettle")[0].response.body
    assert run(EXAMPLES / "shell" / "ask.sh", cwd=ROOT).encode() == stored


def test_ci() -> None:
    workflow = yaml.safe_load((EXAMPLES / "ci" / "replay.yml").read_text())
    commands = [step["run"] for step in workflow["jobs"]["test"]["steps"] if "run" in step]
    assert commands[1:] == [
        "llmreplay check --cassettes examples/python/cassettes",
        "pytest examples/python",
    ]
    run(*commands[1].split(), cwd=ROOT)
