"""Sensible rules for two tables of which only the column names are known."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from worker.correlation.contents import Columns, fitted
from worker.correlation.defaults import NAME_RULE, SHIPPED_RULES, name_path
from worker.correlation.headings import by_role, likely_role_of
from worker.correlation.roles import plain
from worker.correlation.rules import MatchKind, Rule, RuleSet
from worker.correlation.similarity import Algorithm

#: Numbers of rows: equal ones say nothing about whose row it is.
_ROW_NUMBERS = frozenset(map(plain, ("id", "account_id", "identity_id", "rec_id", "record_id", "row_id", "row", "no")))
#: Of two tables that somebody holds side by side, most rows of the one belong to somebody in the other.
_OFFSET = 2.0
#: A column of the same name on both sides that nothing is known about: worth little either way until it is learnt.
_UNKNOWN = Rule("", "", "", MatchKind.FUZZY, Algorithm.OSA, threshold=0.9, weight=2.0, disagreement=0.3, blocking=False)


#: A number that tells people apart, of which nothing else is known.
_NUMBER = replace(SHIPPED_RULES["employee_number"], tier=2)
#: The rows of a table whose contents are looked at: of more, only the names of its columns.
_MOST_ROWS = 100_000


def guessed_rule_set(
    identities: Iterable[str] | Columns, accounts: Iterable[str] | Columns, *, version: int = 1
) -> RuleSet:
    """Make rules for these columns: what is known by its name on both sides, then what merely has the same name.

    Of tables (columns with their values) what stands in them corrects what the names say. Without a column in common
    the rule set is empty and finds nobody.
    """
    sources, targets = list(dict.fromkeys(identities)), list(dict.fromkeys(accounts))
    ours, theirs = by_role(sources), by_role(targets)
    numbers: list[tuple[str, str]] = []
    alike = _of_one_name(sources, targets)
    if isinstance(identities, Mapping) and isinstance(accounts, Mapping) and _is_small(identities, accounts):
        unusable = frozenset(column for column in (*sources, *targets) if plain(column) in _ROW_NUMBERS)
        seen = fitted(identities, accounts, (ours, theirs), unusable=unusable)
        ours, theirs, numbers = seen.identities, seen.accounts, seen.numbers
        alike = list(dict.fromkeys([*seen.others, *(pair for pair in alike if pair not in numbers)]))
    _cross_logins(ours, theirs)
    rules = _of_roles(ours, theirs)
    rules += _of_columns(numbers, _NUMBER, rules)
    rules += _of_columns(alike, _UNKNOWN, rules)
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


def _is_small(*tables: Columns) -> bool:
    return max(len(next(iter(table.values()), ())) for table in tables) <= _MOST_ROWS


def _cross_logins(ours: dict[str, list[str]], theirs: dict[str, list[str]]) -> None:
    """A mailbox is mostly named as its login: where one side has no login, its address stands for it."""
    for found, others in ((ours, theirs), (theirs, ours)):
        if "user_name" not in found and "user_name" in others and "email" in found:
            found["user_name"] = list(found["email"])


def _of_roles(ours: dict[str, list[str]], theirs: dict[str, list[str]]) -> list[Rule]:
    found = [
        replace(rule, source=" | ".join(ours[role]), target=" | ".join(theirs[role]))
        for role, rule in SHIPPED_RULES.items()
        if role in ours and role in theirs
    ]
    if (source := name_path(ours)) and (target := name_path(theirs)):
        found.append(replace(NAME_RULE, source=source, target=target))
    return found


def _of_columns(pairs: Iterable[tuple[str, str]], kind: Rule, known: list[Rule]) -> list[Rule]:
    taken = {rule.name for rule in known}
    return [replace(kind, name=source, source=source, target=target) for source, target in pairs if source not in taken]


def _of_one_name(sources: list[str], targets: list[str]) -> list[tuple[str, str]]:
    theirs = {plain(column): column for column in reversed(targets) if not likely_role_of(column)}
    return [
        (column, theirs[plain(column)])
        for column in sources
        if plain(column) in theirs and not likely_role_of(column) and plain(column) not in _ROW_NUMBERS
    ]


def _paths(found: Mapping[str, list[str]], *roles: str) -> str:
    return " | ".join(dict.fromkeys(column for role in roles for column in found.get(role, [])))
