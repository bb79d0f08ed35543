"""Reading the configuration: file, environment and command line, checked as a whole."""

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from pydantic import SecretStr, ValidationError

from worker.domain import errors
from worker.settings.fields import FIELDS, PREFIX, Settings, variable_of

CONFIG_VARIABLE = "PROVISIOND_CONFIG"
CONFIG_FILE = "provisiond.toml"


class SettingsError(errors.SettingsError):
    """The configuration cannot work. ``mistakes`` has one line for each, which never shows a secret."""

    def __init__(self, mistakes: tuple[str, ...]) -> None:
        self.mistakes = mistakes
        super().__init__("\n".join(mistakes))


@dataclass(frozen=True, slots=True)
class SettingLine:
    """One setting for people: ``value`` and ``default`` without secrets; ``origin`` is None where the default holds."""

    name: str
    variable: str
    description: str
    default: str
    value: str
    origin: str | None


@dataclass(frozen=True, slots=True)
class _Given:
    name: str
    value: Any
    origin: str


def load(
    *,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
    required: tuple[str, ...] = (),
    directory: Path | None = None,
) -> Settings:
    """Read the configuration; ``overrides`` are dotted names set by the command line, ``required`` must be given.

    Raises SettingsError with every mistake at once.
    """
    return _load(environ, overrides, required, directory)[0]


def describe(
    *,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
    directory: Path | None = None,
) -> tuple[SettingLine, ...]:
    """Every setting with its value and where that came from. Raises SettingsError as ``load`` does."""
    settings, given = _load(environ, overrides, (), directory)
    return tuple(
        SettingLine(
            name=name,
            variable=variable_of(name),
            description=field.description or "",
            default=_shown(field.get_default()),
            value=_shown(_value_of(settings, name)),
            origin=given[name].origin if name in given else None,
        )
        for name, field in FIELDS.items()
    )


def _load(
    environ: Mapping[str, str] | None,
    overrides: Mapping[str, Any] | None,
    required: tuple[str, ...],
    directory: Path | None,
) -> tuple[Settings, dict[str, _Given]]:
    environ = os.environ if environ is None else environ
    from_file, mistakes = _read_file(environ, directory or Path())
    given = {one.name: one for one in [*from_file, *_read_environment(environ), *_read_overrides(overrides or {})]}
    unknown = [name for name in given if name not in FIELDS and not _is_referenced(given[name], given)]
    mistakes += [_unknown(given.pop(name)) for name in unknown]
    known = {name: one for name, one in given.items() if name in FIELDS}
    settings, faulty = _validate(known)
    mistakes += faulty.values()
    mistakes += [text for names, text in _contradictions(settings) if not names & faulty.keys()]
    mistakes += [f"{name} is not set: give {variable_of(name)}" for name in required if name not in known]
    if mistakes:
        raise SettingsError(tuple(mistakes))
    return settings, known


def _read_file(environ: Mapping[str, str], directory: Path) -> tuple[list[_Given], list[str]]:
    named = environ.get(CONFIG_VARIABLE)
    path = Path(named) if named else directory / CONFIG_FILE
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return [], [f"{CONFIG_VARIABLE}: there is no file {path}"] if named else []
    except OSError as error:
        return [], [f"{path}: cannot be read: {error.strerror}"]
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        return [], [f"{path}: is not valid TOML: {error}"]
    return [_Given(name, value, str(path)) for name, value in _leaves(tables)], []


