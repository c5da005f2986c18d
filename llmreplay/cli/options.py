"""The flags that set settings, each written once, and the way from them to `Settings`.

A flag's value goes to `settings` as text: what it may be, and what is said if it is not, is the
same for flags, variables and the file.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmreplay.settings import Settings

__all__ = ["examples", "settings_flags", "settings_from"]

Function = TypeVar("Function", bound="Callable[..., Any]")


def _flag(
    name: str, help_text: str, metavar: str, *, multiple: bool = False
) -> Callable[[Function], Function]:
    return click.option(f"--{name}", metavar=metavar, help=help_text, multiple=multiple)


def _switch(name: str, help_text: str) -> Callable[[Function], Function]:
    # A switch that is not given is None, so that a variable or the file can set it.
    return click.option(f"--{name}", is_flag=True, default=None, help=help_text)


_FLAGS: dict[str, Callable[[Any], Any]] = {
    "upstream": _flag(
        "upstream",
        "What the bare path reaches; NAME=URL adds an upstream, or points a known one elsewhere. "
        "May be given several times.",
        "[NAME=]URL",
        multiple=True,
    ),
    "upstream_proxy": _flag(
        "upstream-proxy",
        "The proxy that leads to providers, in place of HTTPS_PROXY; none for a direct way.",
        "URL",
    ),
    "cassettes": _flag("cassettes", "The cassettes' folder.  [cassettes]", "DIR"),
    "cassette": _flag("cassette", "The cassette to record into.  [default]", "NAME"),
    "mode": _flag(
        "mode",
        "all: forward everything and replace what was recorded. new: forward only what has no "
        "recording. once: record a cassette that does not exist yet, else only replay.  [all]",
        "all|new|once",
    ),
    "fresh": _switch("fresh", "At the end, drop what the cassette holds and this run never saw."),
    "keep_errors": _switch(
        "keep-errors", "Keep transient errors (429, 5xx) even if a retry succeeded."
    ),
    "timing": _flag(
        "timing",
        "The pace of answers: instant, recorded, recorded*0.1 or ttft=300ms,tps=50,jitter=10ms."
        "  [instant]",
        "PACE",
    ),
    "overlay": _flag(
        "overlay",
        "A file of rules that inject faults. May be given several times; read again when changed.",
        "FILE",
        multiple=True,
    ),
    "on_miss": _flag(
        "on-miss",
        "What becomes of a request without a recording: fail explains it, record forwards and "
        "stores it, forward only forwards.  [fail]",
        "fail|record|forward",
    ),
    "after_last": _flag(
        "after-last",
        "What comes after the last recording of one request.  [repeat]",
        "repeat|fail|cycle",
    ),
    "match": _flag(
        "match",
        "exact: the same meaning. order: the n-th request to a path gets the n-th recording, "
        "differences are reported.  [exact]",
        "exact|order",
    ),
    "miss_status": _flag("miss-status", "The status of a miss.  [470]", "STATUS"),
    "seed": _flag("seed", "What jitter follows from.  [0]", "NUMBER"),
    "host": _flag("host", "The address to listen on.  [127.0.0.1]", "HOST"),
    "port": _flag("port", "The port to listen on; 0 takes a free one.  [8787]", "PORT"),
    "allow_remote": _switch("allow-remote", "Allow a --host that other machines can reach."),
    "allow_host": _flag(
        "allow-host",
        "Record and replay this host too when clients reach it through the proxy. May be given "
        "several times.",
        "HOST[:PORT]",
        multiple=True,
    ),
    "ca_dir": _flag("ca-dir", "The folder of the local CA.  [~/.local/share/llmreplay/ca]", "DIR"),
    "log_format": _flag("log-format", "json prints one object a line.  [text]", "text|json"),
    "quiet": _switch("quiet", "Print no line for requests that went well."),
    "report": _flag(
        "report",
        "At the end, write figures, misses and sessions of the run to FILE: JSON, or JUnit's XML "
        "if it ends with .xml.",
        "FILE",
    ),
    "config": _flag("config", "The settings file.  [llmreplay.yaml, if there is one]", "FILE"),
}


def settings_flags(*names: str) -> Callable[[Function], Function]:
    """The named flags, and `--config`, in this order."""

    def decorate(function: Function) -> Function:
        for name in reversed((*names, "config")):
            function = _FLAGS[name](function)
        return function

    return decorate


def settings_from(flags: dict[str, Any], **defaults: str) -> Settings:
    """`Settings` from a command's flags, the variables and the settings file.

    `defaults` are for what none of them sets.
    """
    from llmreplay.settings import load_settings

    config = flags.pop("config")
    return load_settings(flags=flags, environ=os.environ, config=config, defaults=defaults)


def examples(text: str) -> str:
    r"""An epilog that click leaves as it is: `\b` before each paragraph keeps its lines."""
    return "\n\n".join(f"\b\n{part}" for part in ("Examples:\n" + text).split("\n\n"))
