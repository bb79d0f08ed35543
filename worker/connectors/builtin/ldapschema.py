"""What a directory's subschema says of our entries (RFC 4512 4), without I/O.

An entry may have what its object classes allow, with those above them and, where a rule about the content of entries
has any, the auxiliary ones of that rule; and, whatever its classes, operational attributes.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from worker.connectors.base import AttributeSchema, ObjectSchema
from worker.connectors.builtin.ldapsettings import LdapSettings
from worker.domain.mapping import PASSWORDS

#: The attributes of a subschema that are read.
WANTED = ("attributeTypes", "objectClasses", "dITContentRules")
_TOKEN = re.compile(r"'((?:[^'])*)'|([()$])|([^\s()$']+)")
_SYNTAX = "1.3.6.1.4.1.1466.115.121.1."
_TYPES = {f"{_SYNTAX}7": "boolean", f"{_SYNTAX}27": "integer"}
#: How the values of a matching rule are compared; of every other rule they are compared exactly.
_COMPARISONS = {
    "caseignorematch": "ignore_case",
    "caseignoreia5match": "ignore_case",
    "caseignorelistmatch": "ignore_case",
    "telephonenumbermatch": "ignore_case",
    "distinguishednamematch": "dn",
    "integermatch": "number",
}
_ANYTHING = "extensibleobject"
_LONGEST_CHAIN = 50


@dataclass(frozen=True, slots=True)
class Definition:
    """One definition of a subschema: its oid, its names, and what stands behind its words, by the word."""

    oid: str
    names: tuple[str, ...]
    words: Mapping[str, tuple[str, ...]]

    @property
    def name(self) -> str:
        return self.names[0] if self.names else self.oid

    def one(self, word: str) -> str | None:
        return next(iter(self.words.get(word, ())), None)


def read_definition(text: str) -> Definition | None:
    """A definition, or None for a text that is none."""
    tokens = list(_TOKEN.finditer(text))
    if len(tokens) < 3 or tokens[0][0] != "(" or tokens[-1][0] != ")":
        return None
    words: dict[str, tuple[str, ...]] = {}
    at = 2
    while at < len(tokens) - 1:
        word, at = tokens[at][0], at + 1
        values, at = _values(tokens, at)
        words[word.upper()] = values
    return Definition(tokens[1][0], words.get("NAME", ()), words)


def _values(tokens: Sequence[re.Match[str]], at: int) -> tuple[tuple[str, ...], int]:
    """What stands behind a word: nothing, one value, or several in brackets; and where the next word is."""
    if tokens[at][0] == "(":
        found = []
        at += 1
        while at < len(tokens) - 1 and tokens[at][0] != ")":
            if tokens[at][0] != "$":
                found.append(_text(tokens[at]))
            at += 1
        return tuple(found), at + 1
    if tokens[at - 1][0].upper() in _FLAGS or tokens[at][0] == ")":
        return (), at
    return (_text(tokens[at]),), at + 1


#: Words that nothing stands behind.
_FLAGS = frozenset(
    {"OBSOLETE", "SINGLE-VALUE", "COLLECTIVE", "NO-USER-MODIFICATION", "ABSTRACT", "STRUCTURAL", "AUXILIARY"}
)


def _text(token: re.Match[str]) -> str:
    return token[0][1:-1] if token[0].startswith("'") else token[0]


@dataclass(slots=True)
class Subschema:
    """All definitions by any of their names, in lower case, and by oid."""

    types: dict[str, Definition] = field(default_factory=dict)
    classes: dict[str, Definition] = field(default_factory=dict)
    contents: dict[str, Definition] = field(default_factory=dict)

    def chain(self, known: Mapping[str, Definition], name: str) -> list[Definition]:
        """A definition and those above it; nothing where there is none."""
        found: list[Definition] = []
        waiting = [name]
        while waiting and len(found) < _LONGEST_CHAIN:
            definition = known.get(waiting.pop(0).lower())
            if definition is not None and definition not in found:
                found.append(definition)
                waiting += definition.words.get("SUP", ())
        return found

    def inherited(self, name: str, word: str) -> str | None:
        """What an attribute type says, or the nearest above it that does."""
        return next((found for each in self.chain(self.types, name) if (found := each.one(word))), None)

    def name_of(self, name: str) -> str:
        """What the directory calls an attribute that may be given by another of its names."""
        known = self.types.get(name.lower())
        return known.name if known is not None else name


def read_subschema(entry: Mapping[str, Sequence[bytes]]) -> Subschema:
    """Read the subschema's entry; a definition that cannot be read counts as none."""
    values = {name.lower(): [one.decode(errors="replace") for one in found] for name, found in entry.items()}
    return Subschema(*(_by_name(values.get(name.lower(), ())) for name in WANTED))


