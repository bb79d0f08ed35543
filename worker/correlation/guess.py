"""Sensible rules for two tables of which only the column names are known."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from worker.correlation.defaults import NAME_RULE, SHIPPED_RULES, name_path
from worker.correlation.roles import by_role, likely_role_of, plain
from worker.correlation.rules import MatchKind, Rule, RuleSet
from worker.correlation.similarity import Algorithm

#: Numbers of rows: equal ones say nothing about whose row it is.
_ROW_NUMBERS = frozenset(map(plain, ("id", "account_id", "identity_id", "rec_id", "record_id", "row_id", "row", "no")))
#: Of two tables that somebody holds side by side, most rows of the one belong to somebody in the other.
_OFFSET = 2.0
#: A column of the same name on both sides that nothing is known about: worth little either way until it is learnt.
_UNKNOWN = Rule("", "", "", MatchKind.FUZZY, Algorithm.OSA, threshold=0.9, weight=2.0, disagreement=0.3, blocking=False)


def guessed_rule_set(identities: Iterable[str], accounts: Iterable[str], *, version: int = 1) -> RuleSet:
    """Make rules for these columns: what is known by its name on both sides, then what merely has the same name.

    Without a column in common the rule set is empty and finds nobody.
    """
    sources, targets = list(dict.fromkeys(identities)), list(dict.fromkeys(accounts))
    ours, theirs = by_role(sources), by_role(targets)
    rules = [
        replace(rule, source=" | ".join(ours[role]), target=" | ".join(theirs[role]))
        for role, rule in SHIPPED_RULES.items()
        if role in ours and role in theirs
    ]
    if (source := name_path(ours)) and (target := name_path(theirs)):
        rules.append(replace(NAME_RULE, source=source, target=target))
    rules += _unknown(sources, targets, {rule.name for rule in rules})
    logins, own = _paths(theirs, "user_name", "email"), _paths(ours, "user_name", "email")
    return RuleSet(
        rules=tuple(rules),
        version=version,
        offset=_OFFSET,
        service_source=own if logins else "",
        service_target=logins,
        ended=_paths(ours, "ended") if "created" in theirs else "",
        created=_paths(theirs, "created") if "ended" in ours else "",
    )


def _unknown(sources: list[str], targets: list[str], taken: set[str]) -> list[Rule]:
    theirs = {plain(column): column for column in reversed(targets) if not likely_role_of(column)}
    found = []
    for column in sources:
        other = theirs.get(plain(column))
        if other and not likely_role_of(column) and plain(column) not in _ROW_NUMBERS and column not in taken:
            found.append(replace(_UNKNOWN, name=column, source=column, target=other))
    return found


def _paths(found: Mapping[str, list[str]], *roles: str) -> str:
    return " | ".join(column for role in roles for column in found.get(role, []))
