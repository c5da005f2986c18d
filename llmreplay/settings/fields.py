"""The fields: what each is called, what it may hold, and where it goes in `Settings`.

One table, and one reader per kind of value: text in, value out, ValueError with a sentence for
a person. Adding a setting is a line here and a line in `model`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from llmreplay.core.canonical import PRESETS, Strictness
from llmreplay.core.canonical.paths import compiled_path
from llmreplay.core.canonical.patterns import compiled_pattern
from llmreplay.core.matching import AfterLast
from llmreplay.core.proxies import Proxy, read_proxy
from llmreplay.core.redaction import is_credential_header
from llmreplay.core.timing import parse_duration_ms, parse_timing
from llmreplay.errors import UsageError
from llmreplay.settings.sources import Shape

if TYPE_CHECKING:
    from enum import StrEnum

__all__ = ["FIELDS", "GROUPS", "Field", "nearest"]

Reader = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Field:
    """One setting. `attribute` is its dotted place in `Settings`; `read` takes one text.

    A MAPPING's keys go through `read_key`.
    """

    name: str
    read: Reader
    shape: Shape = Shape.SCALAR
    attribute: str = ""
    read_key: Reader = str

    @property
    def goes_to(self) -> str:
        """The dotted place in `Settings`."""
        return self.attribute or self.name


def nearest(word: str, words: Iterable[str], cutoff: float = 0.6) -> str:
    """`; did you mean "x"?` for the valid word nearest to `word`, or nothing."""
    close = get_close_matches(word, list(words), n=1, cutoff=cutoff)
    return f'; did you mean "{close[0]}"?' if close else ""


def one_of(*words: str) -> Reader:
    """A reader for one of a few words."""

    def read(text: str) -> str:
        if text in words:
            return text
        raise ValueError(f'"{text}" is none of {", ".join(words)}{nearest(text, words)}')

    return read


def member_of(kind: type[StrEnum]) -> Reader:
    """A reader for one of an enumeration's words."""
    word = one_of(*kind)
    return lambda text: kind(word(text))


def whole(least: int, most: int, what: str) -> Reader:
    """A reader for a whole number within bounds."""

    def read(text: str) -> int:
        if re.fullmatch(r"[+-]?\d{1,20}", text, re.ASCII) is None:
            raise ValueError(f'"{text}" is no whole number; {what} is {least} to {most}')
        if not least <= int(text) <= most:
            raise ValueError(f"{text} is out of range; {what} is {least} to {most}")
        return int(text)

    return read


_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})


def switch(text: str) -> bool:
    """Read `true` or `false`, and what else YAML or a shell user would write for them."""
    word = text.lower()
    if word not in _TRUE | _FALSE:
        raise ValueError(f'"{text}" is neither true nor false')
    return word in _TRUE


_SIZE = re.compile(r"(\d{1,15})\s*(B|kB|KiB|MB|MiB|GB|GiB)?", re.ASCII)
_UNIT_BYTES = {
    "B": 1,
    "kB": 10**3,
    "KiB": 2**10,
    "MB": 10**6,
    "MiB": 2**20,
    "GB": 10**9,
    "GiB": 2**30,
}


def size(text: str) -> int:
    """`64MiB`, `500kB` or `1024` → bytes."""
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError(f'"{text}" is no size: write it as 64MiB, 500kB or a number of bytes')
    result = int(match[1]) * _UNIT_BYTES[match[2] or "B"]
    if result == 0:
        raise ValueError("must be more than nothing")
    return result


def duration(text: str) -> float:
    """`800ms`, `2s` → milliseconds, never 0."""
    result = parse_duration_ms(text)
    if result == 0:
        raise ValueError("must be longer than nothing")
    return result


_NAME_PART = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*", re.ASCII)


def cassette_name(text: str) -> str:
    """`chat/tools` → itself, if its file cannot be outside the folder."""
    if not all(_NAME_PART.fullmatch(part) for part in text.split("/")):
        raise ValueError(
            f'"{text}" is no cassette name: letters, digits, ".", "_" and "-", in parts '
            'divided by "/", none beginning with "."'
        )
    if text.endswith(".yaml"):
        raise ValueError(f'the name goes without ".yaml": "{text.removesuffix(".yaml")}"')
    return text


def upstream_name(text: str) -> str:
    """`openai` → itself. It is a path prefix, so it must not look like one of our own."""
    if text and (_NAME_PART.fullmatch(text) is None or text.startswith("_")):
        raise ValueError(
            f'"{text}" is no upstream name: letters, digits, ".", "_" and "-", beginning with '
            "a letter or digit"
        )
    return text


def upstream_url(text: str) -> str:
    """`https://api.openai.com` → itself, without a slash at the end."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError as error:
        raise ValueError(f"this is no URL: {error}") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        # Where there is an @, there may be a password before it.
        told = "this" if "@" in text else f'"{text}"'
        raise ValueError(f"{told} is no http:// or https:// URL")
    if parts.username is not None:
        raise ValueError(f'the URL of "{parts.hostname}" must not hold a user or password')
    if parts.query or parts.fragment:
        raise ValueError(f'the URL of "{parts.hostname}" must end with its path: no "?", no "#"')
    return text.rstrip("/")


def host(text: str) -> str:
    """A name or address to listen on."""
    if not text or re.search(r"[\s/]", text):
        raise ValueError(f'"{text}" is no host name or address')
    return text.removeprefix("[").removesuffix("]")


def host_and_port(text: str) -> tuple[str, int | None]:
    """`gateway.example`, `gateway.example:8443`, `[::1]:8443` → host, in lower case, and port."""
    parts = _split_host(text)
    if parts is None:
        raise ValueError(
            f'"{text}" is no host: write it as gateway.example or gateway.example:8443'
        )
    return parts


def _split_host(text: str) -> tuple[str, int | None] | None:
    try:
        parts = urlsplit(f"//{text}")
        port = parts.port
    except ValueError:
        return None
    is_whole = parts.netloc == text and parts.username is None
    is_host = re.fullmatch(r"[a-z0-9._-]+|[0-9a-f:.]+", parts.hostname or "") is not None
    return (parts.hostname or "", port) if is_whole and is_host else None


def folder(text: str) -> Path:
    """A folder; `~` is the user's."""
    return Path(text).expanduser()