def _by_name(texts: Iterable[str]) -> dict[str, Definition]:
    found: dict[str, Definition] = {}
    for definition in map(read_definition, texts):
        for name in (definition.oid, *definition.names) if definition is not None else ():
            found.setdefault(name.lower(), definition)  # type: ignore[arg-type]  # None has no names
    return found


def object_schema(object_class: str, settings: LdapSettings, subschema: Subschema | None) -> ObjectSchema:
    """The attributes of our entries; ``subschema`` None: the directory does not show it."""
    unknown = [each for each in settings.object_classes if subschema and each.lower() not in subschema.classes]
    if subschema is None or not subschema.types or unknown:
        why = f"it does not know the object class {unknown[0]!r}" if unknown else "it does not show its schema"
        return _assumed(object_class, settings, f"the directory is not asked in full, for {why}")
    must, may = _allowed(subschema, settings.object_classes)
    many = {name.lower() for name in settings.multi_valued}
    naming = settings.rdn_attribute
    told = dict.fromkeys([*must, *may, *(subschema.name_of(each) for each in settings.multi_valued)])
    is_named = {naming.lower(), subschema.name_of(naming).lower()}
    names = [naming, *(name for name in told if name.lower() not in is_named)]
    attributes = [_attribute(name, subschema, settings, must=must, many=many) for name in names]
    known = {name.lower() for name in names}
    operational = [
        _attribute(each.name, subschema, settings, must={}, many=many)
        for each in {each.oid: each for each in subschema.types.values()}.values()
        if (each.one("USAGE") or "userApplications") != "userApplications" and each.name.lower() not in known
    ]
    return ObjectSchema(object_class, naming, (*attributes, *operational), is_complete=True, has_options=True)


def _allowed(subschema: Subschema, classes: Sequence[str]) -> tuple[dict[str, None], dict[str, None]]:
    """What entries of these classes must and may have, by the names that the directory has for it."""
    must: dict[str, None] = {}
    may: dict[str, None] = {}
    for definition in (each for name in classes for each in subschema.chain(subschema.classes, name)):
        needed = dict.fromkeys(map(subschema.name_of, definition.words.get("MUST", ())))
        if definition.name.lower() == "top":  # what every entry has, the directory sees to itself
            may |= needed
        else:
            must |= needed
        may |= dict.fromkeys(map(subschema.name_of, definition.words.get("MAY", ())))
        if _ANYTHING in (name.lower() for name in definition.names):
            may |= dict.fromkeys(each.name for each in subschema.types.values())
        rule = subschema.contents.get(definition.oid)
        for extra in rule.words.get("AUX", ()) if rule else ():
            for each in subschema.chain(subschema.classes, extra):
                names = (*each.words.get("MUST", ()), *each.words.get("MAY", ()))
                may |= dict.fromkeys(map(subschema.name_of, names))
        may |= dict.fromkeys(map(subschema.name_of, rule.words.get("MAY", ()) if rule else ()))
    return must, may


def _attribute(
    name: str, subschema: Subschema, settings: LdapSettings, *, must: Mapping[str, None], many: set[str]
) -> AttributeSchema:
    syntax = (subschema.inherited(name, "SYNTAX") or "").partition("{")[0]
    rule = (subschema.inherited(name, "EQUALITY") or "").lower()
    definition = subschema.types.get(name.lower())
    is_naming = name.lower() == settings.rdn_attribute.lower()
    return AttributeSchema(
        name,
        type=_TYPES.get(syntax, "string"),
        required=is_naming or name in must,
        multi_valued=name.lower() in many,
        comparison="ignore_case" if is_naming else _COMPARISONS.get(rule, "exact"),
        writable=definition is None or "NO-USER-MODIFICATION" not in definition.words,
        unique=is_naming,
        secret=name.casefold() in PASSWORDS,
    )


def _assumed(object_class: str, settings: LdapSettings, why: str) -> ObjectSchema:
    """What people's entries usually have."""
    naming = settings.rdn_attribute
    names = dict.fromkeys([naming, "cn", "sn", "givenName", "displayName", "mail", "title", "ou", "employeeNumber"])
    many = {name.lower() for name in settings.multi_valued}
    fields: dict[str, Any] = {"comparison": "ignore_case"}
    attributes = [
        AttributeSchema(
            name,
            required=name in {naming, "cn", "sn"},
            multi_valued=name.lower() in many,
            unique=name == naming,
            secret=name.casefold() in PASSWORDS,
            **fields,
        )
        for name in [*names, *(name for name in settings.multi_valued if name not in names)]
    ]
    return ObjectSchema(object_class, naming, tuple(attributes), incomplete_because=why, has_options=True)
