"""What calls mean: worked out once for request bytes that come again, in whichever session.

`answering` asks; sessions that replay from the same cassettes share one, and it goes with the
last of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING

from llmreplay.core.hosts import Verdict, Way
from llmreplay.core.redaction import CREDENTIAL_HEADERS, Redactor
from llmreplay.core.routing import SESSION_PREFIX, address_of
from llmreplay.session.calls import SESSION_HEADER, Call, decoded, shown
from llmreplay.session.memory import Memory
from llmreplay.session.understanding import Understood, model_of, understand

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmreplay.core.canonical import MatchSettings
    from llmreplay.core.exchange import Request
    from llmreplay.core.hosts import Hosts
    from llmreplay.core.routing import Reading
    from llmreplay.core.tape import Asked

__all__ = ["Key", "Meaning", "Meanings"]

_KNOWN_BYTES = 64 * 2**20
_MEANINGFUL_HEADERS = CREDENTIAL_HEADERS | {
    "content-type",
    "content-encoding",
    "anthropic-version",
}
"""Headers that can change what a request means, or how it is redacted."""
_INTERCEPT = Verdict(Way.INTERCEPT)

Key = tuple[object, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Meaning:
    """What request bytes mean. `asked` has one for each of the readings, if they are sought."""

    readings: tuple[Reading, ...]
    asked: tuple[Asked, ...]
    ids: tuple[str, ...]
    told: Callable[[], tuple[str, str | None]]
    """Target and model as a log may have them; worked out when first asked for, and kept."""
    passed_by: bool
    """Whether it is for a host that is none of ours."""


class Meanings:
    """Meanings by request bytes, while there is room. `seeks` says if recordings are looked for."""

    def __init__(
        self, hosts: Hosts, match: MatchSettings, *, max_decoded_bytes: int, seeks: bool
    ) -> None:
        self.hosts = hosts
        self._match = match
        self._max_decoded_bytes = max_decoded_bytes
        self.seeks = seeks
        self._known: Memory[Key, Meaning] = Memory(max_bytes=_KNOWN_BYTES)
        self._meaningful = _MEANINGFUL_HEADERS | match.header_names | {SESSION_HEADER}

    def key(self, call: Call) -> tuple[str | None, Key]:
        """The session that a call names, if it does, and all of it that can change its meaning."""
        meaningful = self._meaningful
        target, session = call.target, call.proxy_session
        told: str | None = None
        found: list[object] = [call.method, target, call.body, call.origin]
        for pair in call.headers:
            name = pair[0].lower()
            if name in meaningful:
                if name != SESSION_HEADER:
                    found.append(pair)
                elif told is None:
                    told = pair[1]
        prefix = None
        if target.startswith(SESSION_PREFIX):
            prefix, found[1] = call.reading
        return prefix if prefix is not None else told or session, tuple(found)

    def get(self, key: Key) -> Meaning | None:
        """What is known of a call with this key."""
        return self._known.get(key)

    def find_out(self, call: Call, key: Key) -> Meaning:
        """What a call means, from now on to be had by its key."""
        _, target = call.reading
        readings = self.hosts.upstreams.readings(target, call.origin)
        passed_by = self.verdict(call).way is Way.TUNNEL
        sought = readings if self.seeks and not passed_by else ()
        understood = [self.understand(call, reading) for reading in sought]
        meaning = Meaning(
            readings=readings,
            asked=tuple(one.asked for one in understood),
            ids=understood[0].canonical.ids if understood else (),
            told=cache(partial(self._told, call, readings[0], target)),
            passed_by=passed_by,
        )
        self._known.put(key, meaning, len(call.body) + 1024)
        return meaning

    def verdict(self, call: Call) -> Verdict:
        """What is to become of a call, by the host that it is for."""
        if not call.origin:
            return _INTERCEPT
        secure = call.origin.startswith("https:")
        return self.hosts.judge(*address_of(call.origin), secure=secure)

    def understand(self, call: Call, reading: Reading) -> Understood:
        """What a call means if its target is read so."""
        return understand(self.redacted(call, reading), self._match)

    def redacted(self, call: Call, reading: Reading) -> Request:
        """The request as it would be stored: the same redaction as for what is."""
        request = decoded(call, reading, self._max_decoded_bytes)
        return Redactor(self._match.header_names).request(request)

    def _told(self, call: Call, reading: Reading, target: str) -> tuple[str, str | None]:
        model = model_of(decoded(call, reading, self._max_decoded_bytes))
        told_target, told_model = shown(call, target, model or "")
        return told_target, told_model or None
