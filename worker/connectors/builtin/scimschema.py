"""What a SCIM service says of its users (RFC 7643 6, 7), as flat names of ``scimpaths``, without I/O."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from worker.connectors.base import AttributeSchema, ObjectSchema
from worker.connectors.builtin.scimpaths import (
    CORE,
    ENTERPRISE,
    ENTERPRISE_NAMES,
    MULTI_VALUED,
    NAME_PARTS,
    SIMPLE,
)
from worker.domain.mapping import PASSWORDS

NAMING = "userName"
_TYPES = {"boolean": "boolean", "integer": "integer", "decimal": "number", "dateTime": "date"}
#: Kinds of entries that services know without saying so.
_USUAL_KINDS = {"emails": ("work",), "phoneNumbers": ("work",)}
#: What of an entry is no part of its own.
_OF_THE_LIST = frozenset({"type", "primary", "display", "$ref"})


def object_schema(object_class: str, *, schemas: Sequence[Any], types: Sequence[Any], endpoint: str) -> ObjectSchema:
    """The attributes of users, of what ``/Schemas`` and ``/ResourceTypes`` list; neither lists anything: assumed."""
    known = {str(each.get("id")): each for each in schemas if isinstance(each, dict)}
    ours = next(
        (each for each in types if isinstance(each, dict) and _last_of(each.get("endpoint")) == _last_of(endpoint)),
        None,
    )
    wanted = _schemas_of(ours) if ours is not None else []
    missing = [name for name in wanted if name not in known]
    if not wanted or missing:
        why = f"it does not show the schema {missing[0]}" if missing else "it does not say what its users are made of"
        return _assumed(object_class, f"the service is not asked in full, for {why}")
    attributes: dict[str, AttributeSchema] = {"externalId": AttributeSchema("externalId")}
    families: dict[str, AttributeSchema] = {}
    for name in wanted:
        for each in _parts(known[name].get("attributes")):
            single, several = _of_extension(name, each) if name != wanted[0] else _of_core(each)
            attributes |= {found.name: found for found in single}
            families |= {found.name: found for found in several}
    if NAMING not in attributes:
        return _assumed(object_class, "the service is not asked in full, for its users have no userName there")
    return ObjectSchema(
        object_class, NAMING, tuple(attributes.values()), is_complete=True, families=tuple(families.values())
    )


_Found = tuple[list[AttributeSchema], list[AttributeSchema]]


def _last_of(endpoint: Any) -> str:
    return str(endpoint).rstrip("/").rpartition("/")[2].lower()


def _schemas_of(resource_type: Mapping[str, Any]) -> list[str]:
    """The schema of a resource type, and those of its extensions behind it."""
    extensions = _parts(resource_type.get("schemaExtensions"))
    return [str(resource_type.get("schema", CORE)), *(str(each.get("schema")) for each in extensions)]


def _parts(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _of_core(each: Mapping[str, Any]) -> _Found:
    """The flat names of an attribute of the core schema; those that have none cannot be written by us."""
    name = str(each.get("name"))
    if name in SIMPLE:
        return [_attribute(name, each)], []
    parts = _parts(each.get("subAttributes"))
    if name == "name":
        of_name = [_attribute(f"name.{part.get('name')}", part) for part in parts if part.get("name") in NAME_PARTS]
        return of_name, []
    return _of_entries(name, each, parts) if name in MULTI_VALUED else ([], [])


def _of_entries(name: str, each: Mapping[str, Any], parts: Sequence[Mapping[str, Any]]) -> _Found:
    """The list of all values, and the entries of each kind; a service may well know more kinds than it says."""
    by_name = {str(part.get("name")): part for part in parts}
    value = by_name.get("value")
    values = by_name.get("type", {}).get("canonicalValues")
    kinds = [kind for kind in values if isinstance(kind, str)] if isinstance(values, list) else []
    kinds = [kind for kind in kinds if kind and "." not in kind]
    told: dict[tuple[str, ...], Mapping[str, Any]] = {(): value} if value is not None else {}
    told |= {(part,): of for part, of in by_name.items() if part not in {*_OF_THE_LIST, "value"}}
    single = [AttributeSchema(name, multi_valued=True, writable=_is_writable(each))] if value is not None else []
    for kind in dict.fromkeys([*_USUAL_KINDS.get(name, ()), *kinds]):
        single += [_attribute(".".join((name, kind, *tail)), of, is_optional=True) for tail, of in told.items()]
    return single, [_attribute(".".join((name, "*", *tail)), of, is_optional=True) for tail, of in told.items()]


def _of_extension(schema: str, each: Mapping[str, Any]) -> _Found:
    name = str(each.get("name"))
    if schema != ENTERPRISE:
        return [_attribute(f"{schema}:{name}", each)], []
    if name not in ENTERPRISE_NAMES:
        return [], []
    return [_attribute(name, each, type_="string" if name == "manager" else None)], []


def _attribute(
    name: str, each: Mapping[str, Any], *, is_optional: bool = False, type_: str | None = None
) -> AttributeSchema:
    mutability = each.get("mutability", "readWrite")
    is_secret = name.casefold() in PASSWORDS
    return AttributeSchema(
        name,
        type=type_ or _TYPES.get(str(each.get("type")), "string"),
        required=name == NAMING or (not is_optional and each.get("required") is True),
        multi_valued=each.get("multiValued") is True,
        comparison="ignore_case" if name == NAMING else "exact",
        writable=_is_writable(each),
        readable=mutability != "writeOnly" and each.get("returned") != "never" and not is_secret,
        unique=name == NAMING or each.get("uniqueness") in ("server", "global"),
        secret=is_secret,
    )


def _is_writable(each: Mapping[str, Any]) -> bool:
    return bool(each.get("mutability", "readWrite") != "readOnly")


def _assumed(object_class: str, why: str) -> ObjectSchema:
    """What users usually have (RFC 7643 4)."""
    names = (*SIMPLE, *(f"name.{part}" for part in NAME_PARTS), *ENTERPRISE_NAMES, *_usual())
    single = tuple(_attribute(name, {}) for name in names)
    lists = tuple(AttributeSchema(name, multi_valued=True) for name in MULTI_VALUED if name != "addresses")
    return ObjectSchema(object_class, NAMING, single + lists, incomplete_because=why)


def _usual() -> Iterable[str]:
    return (f"{name}.{kind}" for name, kinds in _USUAL_KINDS.items() for kind in kinds)
