"""`llmreplay ca`: the local CA, for those who want a program to trust it, or to know what it is."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from llmreplay.cli.options import examples, settings_flags, settings_from

if TYPE_CHECKING:
    from llmreplay.certificates import Authority
    from llmreplay.settings import Flag

EXAMPLES = """\
  llmreplay ca
      Where it is, and how to trust it.

  (eval "$(llmreplay ca --env)"; python app.py)
      Trust it for one command.

  llmreplay ca --pem > llmreplay-ca.pem
      The certificate, for a container or another machine."""


@click.command(epilog=examples(EXAMPLES))
@settings_flags("ca_dir", "allow_host", "upstream")
@click.option("--pem", "show", flag_value="pem", help="Print the certificate.")
@click.option("--path", "show", flag_value="path", help="Print the path of its file.")
@click.option("--fingerprint", "show", flag_value="fingerprint", help="Print its SHA-256.")
@click.option(
    "--env", "show", flag_value="env", help="Print lines for a shell, which make clients trust it."
)
def ca(show: str | None, **flags: Flag | None) -> int:
    """Show the local certificate authority (CA), by which clients trust this proxy.

    It is made on first use and vouches for LLM providers and the hosts of your settings alone. It
    is never installed anywhere: a program trusts it if its environment says so.
    """
    settings = settings_from(flags)
    from llmreplay.service.hosts import authority_of

    sys.stdout.write(_shown(authority_of(settings), show))
    return 0


def _shown(authority: Authority, what: str | None) -> str:
    match what:
        case "pem":
            return authority.pem
        case "path":
            return f"{authority.files().ca}\n"
        case "fingerprint":
            return f"{authority.fingerprint}\n"
        case "env":
            return _lines(authority)
        case _:
            return _told(authority)


def _lines(authority: Authority) -> str:
    """The variables that name our files, of all that are set for a command."""
    from llmreplay.environment import Served, shell_lines, variables

    files = authority.files()
    served = Served(
        url="http://127.0.0.1",
        session=None,
        replaying=False,
        trust=files,
    )
    ours = {str(files.ca), str(files.bundle)}
    chosen = variables(served, os.environ).items()
    return shell_lines({name: value for name, value in chosen if value in ours}, "posix")


def _told(authority: Authority) -> str:
    return (
        "The local certificate authority\n"
        f"  file         {authority.files().ca}\n"
        f"  fingerprint  {authority.fingerprint}\n"
        f"  expires      {authority.expires:%Y-%m-%d}, and is made anew a week before that\n"
        f"  vouches for  {len(authority.constraints)} names: LLM providers, this machine, and the"
        " hosts of your settings\n"
        "\n"
        "Nothing trusts it unless told to. What `llmreplay record -- CMD` and `llmreplay serve --"
        " CMD` run\n"
        "is told so; for any other command:\n"
        '  (eval "$(llmreplay ca --env)"; CMD)\n'
    )
