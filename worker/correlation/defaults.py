"""The rules we ship: sensible without labels, for targets whose attributes have usual names.

The weights are log odds from the error rates and frequencies of identity data: about ln(P(agree | same person) /
P(agree | two people)) for agreement, and the same of disagreement against.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from worker.correlation.roles import ALIASES, role_of
from worker.correlation.rules import MatchKind, Rule, RuleSet
from worker.correlation.similarity import Algorithm
from worker.domain.mapping import MappingVersion

#: Log odds of having a counterpart at all, before any evidence: somewhat more often than not.
OFFSET = 0.8
_FUZZY = MatchKind.FUZZY
_NUMBER, _PLACE = ("employee_number",), ("fold",)
#: By what an attribute holds; their paths are filled in.
SHIPPED_RULES: dict[str, Rule] = {
    "external_id": Rule("external id", "", "", weight=13, disagreement=7, tier=1, normalize=_NUMBER),
    "employee_number": Rule("employee number", "", "", weight=11, disagreement=6, tier=1, normalize=_NUMBER),
    "national_id": Rule(
        "national id", "", "", _FUZZY, Algorithm.OSA, threshold=0.84, neutral=0.14, weight=12, disagreement=6, tier=1,
        normalize=_NUMBER, typos_in_digits=True,
    ),
    "email": Rule(
        "email", "", "", _FUZZY, Algorithm.OSA, weight=10, disagreement=2.5, tier=1, normalize=("email",), group="name"
    ),
    "user_name": Rule(
        "user name", "", "", _FUZZY, Algorithm.OSA, weight=9, disagreement=2, tier=1, normalize=("login",), group="name"
    ),
    "birth_date": Rule("birth date", "", "", weight=8, disagreement=6, normalize=("date",)),
    "phone": Rule("phone", "", "", weight=4, disagreement=0.5, normalize=("digits",)),
    "department": Rule("department", "", "", weight=2, disagreement=1.2, blocking=False),
    "city": Rule(
        "city", "", "", _FUZZY, Algorithm.JARO_WINKLER, threshold=0.9, weight=2, disagreement=0.7, normalize=_PLACE,
        blocking=False, group="place",
    ),
    "postcode": Rule(
        "postcode", "", "", _FUZZY, Algorithm.OSA, threshold=0.75, neutral=0.1, weight=4.5, disagreement=0.9,
        normalize=_PLACE, blocking=False, group="place", typos_in_digits=True,
    ),
    "street": Rule(
        "street", "", "", _FUZZY, Algorithm.TOKEN_SORT, threshold=0.82, weight=5.5, disagreement=0.9, normalize=_PLACE,
        group="place",
    ),
    "street_number": Rule(
        "street number", "", "", weight=3, disagreement=0.6, normalize=_PLACE, blocking=False, group="place"
    ),
    "state": Rule("state", "", "", weight=1, disagreement=0.8, normalize=_PLACE, blocking=False, group="place"),
    "title": Rule("title", "", "", weight=1.8, disagreement=0.3, blocking=False),
    "manager": Rule("manager", "", "", weight=2.5, disagreement=0.5, blocking=False),
    "company": Rule("company", "", "", weight=0.5, disagreement=0.8, blocking=False),
    "cost_center": Rule("cost center", "", "", weight=2, disagreement=0.6, blocking=False),
}  # fmt: skip
NAME_RULE = Rule(
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
        replace(rule, source=_source(role), target=" | ".join(found[role]))
        for role, rule in SHIPPED_RULES.items()
        if role in found
    ]
    if name := name_path(found):
        rules.append(replace(NAME_RULE, source=f"given_name+family_name | {_source('display_name')}", target=name))
    logins = " | ".join(found.get("user_name", []) + found.get("email", []))
    service_source = f"{_source('user_name')} | {_source('email')}" if logins else ""
    return RuleSet(
        rules=tuple(rules), version=version, offset=OFFSET, service_source=service_source, service_target=logins
    )


def name_path(found: Mapping[str, list[str]]) -> str:
    """Where a whole name stands, by role: both parts of it joined, or as it is shown; empty when nowhere."""
    pairs = zip(found.get("given_name", []), found.get("family_name", []), strict=False)
    return " | ".join([*(f"{given}+{family}" for given, family in pairs), *found.get("display_name", [])])


def _roles(targets: Iterable[str], mapping: Mapping[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    by_target = {target: role_of(source) for source, target in mapping.items()}
    for target in dict.fromkeys([*targets, *mapping.values()]):
        if role := by_target.get(target) or role_of(target):
            found.setdefault(role, []).append(target)
    return found


def _source(role: str) -> str:
    """Identity attributes follow one naming, so a few spellings do."""
    return " | ".join(dict.fromkeys([role, *ALIASES[role][:4]]))
