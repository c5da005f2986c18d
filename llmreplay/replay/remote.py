"""A server that runs elsewhere, by its control API: plain HTTP, past any proxy that is set."""

from __future__ import annotations

import base64
import http.client
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlencode, urlsplit

import orjson

from llmreplay.environment import Served, variables
from llmreplay.errors import CassetteError, UsageError
from llmreplay.replay.driven import Checked, Opened, scoped
from llmreplay.replay.seen import Seen
from llmreplay.service.hosts import authority_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llmreplay.core.dialect import Json
    from llmreplay.settings import Settings

__all__ = ["Remote"]

_PATIENCE_SECONDS = 30.0
_REPLAYING = frozenset({"replay"})
_PAGE = 1_000
_FIRST_ERROR = 400


class Remote:
    """The server at `url`; a proxy password stands in it as in a proxy's URL. Implements `Driven`.

    `settings` say where the CA is that the server uses too, if it is this machine's.
    """

    def __init__(self, url: str, settings: Settings) -> None:
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise UsageError(f'"{url}" is no address of a server: http://127.0.0.1:8787')
        self._host, self._port = parts.hostname, parts.port or 80
        self._password = unquote(parts.password or "")
        self._settings = settings
        self._rules: dict[str | None, list[str]] = {}
        shown = f"[{self._host}]" if ":" in self._host else self._host
        self.url = f"http://{shown}:{self._port}"

    def mode(self) -> str:
        """What the server does with sessions that nobody set up. Raises UsageError."""
        return str(self._ask("GET", "/health")["mode"])

    def saved(self) -> dict[str, Json]:
        """Tokens that replayed answers would have used up, and their price where it is known."""
        saved: dict[str, Json] = self._ask("GET", "/stats")["saved"]
        return saved

    def put(self, name: str, words: Mapping[str, Json]) -> Opened:
        """Set up a session."""
        info = self._ask("PUT", f"/sessions/{quote(name, safe='')}", words)
        return Opened(info["mode"] in _REPLAYING, tuple(info["missing"]))

    def end(self, name: str, *, keep: bool, fresh: bool = False) -> None:
        """Forget a session and its rules, close its recording."""
        given = urlencode({"keep": _flag(keep), "fresh": _flag(fresh)})
        try:
            self._ask("DELETE", f"/sessions/{quote(name, safe='')}?{given}", missing_ok=True)
        finally:
            for rule in self._rules.pop(name, []):
                self._ask("DELETE", f"/rules/{quote(rule, safe='')}", missing_ok=True)

    def reset(self, name: str) -> None:
        """Begin a session anew."""
        self._ask("POST", f"/sessions/{quote(name, safe='')}/reset", missing_ok=True)

    def verify(self, name: str) -> Checked:
        """What there is to say of a session so far."""
        told = self._ask("GET", f"/sessions/{quote(name, safe='')}/verify", missing_ok=True)
        if told is None:
            return Checked()
        return Checked(
            missed=told["missed"],
            explanations=tuple(miss["detail"] for miss in told["misses"]),
            unused=tuple(told["unused"]),
            live_calls=told["live_calls"],
            drifted=told["drifted"],
            fired=tuple(told["fired"].items()),
            never_fired=tuple(told["never_fired"]),
        )

    def requests(
        self,
        *,
        session: str | None = None,
        upstream: str | None = None,
        model: str | None = None,
        outcome: str | None = None,
    ) -> tuple[Seen, ...]:
        """The requests that came, oldest first; what is given are names or globs."""
        wanted = {"session": session, "upstream": upstream, "model": model, "outcome": outcome}
        given = {name: value for name, value in wanted.items() if value is not None}
        return tuple(_seen(entry) for entry in self._entries(given))

    def add_rule(self, session: str | None, rule: Mapping[str, Json]) -> None:
        """Lay one more rule over a session, or over all."""
        added = self._rules.setdefault(session, [])
        written = scoped(rule, session, len(added) + 1)
        self._ask("POST", "/rules", {"rules": [written]})
        added.append(written["name"])

    def environment(
        self, session: str | None, environ: Mapping[str, str], opened: Opened | None = None
    ) -> dict[str, str]:
        """What to set so that clients go there, into `session`; the CA is this machine's."""
        files = authority_of(self._settings).files()
        replaying = self.mode() in _REPLAYING if opened is None else opened.replaying
        served = Served(
            url=self.url,
            session=session,
            replaying=replaying,
            trust=files,
            password=self._password,
        )
        return variables(served, environ)

    def _entries(self, given: Mapping[str, str]) -> Iterator[Json]:
        after: int | None = 0
        while after is not None:
            query = urlencode({**given, "after": after, "limit": _PAGE, "requests": "true"})
            page = self._ask("GET", f"/journal?{query}")
            yield from page["entries"]
            after = page["next"]

    def _ask(self, method: str, path: str, body: Json = None, *, missing_ok: bool = False) -> Json:
        """The answer as JSON; None if there is no such thing and that is in order."""
        headers = {}
        if body is not None or method == "POST":
            headers["content-type"] = "application/json"
        if self._password:
            named = base64.b64encode(f"llmreplay:{self._password}".encode()).decode()
            headers["authorization"] = f"Basic {named}"
        data = orjson.dumps(body) if body is not None else None
        connection = http.client.HTTPConnection(self._host, self._port, timeout=_PATIENCE_SECONDS)
        try:
            connection.request(method, f"/_llmreplay{path}", data, headers)
            answer = connection.getresponse()
            status, told = answer.status, answer.read()
        except OSError as error:
            raise UsageError(f"no llmreplay answers at {self.url}: {error}") from error
        finally:
            connection.close()
        if status == http.client.NOT_FOUND and missing_ok:
            return None
        return _read(status, told, self.url)


def _read(status: int, told: bytes, url: str) -> Json:
    try:
        answer = orjson.loads(told)
    except orjson.JSONDecodeError as error:
        raise UsageError(f"what answers at {url} is no llmreplay of this version") from error
    if status >= _FIRST_ERROR:
        # Of what is asked here, only recordings that cannot be closed are a conflict.
        problem = CassetteError if status == http.client.CONFLICT else UsageError
        raise problem(str(answer.get("detail", f"status {status} of {url}")))
    return answer


def _flag(value: bool) -> str:  # noqa: FBT001  # a value that is spelled, no switch
    return "true" if value else "false"


def _seen(entry: Json) -> Seen:
    request = entry["request"] or {"headers": (), "text": "", "base64": None}
    coded = request["base64"]
    body = base64.b64decode(coded) if coded is not None else request["text"].encode()
    return Seen(
        method=entry["method"],
        path=entry["target"],
        headers=tuple((name, value) for name, value in request["headers"]),
        body=body,
        session=entry["session"],
        outcome=entry["outcome"],
        status=entry["status"],
        upstream=entry["upstream"],
        model=entry["model"],
        source=entry["source"],
        faults=tuple(entry["faults"]),
        drift=tuple(entry["drift"]),
        detail=entry["detail"],
    )
