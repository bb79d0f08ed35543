"""What a connector type wants to be told: its settings described, and a configuration checked against them.

A type's ``Settings`` is a frozen dataclass. Its annotations are the types of the JSON values (str, int, float, bool,
list[str], dict[str, str], Any, or one of them with None), its field metadata the words for people: ``help`` and
``choices``. A method ``problems()`` of it names what only shows in several settings together.
"""

import dataclasses
import difflib
import types
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Union, get_args, get_origin, get_type_hints

from worker.connectors.base import Connector, capabilities_of
from worker.domain.errors import SettingsError


@dataclass(frozen=True, slots=True)
class SettingField:
    """One setting or secret as a form shows it; ``type`` is a JSON type, with the item's for lists and maps."""

    name: str
    type: str
    help: str = ""
    is_required: bool = False
    is_secret: bool = False
    default: Any = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TypeDescription:
    """A connector type as people choose and configure it."""

    type: str
    summary: str
    fields: tuple[SettingField, ...]
    capabilities: frozenset[str]

    @property
    def secrets(self) -> tuple[str, ...]:
        """The names of the credentials it takes."""
        return tuple(field.name for field in self.fields if field.is_secret)


def description_of(kind: type[Connector]) -> TypeDescription:
    """Describe a connector class; the summary is the first line of its docstring."""
    hints = get_type_hints(kind.Settings)
    settings = tuple(_field_of(field, hints[field.name]) for field in dataclasses.fields(kind.Settings))
    secrets = tuple(
        SettingField(name=name, type="string", help=text, is_secret=True) for name, text in kind.secrets.items()
    )
    summary = (kind.__doc__ or "").strip().partition("\n")[0]
    return TypeDescription(kind.type, summary, settings + secrets, capabilities_of(kind))


def settings_from(settings: type[Any], config: Mapping[str, Any]) -> Any:
    """Build checked settings; raises ``SettingsError`` whose field ``problems`` lists every mistake at once."""
    hints = get_type_hints(settings)
    known = {field.name: field for field in dataclasses.fields(settings)}
    problems = [_unknown(name, known) for name in config if name not in known]
    for name, field in known.items():
        problems += _problems_of(field, hints[name], config.get(name, dataclasses.MISSING))
    if not problems:
        made = settings(**config)
        problems = made.problems() if hasattr(made, "problems") else []
        if not problems:
            return made
    raise SettingsError(" ".join(problems), problems=problems)


def _field_of(field: "dataclasses.Field[Any]", hint: Any) -> SettingField:
    default = None if field.default is dataclasses.MISSING else field.default
    if field.default_factory is not dataclasses.MISSING:
        default = field.default_factory()
    return SettingField(
        name=field.name,
        type=_json_type(hint),
        help=field.metadata.get("help", ""),
        is_required=_is_required(field),
        default=default,
        choices=tuple(field.metadata.get("choices", ())),
    )


def _is_required(field: "dataclasses.Field[Any]") -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _unknown(name: str, known: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(str(name), known, n=1)
    hint = f' Did you mean "{near[0]}"?' if near else f" There are: {', '.join(known)}."
    return f'There is no setting "{name}".{hint}'


def _problems_of(field: "dataclasses.Field[Any]", hint: Any, value: Any) -> list[str]:
    if value is dataclasses.MISSING:
        return [f'"{field.name}" is missing.'] if _is_required(field) else []
    if not _fits(hint, value):
        return [f'"{field.name}" must be {_json_type(hint)}.']
    choices = field.metadata.get("choices", ())
    if choices and value not in choices:
        return [f'"{field.name}" must be one of {", ".join(choices)}.']
    return [f'"{field.name}" is empty.'] if value == "" and _is_required(field) else []


def _fits(hint: Any, value: Any) -> bool:
    if hint is Any:
        return True
    if get_origin(hint) in {Union, types.UnionType}:
        return any(_fits(one, value) for one in get_args(hint))
    if get_origin(hint) is list:
        return isinstance(value, list) and all(_fits(get_args(hint)[0], one) for one in value)
    if get_origin(hint) is dict:
        return isinstance(value, dict) and all(_fits(get_args(hint)[1], one) for one in value.values())
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, hint)


_JSON_TYPES = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    types.NoneType: "null",
    Any: "any value",
}


def _json_type(hint: Any) -> str:
    if get_origin(hint) in {Union, types.UnionType}:
        return " or ".join(_json_type(one) for one in get_args(hint) if one is not types.NoneType)
    if get_origin(hint) is list:
        return f"list of {_json_type(get_args(hint)[0])}"
    if get_origin(hint) is dict:
        return f"map of {_json_type(get_args(hint)[1])}"
    return _JSON_TYPES.get(hint, "object")
