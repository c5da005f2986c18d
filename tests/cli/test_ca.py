"""`llmreplay ca`, whole."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from llmreplay.certificates import Authority, intercepted

if TYPE_CHECKING:
    from tests.cli.shell import Shell


@pytest.fixture
def ours(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """The CA that the command is to show, to somebody who trusts no others."""
    for name in ("NODE_EXTRA_CA_CERTS", "DENO_CERT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(shell.folder / "my data"))
    return Authority(shell.folder / "my data" / "llmreplay" / "ca", intercepted((), ()))


def test_it_says_what_it_is_and_how_to_trust_it(shell: Shell, ours: Authority) -> None:
    said = shell.run("ca")

    assert (said.status, said.err) == (0, "")
    assert said.out == (
        "The local certificate authority\n"
        f"  file         {ours.files().ca}\n"
        f"  fingerprint  {ours.fingerprint}\n"
        f"  expires      {ours.expires:%Y-%m-%d}, and is made anew a week before that\n"
        f"  vouches for  {len(ours.constraints)} names: LLM providers, this machine, and the"
        " hosts of your settings\n"
        "\n"
        "Nothing trusts it unless told to. What `llmreplay record -- CMD` and `llmreplay serve --"
        " CMD` run\n"
        "is told so; for any other command:\n"
        '  (eval "$(llmreplay ca --env)"; CMD)\n'
    )


def test_scripts_get_one_thing_at_a_time(shell: Shell, ours: Authority) -> None:
    assert shell.run("ca", "--pem").out == ours.pem
    assert shell.run("ca", "--path").out == f"{ours.files().ca}\n"
    assert shell.run("ca", "--fingerprint").out == f"{ours.fingerprint}\n"


def test_lines_for_a_shell_make_clients_trust_it(shell: Shell, ours: Authority) -> None:
    lines = shell.run("ca", "--env").out

    assert f"export SSL_CERT_FILE='{ours.files().bundle}'\n" in lines
    assert re.findall(r"^export (\w+)=", lines, re.MULTILINE) == [
        "SSL_CERT_FILE",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
        "AWS_CA_BUNDLE",
        "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
        "NODE_EXTRA_CA_CERTS",
        "DENO_CERT",
    ]
    told = subprocess.run(  # noqa: S603  # what is printed is to be run
        ["/bin/sh", "-c", f'{lines}cat "$NODE_EXTRA_CA_CERTS"'],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert told == ours.pem


def test_what_the_user_has_added_stays_trusted(
    shell: Shell, ours: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = shell.folder / "own.pem"
    own.write_text(ours.pem)
    monkeypatch.setenv("NODE_EXTRA_CA_CERTS", str(own))

    lines = shell.run("ca", "--env").out

    assert f"export NODE_EXTRA_CA_CERTS='{ours.files().bundle}'\n" in lines
    assert f"export DENO_CERT='{ours.files().ca}'\n" in lines


@pytest.mark.parametrize(
    "flags",
    [("--allow-host", "gateway.example:8443"), ("--upstream", "corp=https://gateway.example/v1")],
)
@pytest.mark.usefixtures("ours")
def test_hosts_of_the_settings_have_a_ca_of_their_own(shell: Shell, flags: tuple[str, str]) -> None:
    assert shell.run("ca", "--path", *flags).out != shell.run("ca", "--path").out


def test_a_folder_in_a_project_is_refused(shell: Shell) -> None:
    (shell.folder / ".git").mkdir()
    said = shell.run("ca", "--ca-dir", "keys")

    assert (said.status, said.out) == (2, "")
    assert said.err == (
        f"llmreplay: error: the local CA must not be kept in {shell.folder}/keys: it is in the"
        f" project {shell.folder}, and the CA's key would be too; give another folder with"
        " --ca-dir or LLMREPLAY_CA_DIR, or none for the one of your own\n"
    )
