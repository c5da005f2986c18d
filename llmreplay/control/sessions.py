"""Operations on sessions: list, set up, read, reset, judge, end."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from llmreplay.control.answers import PROBLEM, Answer, ProblemError, ok
from llmreplay.control.operations import SESSION_NAME, Operation, Parameter, Returns, one_of
from llmreplay.control.schemas import ref
from llmreplay.control.setups import read_setup, setup_shown
from llmreplay.errors import CassetteError, UsageError

if TYPE_CHECKING:
    from llmreplay.control.operations import Asked
    from llmreplay.core.dialect import Json
    from llmreplay.session import ClosedTake, SessionInfo, Sessions, Verdict

__all__ = ["session_operations", "verdict_shown"]

_FLAG = {"enum": ["true", "false"]}
_PREFIX = Parameter("prefix", "Those whose names begin so.", {"type": "string"})
_KEEP = Parameter(
    "keep",
    "false: what it recorded is taken back, and its cassette is as it was before.",
    {**_FLAG, "default": "true"},
    one_of("true", "false"),
)
_FRESH = Parameter(
    "fresh",
    "true: what its cassette has and was not recorded this time goes as well.",
    {**_FLAG, "default": "false"},
    one_of("true", "false"),
)
_GONE = Returns("There is no such session.", ref("Problem"), PROBLEM)
_WRONG = Returns("It cannot be set up so; every mistake is told.", ref("Problem"), PROBLEM)
_UNSAVED = Returns("What it recorded could not be saved.", ref("Problem"), PROBLEM)
_SESSION = Returns("The session.", ref("Session"))
_ENDED = Returns("They are gone.", ref("Ended"))


def session_operations(sessions: Sessions[Any]) -> tuple[Operation, ...]:
    """What one can do with sessions."""
    found = _Api(sessions)
    return (
        Operation("GET", "/sessions", "The names of all sessions", found.names,
                  {200: Returns("They are sorted.", ref("Sessions"))}, (_PREFIX,)),
        Operation("DELETE", "/sessions", "End all sessions whose names begin so", found.end_all,
                  {200: _ENDED, 409: _UNSAVED},
                  (replace(_PREFIX, required=True), _KEEP, _FRESH)),
        Operation("PUT", "/sessions/{name}", "Set up a session, in place of any of this name",
                  found.put, {200: _SESSION, 422: _WRONG}, (SESSION_NAME,),
                  takes=ref("Setup"),
                  example={"cassettes": ["checkout/*"], "mode": "replay", "after_last": "fail"}),
        Operation("GET", "/sessions/{name}", "A session as it is", found.get,
                  {200: _SESSION, 404: _GONE}, (SESSION_NAME,)),
        Operation("DELETE", "/sessions/{name}", "End a session, and save what it recorded",
                  found.end, {200: _ENDED, 404: _GONE, 409: _UNSAVED},
                  (SESSION_NAME, _KEEP, _FRESH)),
        Operation("POST", "/sessions/{name}/reset",
                  "Begin a session anew: its place in each sequence, its counts", found.reset,
                  {200: _SESSION, 404: _GONE}, (SESSION_NAME,)),
        Operation("GET", "/sessions/{name}/verify", "What there is to say of it at its end",
                  found.verify, {200: Returns("The verdict.", ref("Verdict")), 404: _GONE},
                  (SESSION_NAME,)),
    )  # fmt: skip


class _Closed(NamedTuple):
    """What became of the recording of a session."""

    session: str
    take: ClosedTake

    @property
    def shown(self) -> dict[str, Json]:
        take = self.take
        return {
            "session": self.session,
            "new": take.new,
            "replaced": take.replaced,
            "unchanged": take.unchanged,
            "dropped": take.dropped,
        }


class _Api:
    def __init__(self, sessions: Sessions[Any]) -> None:
        self._sessions = sessions

    async def names(self, asked: Asked) -> Answer:
        return ok({"sessions": self._beginning(asked.query.get("prefix", ""))})

    async def put(self, asked: Asked) -> Answer:
        setup = read_setup(asked.body)
        try:
            return ok(_shown(await self._sessions.put(asked.names["name"], setup)))
        except (UsageError, CassetteError) as error:
            raise ProblemError(422, str(error)) from error

    async def get(self, asked: Asked) -> Answer:
        info = self._sessions.get(asked.names["name"])
        if info is None:
            raise _unknown()
        return ok(_shown(info))

    async def reset(self, asked: Asked) -> Answer:
        self._sessions.reset(asked.names["name"])
        return await self.get(asked)

    async def verify(self, asked: Asked) -> Answer:
        verdict = self._sessions.verify(asked.names["name"])
        if verdict is None:
            raise _unknown()
        return ok(verdict_shown(verdict))

    async def end(self, asked: Asked) -> Answer:
        name = asked.names["name"]
        if self._sessions.get(name) is None:
            raise _unknown()
        return await self._end([name], asked)

    async def end_all(self, asked: Asked) -> Answer:
        return await self._end(self._beginning(asked.query["prefix"]), asked)

    async def _end(self, names: list[str], asked: Asked) -> Answer:
        """End them all, whatever becomes of any one of them."""
        keep = asked.query.get("keep") != "false"
        fresh = asked.query.get("fresh") == "true"
        deleted, closed, wrong = 0, list[_Closed](), list[str]()
        for name in names:
            try:
                ended = await self._sessions.end(name, keep=keep, fresh=fresh)
            except (UsageError, CassetteError) as error:
                wrong.append(str(error))
                continue
            deleted += ended.existed
            if ended.closed is not None:
                closed.append(_Closed(name, ended.closed))
        if wrong:
            raise ProblemError(409, "\n".join(wrong))
        return ok({"deleted": deleted, "closed": [one.shown for one in closed]})

    def _beginning(self, prefix: str) -> list[str]:
        return [name for name in self._sessions.names() if name.startswith(prefix)]


def _unknown() -> ProblemError:
    return ProblemError(404, "there is no such session; one is there from its first request on")


def _shown(info: SessionInfo) -> dict[str, Json]:
    return {
        "name": info.name,
        "configured": info.configured,
        **setup_shown(info.setup),
        "missing": info.missing,
        "age_s": round(info.age_s, 3),
        "idle_s": round(info.idle_s, 3),
        "outcomes": {str(outcome): count for outcome, count in info.tally.items()},
    }


def verdict_shown(verdict: Verdict) -> dict[str, Json]:
    """A verdict as JSON."""
    return {
        "missed": verdict.missed,
        "misses": [
            {
                "method": entry.method,
                "target": entry.target,
                "model": entry.model,
                "detail": entry.detail,
            }
            for entry in verdict.misses
        ],
        "unused": [recording.source for recording in verdict.unused],
        "live_calls": verdict.live_calls,
        "drifted": verdict.drifted,
        "drift": [
            {
                "method": entry.method,
                "target": entry.target,
                "source": entry.source,
                "differs": entry.drift,
            }
            for entry in verdict.drift
        ],
        "fired": dict(verdict.fired),
        "never_fired": verdict.never_fired,
        "not_done": verdict.not_done,
    }
