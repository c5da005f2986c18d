"""One session, as a test holds it: its addresses, rules, requests and verdict."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from llmreplay.dialects.providers import PROVIDERS
from llmreplay.environment.tables import BASE_URLS
from llmreplay.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmreplay.core.dialect import Json
    from llmreplay.replay.driven import Checked, Driven, Opened
    from llmreplay.replay.seen import Seen

__all__ = ["Session", "base_url"]


class Session:
    """A session by its name. `opened` is what is known of it if it was set up here."""

    def __init__(self, driven: Driven, name: str, opened: Opened | None = None) -> None:
        self.name = name
        self._driven = driven
        self._opened = opened

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
        own = os.environ if environ is None else environ
        return self._driven.environment(self.name, own, self._opened)

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
    """The base URL for an SDK of `provider` at `url`. Raises UsageError for an unknown name."""
    row = next((row for row in BASE_URLS if row.provider == provider), None)
    if row is None and provider not in PROVIDERS:
        raise UsageError(f'there is no provider "{provider}"; known are {", ".join(PROVIDERS)}')
    return f"{url}/{provider}{row.suffix if row is not None else ''}"
