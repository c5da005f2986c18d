"""`llmreplay env`, evaluated by the shells that it is for."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from llmreplay.environment.tables import PLACEHOLDER

if TYPE_CHECKING:
    from tests.cli.shell import Shell


@pytest.fixture(autouse=True)
def nothing_set(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user who has set nothing, and whose folder's name has to be quoted."""
    monkeypatch.setenv("XDG_DATA_HOME", str(shell.folder / "it's mine"))
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "NODE_OPTIONS", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


def evaluated(lines: str, *names: str, by: str = "sh") -> list[str]:
    """What a shell has in variables, once it has evaluated the lines."""
    shown = "; ".join(f'printenv "{name}"' for name in names)
    program = f"{lines}\n{shown}"
    return subprocess.check_output([by, "-c", program], encoding="utf-8").splitlines()  # noqa: S603  # a shell, for our own lines


def test_a_shell_that_evaluates_it_is_pointed_here(shell: Shell) -> None:
    said = shell.run("env", "--port", "9000")
    assert (said.status, said.err) == (0, "")
    proxy, base, bundle = evaluated(said.out, "https_proxy", "OPENAI_BASE_URL", "SSL_CERT_FILE")
    assert proxy == "http://127.0.0.1:9000"
    assert base == "http://127.0.0.1:9000/openai/v1"
    assert bundle.startswith(f"{shell.folder}/it's mine/llmreplay/ca/")
    assert "BEGIN CERTIFICATE" in (shell.folder / bundle).read_text()


@pytest.mark.skipif(shutil.which("fish") is None, reason="there is no fish here")
def test_fish_does_too(shell: Shell) -> None:
    lines = shell.run("env", "--shell", "fish").out
    (bundle,) = evaluated(lines, "SSL_CERT_FILE", by="fish")
    assert bundle.startswith(f"{shell.folder}/it's mine/llmreplay/ca/")


def test_fish_has_a_syntax_of_its_own(shell: Shell) -> None:
    lines = shell.run("env", "--shell", "fish").out.splitlines()
    assert "set -gx HTTPS_PROXY 'http://127.0.0.1:8787'" in lines
    assert all(line.startswith("set -gx ") for line in lines)
    assert any("it\\'s mine" in line for line in lines)


def test_a_session_is_in_both_kinds_of_address(shell: Shell) -> None:
    lines = shell.run("env", "--session", "checkout").out
    proxy, base = evaluated(lines, "HTTPS_PROXY", "OPENAI_BASE_URL")
    assert proxy == "http://checkout:none@127.0.0.1:8787"
    assert base == "http://127.0.0.1:8787/_s/checkout/openai/v1"


def test_keys_are_for_replaying(shell: Shell) -> None:
    assert "API_KEY" not in shell.run("env").out
    assert f"export OPENAI_API_KEY={PLACEHOLDER}\n" in shell.run("env", "--replaying").out


def test_every_line_is_one_export(shell: Shell) -> None:
    for line in shell.run("env", "--host", "::1", "--replaying").out.splitlines():
        word, pair = shlex.split(line)
        assert (word, "=" in pair) == ("export", True)


def test_a_name_that_no_session_has_is_told(shell: Shell) -> None:
    said = shell.run("env", "--session", "a/b")
    assert (said.status, said.out) == (2, "")
    assert said.err.startswith(
        "llmreplay: error: Invalid value for --session: "
        '"a/b" is no session name: letters, digits, ".", "_" and "-"\n'
    )
