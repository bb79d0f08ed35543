"""The rules we ship: sensible without labels, for targets whose attributes have usual names.

The weights are log odds from the error rates and frequencies of identity data: about ln(P(agree | same person) /
P(agree | two people)) for agreement, and the same of disagreement against.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from worker.correlation.rules import MatchKind, Rule, RuleSet
from worker.correlation.similarity import Algorithm
from worker.domain.mapping import MappingVersion

#: What identities and targets call the things that tell people apart; compared without case and separators.
_ALIASES: dict[str, tuple[str, ...]] = {
    "external_id": ("external_id", "externalid", "immutable_id", "source_id"),
    "employee_number": (
        "employee_number", "employeenumber", "employee_id", "emp_no", "empno", "emp_number", "personnel_number",
        "staff_id", "staff_number", "person_number",
    ),
    "user_name": (
        "user_name", "login", "uid", "samaccountname", "login_name", "account_name", "account", "logon", "user",
        "userprincipalname",
    ),
    "email": ("mail", "email", "email_address", "mail_address", "e_mail", "emails", "emails.value", "proxyaddresses"),
    "given_name": ("given_name", "first_name", "name.givenName", "forename", "vorname"),
    "family_name": ("family_name", "last_name", "surname", "sn", "name.familyName", "nachname"),
    "display_name": ("display_name", "full_name", "cn", "name", "name.formatted", "common_name"),
    "birth_date": ("birth_date", "date_of_birth", "birthday", "dob", "geburtsdatum"),
    "department": ("department", "dept", "department_name", "org_unit", "organizational_unit", "ou", "abteilung"),
    "phone": ("phone", "telephone", "telephone_number", "phone_number", "mobile", "mobile_phone", "phoneNumbers.value"),
}  # fmt: skip

_NAMED = frozenset({"given_name", "family_name", "display_name"})


@dataclass(frozen=True, slots=True)
class _Shipped:
    role: str
    rule: Rule


_FUZZY = MatchKind.FUZZY
_SHIPPED = (
    _Shipped(
        "external_id", Rule("external id", "", "", weight=13, disagreement=7, tier=1, normalize=("employee_number",))
    ),
    _Shipped(
        "employee_number",
        Rule("employee number", "", "", weight=11, disagreement=6, tier=1, normalize=("employee_number",)),
    ),
    _Shipped(
        "email",
        Rule(
            "email",
            "",
            "",
            _FUZZY,
            Algorithm.OSA,
            weight=10,
            disagreement=2.5,
            tier=1,
            normalize=("email",),
            group="name",
        ),
    ),
    _Shipped(
        "user_name",
        Rule(
            "user name",
            "",
            "",
            _FUZZY,
            Algorithm.OSA,
            weight=9,
            disagreement=2,
            tier=1,
            normalize=("login",),
            group="name",
        ),
    ),
    _Shipped("birth_date", Rule("birth date", "", "", weight=8, disagreement=6, normalize=("date",))),
    _Shipped("phone", Rule("phone", "", "", weight=4, disagreement=0.5, normalize=("digits",))),
    _Shipped("department", Rule("department", "", "", weight=2, disagreement=1.2, blocking=False)),
)
_NAME = Rule(
    "name", "", "", _FUZZY, Algorithm.TOKEN_SORT, weight=8.5, disagreement=4, normalize=("name",), group="name",
    by_frequency=True,
)  # fmt: skip


def rule_set_in_force(
    stored: tuple[int, Mapping[str, Any]] | None, *, attributes: Iterable[str], mapping: MappingVersion | None
) -> RuleSet:
    """The rules that somebody stored (version, document), else the shipped ones for what the target knows."""
    if stored is not None:
        return RuleSet.from_json({**stored[1], "version": stored[0]})
    sources = {
        rule.source: rule.target for rule in (mapping.rules if mapping else ()) if rule.source and not rule.expression
    }
    return default_rule_set(attributes, mapping=sources)


def default_rule_set(targets: Iterable[str], *, mapping: Mapping[str, str] | None = None, version: int = 1) -> RuleSet:
    """Make the rules for a target with these attributes.

    ``mapping`` names, per identity attribute, the target attribute that it fills; with it, attributes of unusual names
    are found too. A connector without any known attribute gets an empty rule set, which never finds anybody.
    """
    found = _roles(targets, mapping or {})
    rules = [
        replace(shipped.rule, source=_source(shipped.role), target=" | ".join(found[shipped.role]))
        for shipped in _SHIPPED
        if shipped.role in found
    ]
    if name := _name_target(found):
        rules.append(replace(_NAME, source=f"given_name+family_name | {_source('display_name')}", target=name))
    logins = " | ".join(found.get("user_name", []) + found.get("email", []))
    service_source = f"{_source('user_name')} | {_source('email')}" if logins else ""
    return RuleSet(rules=tuple(rules), version=version, service_source=service_source, service_target=logins)


def _roles(targets: Iterable[str], mapping: Mapping[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    by_target = {target: _role(source) for source, target in mapping.items()}
    for target in dict.fromkeys([*targets, *mapping.values()]):
        if role := by_target.get(target) or _role(target):
            found.setdefault(role, []).append(target)
    return found


def _role(attribute: str) -> str | None:
    return _ROLE_OF.get(_plain(attribute))


def _plain(attribute: str) -> str:
    return "".join(sign for sign in attribute.lower() if sign.isalnum())


_ROLE_OF = {_plain(alias): role for role, aliases in _ALIASES.items() for alias in aliases}


def _source(role: str) -> str:
    """Identity attributes follow one naming, so a few spellings do."""
    return " | ".join(dict.fromkeys([role, *_ALIASES[role][:4]]))


def _name_target(found: Mapping[str, list[str]]) -> str:
    pairs = zip(found.get("given_name", []), found.get("family_name", []), strict=False)
    return " | ".join([*(f"{given}+{family}" for given, family in pairs), *found.get("display_name", [])])