def upstream_proxy(text: str) -> Proxy | Literal[False]:
    """A proxy that leads out of here; `none` is a direct way, whatever the environment says."""
    return False if text == "none" else read_proxy(text)


def report_file(text: str) -> Path:
    """`report.json`, `results/llmreplay.xml` → a path whose ending says in which form."""
    path = Path(text).expanduser()
    if path.suffix not in {".json", ".xml"}:
        raise ValueError(f'"{text}" must end with .json, or with .xml for the form of JUnit')
    return path


def password(text: str) -> str:
    """A password → itself, unless it is one that nobody could type into a proxy's URL."""
    if not text or not (text.isascii() and text.isprintable()):
        raise ValueError("a password is made of printable ASCII characters")
    return text


_RETRIED = {
    408: "SDKs retry a 408",
    409: "SDKs retry a 409",
    429: "SDKs retry a 429 and wait before it",
}


def miss_status(text: str) -> int:
    """A status that no SDK takes for a success or retries."""
    status: int = whole(100, 999, "a status")(text)
    if status in _RETRIED:
        raise ValueError(f"{status} hides a miss: {_RETRIED[status]}; take 470 or another 4xx")
    if status >= 500:  # noqa: PLR2004  # where HTTP's server errors begin
        raise ValueError(f"{status} hides a miss: SDKs retry every 5xx; take 470 or another 4xx")
    if status < 400:  # noqa: PLR2004  # where HTTP's errors begin
        raise ValueError(f"{status} hides a miss: SDKs take it for no error; take 470")
    return status


def ignored(text: str) -> str:
    """A JSONPath (RFC 9535), or `?name` for a query parameter → itself.

    Compiled once, so that a mistake shows at the start.
    """
    if text.startswith("?"):
        return text
    try:
        compiled_path(text)
    except UsageError as error:
        raise ValueError(str(error).removeprefix("match.ignore: ")) from error
    return text


def pattern(text: str) -> str:
    """An RE2 pattern → itself, compiled once so that a mistake shows at the start."""
    try:
        compiled = compiled_pattern(text)
    except UsageError as error:
        raise ValueError(str(error).removeprefix("match.replace: ")) from error
    if compiled.search(""):
        raise ValueError(f'"{text}" matches the empty text, which is everywhere')
    return text


def header_name(text: str) -> str:
    """A header's name → in lower case. One that holds a credential is never stored."""
    if is_credential_header(text):
        raise ValueError(
            f'"{text}" holds a credential, which no recording has: nothing would match'
        )
    if re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", text, re.ASCII) is None:
        raise ValueError(f'"{text}" is no header name')
    return text.lower()


_TIMERS = ("header", "body", "idle", "connect", "upstream", "drain")
_SIZES = ("max_header", "max_body", "max_decoded")

FIELDS: dict[str, Field] = {
    field.name: field
    for field in (
        Field("cassettes", Path),
        Field("cassette", cassette_name),
        Field("host", host),
        Field("port", whole(0, 65_535, "a port")),
        Field("allow_remote", switch),
        Field("allow_host", host_and_port, Shape.LIST, attribute="allow_hosts"),
        Field("proxy_password", password),
        Field("ca_dir", folder),
        Field("upstream", upstream_url, Shape.MAPPING, read_key=upstream_name),
        Field("upstreams", upstream_url, Shape.MAPPING, read_key=upstream_name),
        Field("upstream_proxy", upstream_proxy),
        Field("mode", one_of("all", "new", "once")),
        Field("fresh", switch),
        Field("keep_errors", switch),
        Field("on_miss", one_of("fail", "record", "forward")),
        Field("after_last", member_of(AfterLast)),
        Field("timing", parse_timing),
        Field("overlay", Path, Shape.LIST, attribute="overlays"),
        Field("match.strictness", member_of(Strictness)),
        Field("match.ignore", ignored, Shape.LIST),
        Field("match.replace", str, Shape.MAPPING, read_key=pattern),
        Field("match.headers", header_name, Shape.LIST),
        Field("match.presets", one_of(*PRESETS), Shape.LIST),
        Field("miss_status", miss_status),
        Field("log_format", one_of("text", "json")),
        Field("quiet", switch),
        Field("report", report_file),
        Field("seed", whole(-(2**63), 2**63 - 1, "a seed")),
        Field("limits.max_connections", whole(1, 1_000_000, "the number of connections")),
        *(Field(f"limits.{name}", size, attribute=f"limits.{name}_bytes") for name in _SIZES),
        *(
            Field(f"limits.{name}_timeout", duration, attribute=f"limits.{name}_timeout_ms")
            for name in _TIMERS
        ),
    )
}

GROUPS = frozenset(name.partition(".")[0] for name in FIELDS if "." in name)
"""Fields that hold fields."""

SHORT = {"match": "match.strictness"}
"""A group given as one word sets this field of it: `match: order`."""
