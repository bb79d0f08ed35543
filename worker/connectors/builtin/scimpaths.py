"""Flat attribute names and SCIM resources (RFC 7643): which name means which place, in both directions, without I/O.

- ``userName``, ``externalId``, ``displayName``, ``title``, ...: attributes of the core User schema;
- ``name.givenName``: a part of a complex attribute;
- ``emails.work``: the value of the entry with that type; ``addresses.work.locality``: another part of it;
- ``emails``, ``roles``: the values of all entries, as a list that replaces the whole set;
- ``department``, ``employeeNumber``, ``manager``, ...: attributes of the enterprise extension;
- ``urn:example:schema:badge``: an attribute of any other extension, by its full name.

``id``, ``meta``, ``schemas`` and ``active`` are no attributes: the uid and the active flag stand for them.
"""

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from worker.domain.errors import InvalidAttributes

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

SIMPLE = (
    "userName",
    "externalId",
    "displayName",
    "nickName",
    "profileUrl",
    "title",
    "userType",
    "preferredLanguage",
    "locale",
    "timezone",
    "password",
)
NAME_PARTS = ("formatted", "familyName", "givenName", "middleName", "honorificPrefix", "honorificSuffix")
MULTI_VALUED = ("emails", "phoneNumbers", "ims", "photos", "addresses", "entitlements", "roles", "x509Certificates")
ENTERPRISE_NAMES = ("employeeNumber", "costCenter", "organization", "division", "department", "manager")
_READ_ONLY = frozenset({"id", "meta", "groups"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where a flat name lives: ``attribute`` of ``schema`` (None: core), in the entry of a type, a part of it."""

    attribute: str
    schema: str | None = None
    entry_type: str | None = None
    part: str | None = None
    is_list: bool = False

    @property
    def path(self) -> str:
        """The path of RFC 7644 3.5.2 that names it."""
        prefix = f"{self.schema}:" if self.schema else ""
        entry = f"[type eq {json.dumps(self.entry_type)}]" if self.entry_type else ""
        part = f".{self.part}" if self.part else ""
        return f"{prefix}{self.attribute}{entry}{part}"


@lru_cache(maxsize=1_000)
def place_of(name: str) -> Place:
    """Where a flat name lives; raises ``InvalidAttributes`` for a name that means nothing in SCIM."""
    if name.lower().startswith("urn:"):
        schema, _, attribute = name.rpartition(":")
        return Place(attribute, schema)
    attribute, *rest = name.split(".")
    if attribute in MULTI_VALUED and len(rest) < 3 and all(rest):
        return _entry_place(attribute, rest)
    if attribute == "name" and len(rest) == 1 and rest[0] in NAME_PARTS:
        return Place("name", part=rest[0])
    if attribute in ENTERPRISE_NAMES and not rest:
        return Place(attribute, ENTERPRISE, part="value" if attribute == "manager" else None)
    if attribute in SIMPLE and not rest:
        return Place(attribute)
    raise InvalidAttributes(f'"{name}" is no SCIM attribute.', attribute=name)


def _entry_place(attribute: str, rest: list[str]) -> Place:
    if not rest:
        return Place(attribute, is_list=True)
    return Place(attribute, entry_type=rest[0], part=rest[1] if len(rest) > 1 else "value")


def resource_of(attributes: Mapping[str, Any], *, active: bool | None) -> dict[str, Any]:
    """A whole User with these attributes; what is None is left out."""
    return merged({}, {k: v for k, v in attributes.items() if v is not None}, active=active)


def merged(resource: Mapping[str, Any], attributes: Mapping[str, Any], *, active: bool | None) -> dict[str, Any]:
    """A resource as it should be after the change, without what only the service may set."""
    wanted = {name: copy.deepcopy(value) for name, value in resource.items() if name not in _READ_ONLY}
    for name, value in attributes.items():
        _put(wanted, place_of(name), value)
    if active is not None:
        wanted["active"] = active
    schemas = [CORE, *(key for key in wanted if key.lower().startswith("urn:") and wanted[key])]
    return {**wanted, "schemas": schemas}


def _put(resource: dict[str, Any], place: Place, value: Any) -> None:
    home = resource.setdefault(place.schema, {}) if place.schema else resource
    if place.is_list:
        home[place.attribute] = _entries(value)
    elif place.entry_type:
        home[place.attribute] = _with_entry(home.get(place.attribute) or [], place, value)
    elif place.part:
        inner = home.get(place.attribute)
        inner = dict(inner) if isinstance(inner, dict) else {}
        home[place.attribute] = {**inner, place.part: value}
        if value is None:
            del home[place.attribute][place.part]
    else:
        home[place.attribute] = value
    if home.get(place.attribute) in (None, {}, []):
        home.pop(place.attribute, None)


def _entries(value: Any) -> list[dict[str, Any]]:
    values = value if isinstance(value, list) else [] if value is None else [value]
    return [{"value": one} for one in values]


def _with_entry(entries: list[dict[str, Any]], place: Place, value: Any) -> list[dict[str, Any]]:
    """The entries with one part of the typed entry set, or cleared; an entry without content goes."""
    kept = [dict(entry) for entry in entries]
    entry = next((entry for entry in kept if _is_type(entry, place.entry_type)), None)
    if entry is None:
        entry = {"type": place.entry_type}
        kept.append(entry)
    entry[str(place.part)] = value
    if value is None:
        del entry[str(place.part)]
    return [one for one in kept if set(one) - {"type", "primary", "display"}]


def _is_type(entry: Mapping[str, Any], wanted: str | None) -> bool:
    return str(entry.get("type", "")).lower() == str(wanted).lower()


def patch_of(
    attributes: Mapping[str, Any], *, active: bool | None, after: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """The operations of a PATCH. With ``after``, the resource as it shall be, entries are replaced as whole lists.

    That second form is for services that refuse to replace an entry which is not there yet (``noTarget``).
    """
    operations = {}
    for name, value in attributes.items():
        place = place_of(name)
        if after is not None and place.entry_type:
            place, value = Place(place.attribute), after.get(place.attribute)  # noqa: PLW2901 - the whole list instead
            operations[place.path] = _operation(place.path, value)
        else:
            operations[place.path] = _operation_at(place, value)
    if active is not None:
        operations["active"] = _operation("active", active)
    return list(operations.values())


def _operation_at(place: Place, value: Any) -> dict[str, Any]:
    if place.is_list:
        return _operation(place.path, _entries(value) or None)
    if value is None and place.part == "value":  # the value is what the entry is about: without it, no entry
        return _operation(Place(place.attribute, place.schema, place.entry_type).path, None)
    return _operation(place.path, value)


def _operation(path: str, value: Any) -> dict[str, Any]:
    if value is None:
        return {"op": "remove", "path": path}
    return {"op": "replace", "path": path, "value": value}


def attributes_of(resource: Mapping[str, Any]) -> dict[str, Any]:
    """Every attribute of a User by its flat name."""
    found: dict[str, Any] = {name: resource[name] for name in SIMPLE if name in resource}
    full_name = resource.get("name")
    found.update({f"name.{part}": value for part, value in full_name.items()} if isinstance(full_name, dict) else {})
    for name in MULTI_VALUED:
        entries = resource.get(name)
        found.update(_of_entries(name, entries) if isinstance(entries, list) else {})
    for schema, extension in resource.items():
        if schema.lower().startswith("urn:") and isinstance(extension, dict):
            found.update(_of_extension(schema, extension))
    return found


def _of_entries(name: str, entries: list[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    values = [entry["value"] for entry in entries if isinstance(entry, dict) and "value" in entry]
    if values:
        found[name] = values
    for entry in entries:
        if not isinstance(entry, dict) or not entry.get("type"):
            continue
        prefix = f"{name}.{entry['type']}"
        for part, value in entry.items():
            if part == "value":
                found.setdefault(prefix, value)
            elif part not in {"type", "primary", "display", "$ref"}:
                found.setdefault(f"{prefix}.{part}", value)
    return found


def _of_extension(schema: str, extension: Mapping[str, Any]) -> dict[str, Any]:
    if schema != ENTERPRISE:
        return {f"{schema}:{name}": value for name, value in extension.items()}
    found = dict(extension)
    manager = found.pop("manager", None)
    if isinstance(manager, dict) and manager.get("value") is not None:
        found["manager"] = manager["value"]
    return found


def filter_for(name: str, value: str) -> str:
    """The filter (RFC 7644 3.4.2.2) for one attribute's value; the value is quoted as JSON, so nothing leaks out."""
    text = json.dumps(value, ensure_ascii=False)
    place = place_of(name)
    if place.is_list:
        return f"{place.attribute}.value eq {text}"
    if place.entry_type:
        return f"{place.attribute}[type eq {json.dumps(place.entry_type)} and {place.part} eq {text}]"
    return f"{place.path} eq {text}"