def _leaves(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _read_environment(environ: Mapping[str, str]) -> list[_Given]:
    return [
        _Given(variable[len(PREFIX) :].lower().replace("__", "."), value, variable)
        for variable, value in environ.items()
        if variable.startswith(PREFIX) and variable != CONFIG_VARIABLE
    ]


def _read_overrides(overrides: Mapping[str, Any]) -> list[_Given]:
    return [_Given(name, value, "command line") for name, value in overrides.items() if value is not None]


def _is_referenced(one: _Given, given: Mapping[str, _Given]) -> bool:
    """A variable that holds the key which ``secret_key`` points at is no setting, and no mistake either."""
    key = given.get("secret_key")
    return key is not None and key.value == f"env:{one.origin}"


def _unknown(one: _Given) -> str:
    leaf = one.name.rpartition(".")[2]
    near = difflib.get_close_matches(one.name, FIELDS, n=1) or [n for n in FIELDS if n.rpartition(".")[2] == leaf]
    is_variable = one.origin.startswith(PREFIX)
    said = f"{one.origin}: " if is_variable else f"{one.name} (from {one.origin}): "
    meant = variable_of(near[0]) if near and is_variable else "".join(near[:1])
    return f"{said}there is no such setting" + (f"; did you mean {meant}?" if meant else "")


def _validate(known: Mapping[str, _Given]) -> tuple[Settings, dict[str, str]]:
    """The settings with faulty values left at their defaults, and what is wrong with those, by name."""
    try:
        return Settings.model_validate(_nested(known)), {}
    except ValidationError as error:
        faulty = {_name_of(fault["loc"]): fault for fault in error.errors(include_url=False, include_input=False)}
    sound = {name: one for name, one in known.items() if name not in faulty}
    lines = {name: f"{name} (from {known[name].origin}): {_worded(fault['msg'])}" for name, fault in faulty.items()}
    return Settings.model_validate(_nested(sound)), lines


def _nested(known: Mapping[str, _Given]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name, one in known.items():
        group, _, leaf = name.rpartition(".")
        (tree.setdefault(group, {}) if group else tree)[leaf] = one.value
    return tree


def _name_of(location: tuple[int | str, ...]) -> str:
    """The setting a fault is about: pydantic adds the index of a list item, or the kind of a union, behind it."""
    names = [".".join(str(part) for part in location[:size]) for size in (2, 1)]
    return next(name for name in names if name in FIELDS)


def _worded(message: str) -> str:
    return message.removeprefix("Value error, ").replace("Input should be", "must be").replace("String should", "must")


def _contradictions(settings: Settings) -> list[tuple[frozenset[str], str]]:
    """What is wrong between sound settings, each with the names it is about."""
    lease, guard = settings.lease_s, settings.safeguard
    rules = [
        (
            {"beat_s", "lease_s"},
            settings.beat_s * 4 > lease,
            f"beat_s ({settings.beat_s:g}) must be at most a quarter of lease_s ({lease:g}), or late beats lose work",
        ),
        (
            {"attempt_s", "lease_s"},
            settings.attempt_s >= lease,
            f"attempt_s ({settings.attempt_s:g}) must be below lease_s ({lease:g}), or two daemons could try at once",
        ),
        (
            {"safeguard.floor", "safeguard.cap"},
            guard.floor > guard.cap,
            f"safeguard.floor ({guard.floor}) must not exceed safeguard.cap ({guard.cap})",
        ),
    ]
    return [(frozenset(names), text) for names, is_wrong, text in rules if is_wrong]


def _value_of(settings: Settings, name: str) -> Any:
    value: Any = settings
    for part in name.split("."):
        value = getattr(value, part)
    return value


def _shown(value: Any) -> str:
    match value:
        case None:
            return ""
        case SecretStr():
            return _without_password(value.get_secret_value())
        case tuple():
            return ",".join(str(item) for item in value)
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)


def _without_password(text: str) -> str:
    """A reference or an address as it may be shown; whatever is neither is hidden as a whole."""
    if text.startswith(("env:", "file:")):
        return text
    url = urlsplit(text)
    if not url.scheme or not url.netloc:
        return "***"
    user, _, host = url.netloc.rpartition("@")
    name = user.partition(":")[0]
    return urlunsplit(url._replace(netloc=f"{name}:***@{host}" if user else host, query=""))
