"""One session, as a test holds it: its addresses, rules, requests and verdict."""

from __future__ import annotations

import os
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from llmreplay.dialects.providers import PROVIDERS
from llmreplay.environment.tables import BASE_URLS
from llmreplay.errors import UsageError
from llmreplay.replay.application import Application, Applications

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from llmreplay.core.dialect import Json
    from llmreplay.replay.application import Health
    from llmreplay.replay.driven import Checked, Driven, Opened
    from llmreplay.replay.seen import Seen

__all__ = ["Session", "base_url"]

_CLOSE: Final = 0.75


class Session:
    """A session by its name. `opened` is what is known of it if it was set up here.

    `environ` gives the variables of this process as they are without it.
    """

    def __init__(
        self,
        driven: Driven,
        name: str,
        opened: Opened | None = None,
        environ: Callable[[], Mapping[str, str]] = lambda: os.environ,
    ) -> None:
        self.name = name
        self.applications = Applications()
        """What was started in it so far."""
        self._driven = driven
        self._opened = opened
        self._environ = environ

    @property
    def url(self) -> str:
        """What goes before a provider's name in base URLs of this session."""
        return f"{self._driven.url}/_s/{self.name}"

    def base_url(self, provider: str) -> str:
        """The base URL that the SDK of `provider` (`openai`, `anthropic`, …) is to be given."""
        return base_url(self.url, provider)

    def env(self, environ: Mapping[str, str] | None = None) -> dict[str, str]:
        """The variables that lead a program's requests into this session, to set beside its own.

        `environ` is the program's environment without them; this process's own if not given.
        """
        own = self._environ() if environ is None else environ
        return self._driven.environment(self.name, own, self._opened)

    def start(  # noqa: PLR0913  # all that a program is started with
        self,
        command: Sequence[str | Path],
        *,
        health: Health = None,
        env: Mapping[str, str | None] | None = None,
        cwd: str | Path | None = None,
        timeout_seconds: float = 30.0,
        grace_seconds: float = 5.0,
    ) -> Application:
        """Start the application under test, its requests led here; return once it is healthy.

        In `command` and `env`, `{port}` is its port, which it finds in the variable PORT as well.
        `health` is a path that is answered with 2xx or 3xx, or what is given the application and
        says whether it is (an exception is a no); without it, its port is to be listened on.
        `env` are more variables, or None for those that it is not to have. It ends with its
        `with` block, by `stop()`, or with this session: asked by SIGTERM, after `grace_seconds`
        made to; with all that it has started; also when this process is killed.

        Raises:
            UsageError: it cannot be started, has ended, or is not healthy after `timeout_seconds`.
                In it is what the application has printed, and nothing of it is left.
        """
        __tracebackhide__ = True
        environ = self._environ()
        started = Application(
            command, {**environ, **self.env(environ)}, env, cwd=cwd, grace_seconds=grace_seconds
        )
        return self.applications.start(started, health, timeout_seconds)

    def requests(
        self,
        *,
        upstream: str | None = None,
        model: str | None = None,
        outcome: str | None = None,
    ) -> tuple[Seen, ...]:
        """The requests so far, oldest first. `upstream` and `model` are names or globs."""
        return self._driven.requests(
            session=self.name, upstream=upstream, model=model, outcome=outcome
        )

    @property
    def last_request(self) -> Seen:
        """The last request that came. Raises UsageError if there was none."""
        requests = self.requests()
        if not requests:
            raise UsageError(f"no request has come in session {self.name}")
        return requests[-1]

    def add_rule(
        self, fault: Json, *, match: Json = None, when: Json = None, name: str | None = None
    ) -> None:
        """Lay one more rule over this session from now on, as it is written in an overlay file.

        Raises:
            UsageError: what is wrong in it.
        """
        given = {"name": name, "match": match, "when": when, "fault": fault}
        rule = {key: value for key, value in given.items() if value is not None}
        self._driven.add_rule(self.name, rule)

    def verify(self) -> Checked:
        """What there is to say so far."""
        return self._driven.verify(self.name)

    def reset(self) -> None:
        """Begin anew: every sequence from its first recording, and nothing counted."""
        self._driven.reset(self.name)


def base_url(url: str, provider: str) -> str:
    """The base URL for an SDK of `provider`, or for an upstream of the user's own, at `url`.

    Raises UsageError for what looks like a slip of the keyboard. What else is unknown says the
    server when it is asked.
    """
    row = next((row for row in BASE_URLS if row.provider == provider), None)
    if row is None and provider not in PROVIDERS:
        close = get_close_matches(provider, PROVIDERS, n=1, cutoff=_CLOSE)
        if close:
            raise UsageError(f'there is no provider "{provider}"; did you mean "{close[0]}"?')
    return f"{url}/{provider}{row.suffix if row is not None else ''}"
