"""From file, variables and flags to `Settings`: flags win over variables, those over the file.

It gathers every mistake before it raises. It decides what a combination of settings may be; what
one field may hold is in `fields`, how it is written down in `sources`. The commands call it.
"""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from llmreplay.core.canonical import MatchSettings
from llmreplay.errors import UsageError
from llmreplay.settings.fields import FIELDS, GROUPS, SHORT, Field, nearest
from llmreplay.settings.model import Limits, Settings
from llmreplay.settings.sources import (
    VARIABLE_PREFIX,
    Found,
    Mistake,
    Setting,
    Shape,
    Text,
    read_file,
    read_yaml_text,
    variable_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["CONFIG_NAME", "Flag", "load_settings"]

CONFIG_NAME = "llmreplay.yaml"

Flag: TypeAlias = str | bool | tuple[str, ...]

_UPSTREAMS = frozenset({"upstream", "upstreams"})
"""Two spellings of one mapping, in which the bare upstream has the empty name."""


def load_settings(
    *,
    flags: Mapping[str, Flag | None] | None = None,
    environ: Mapping[str, str] | None = None,
    config: str | None = None,
    folder: Path | None = None,
    defaults: Mapping[str, Flag] | None = None,
) -> Settings:
    """All settings, from the flags given, the variables, and the file.

    `flags` are by field (`{"on_miss": "fail"}`); None is a flag not given. The file is `config`
    (or `LLMREPLAY_CONFIG`), which must exist, else `llmreplay.yaml` in `folder`, which need
    not. `defaults`, as flags, are for what is set nowhere. Raises UsageError, whose text lists
    every mistake.
    """
    environ = environ or {}
    path = _config_path(config or environ.get("LLMREPLAY_CONFIG"), folder or Path())
    gathering = _Gathering()
    gathering.take(_from_flags(defaults or {}), Path())
    if path is not None:
        gathering.take(read_file(path, GROUPS), path.parent)
    gathering.take(_from_variables(environ), Path())
    gathering.take(_from_flags(flags or {}), Path())
    gathering.take(gathering.wrong_together(), Path())
    if gathering.mistakes:
        raise UsageError(_told(gathering.mistakes))
    return gathering.settings()


class _Gathering:
    """What was read so far: values by field, the places that they came from, mistakes."""

    def __init__(self) -> None:
        self.mistakes: list[Mistake] = []
        self._values: dict[str, Any] = {}
        self._places: dict[str, tuple[str, str]] = {}
        self._upstreams: dict[str, str] = {}

    def take(self, source: Iterable[Found], folder: Path) -> None:
        """Read one source, which wins over those before it. Its paths start in `folder`."""
        for found in source:
            try:
                self._take(found, folder)
            except _MistakesError as error:
                self.mistakes += error.mistakes

    def _take(self, found: Found, folder: Path) -> None:
        if isinstance(found, Mistake):
            raise _MistakesError(found)
        setting = _spread(found)
        field = FIELDS.get(setting.name)
        if field is None:
            raise _MistakesError(Mistake(found.where, "", _unknown(found.name)))
        value = _value(field, setting)
        if field.name in _UPSTREAMS:
            self._upstreams |= value
        else:
            self._values[field.goes_to] = _placed(value, folder)
        self._places[field.name] = (setting.where, setting.shown_name)

    def wrong_together(self) -> Iterator[Mistake]:
        """What is right field by field, and not as a whole."""
        host = self._values.get("host")
        if host and not self._values.get("allow_remote") and not _is_loopback(host):
            yield Mistake(
                *self._places["host"],
                f'"{host}" lets other machines use every recording, and your provider keys while '
                "recording; if that is meant, add --allow-remote (allow_remote: true)",
            )

    def settings(self) -> Settings:
        """The whole, when there is no mistake."""
        groups: dict[str, dict[str, Any]] = {"match": {}, "limits": {}}
        top: dict[str, Any] = {}
        for name, value in self._values.items():
            group, _, attribute = name.rpartition(".")
            (groups[group] if group else top)[attribute] = value
        upstreams = dict(self._upstreams)
        return Settings(
            upstream=upstreams.pop("", None),
            upstreams=MappingProxyType(upstreams),
            match=MatchSettings(**groups["match"]),
            limits=Limits(**groups["limits"]),
            **top,
        )


class _MistakesError(Exception):
    """Mistakes in one setting, on their way to the rest."""

    def __init__(self, *mistakes: Mistake) -> None:
        super().__init__()
        self.mistakes = mistakes


def _config_path(given: str | None, folder: Path) -> Path | None:
    if given is not None:
        return Path(given)
    path = folder / CONFIG_NAME
    return path if path.exists() else None


def _from_variables(environ: Mapping[str, str]) -> Iterator[Found]:
    known = {variable_of(name): name for name in (*FIELDS, *SHORT)}
    for variable, text in environ.items():
        name = known.get(variable)
        if name is None:
            # The prefix is not ours alone (a CI's own variables may begin with it), so only
            # what looks like a slip of the keyboard is one.
            if variable.startswith(VARIABLE_PREFIX) and variable != "LLMREPLAY_CONFIG":
                near = nearest(variable, known, cutoff=0.85)
                if near:
                    yield Mistake(variable, "", f"unknown variable{near}")
        elif name in SHORT or FIELDS[name].shape is Shape.SCALAR or _is_words(name, text):
            yield Setting(name, variable, Shape.SCALAR, (Text(text, variable),))
        else:
            yield read_yaml_text(name, text, variable)


def _is_words(name: str, text: str) -> bool:
    """Whether it is upstreams as on the command line, and not a mapping in YAML."""
    return name in _UPSTREAMS and not text.lstrip().startswith("{")


def _from_flags(flags: Mapping[str, Flag | None]) -> Iterator[Found]:
    for name, given in flags.items():
        if given is None or given == ():
            continue
        where = "--" + name.rpartition(".")[2].replace("_", "-")
        if isinstance(given, tuple):
            yield Setting(name, where, Shape.LIST, tuple(Text(text, where) for text in given))
        else:
            text = given if isinstance(given, str) else str(given).lower()
            yield Setting(name, where, Shape.SCALAR, (Text(text, where),))


def _spread(setting: Setting) -> Setting:
    """The setting, with short forms written out."""
    if setting.shape is Shape.SCALAR and setting.name in SHORT:
        return Setting(SHORT[setting.name], setting.where, Shape.SCALAR, setting.items)
    if setting.name in _UPSTREAMS and setting.shape is not Shape.MAPPING:
        items = (_upstream(word, text) for text in setting.items for word in text.text.split())
        return Setting(setting.name, setting.where, Shape.MAPPING, tuple(items))
    return setting


def _upstream(word: str, text: Text) -> Text:
    """`NAME=URL` or `URL`."""
    name, equals, url = word.partition("=")
    if not equals or "/" in name:
        return Text(word, text.where)
    return Text(url, text.where, key=name)


def _value(field: Field, setting: Setting) -> Any:  # noqa: ANN401  # each field has its own type
    """What `setting` holds. Raises all its mistakes together."""
    if field.shape is Shape.SCALAR:
        if setting.shape is not Shape.SCALAR:
            what = "is empty" if not setting.items else "takes one value"
            raise _MistakesError(Mistake(setting.where, setting.shown_name, what))
    elif setting.items and Shape.MAPPING in {field.shape, setting.shape} != {setting.shape}:
        what = "takes a list" if field.shape is Shape.LIST else "takes `name: value` lines"
        raise _MistakesError(Mistake(setting.where, setting.shown_name, what))
    mistakes: list[Mistake] = []
    pairs: list[tuple[Any, Any]] = []
    for item in setting.items:
        try:
            pairs.append((field.read_key(item.key), field.read(item.text)))
        except ValueError as error:
            mistakes.append(Mistake(item.where, setting.shown_name, str(error)))
    keys = [item.key for item in setting.items]
    if field.shape is Shape.MAPPING and len(set(keys)) < len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        mistakes.append(Mistake(setting.where, setting.shown_name, f'"{twice}" is given twice'))
    if mistakes:
        raise _MistakesError(*mistakes)
    if field.name in _UPSTREAMS:
        return dict(pairs)
    if field.shape is Shape.MAPPING:
        return tuple(pairs)
    values = tuple(value for _, value in pairs)
    return values[0] if field.shape is Shape.SCALAR else values


def _placed(value: Any, folder: Path) -> Any:  # noqa: ANN401  # each field has its own type
    """`value`, its paths starting in `folder`."""
    if isinstance(value, tuple):
        return tuple(_placed(one, folder) for one in value)
    return folder / value if isinstance(value, Path) else value


def _unknown(name: str) -> str:
    if name in GROUPS:
        inside = [field.partition(".")[2] for field in FIELDS if field.startswith(f"{name}.")]
        return f'"{name}" holds fields: {", ".join(inside)}'
    leaf = name.rpartition(".")[2]
    moved = next((field for field in FIELDS if field.rpartition(".")[2] == leaf), None)
    near = f'; did you mean "{moved}"?' if moved else nearest(name, [*FIELDS, *GROUPS])
    return f'unknown field "{name}"{near}'


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _told(mistakes: list[Mistake]) -> str:
    if len(mistakes) == 1:
        return str(mistakes[0])
    return "\n".join((f"{len(mistakes)} mistakes in the settings", *(f"  {m}" for m in mistakes)))
