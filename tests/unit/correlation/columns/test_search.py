"""Who is searched for among people that come in parts is decided about as if all were looked at together."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.correlation.columns.test_correlate import (
    RECORDS,
    account,
    as_columns,
    differences,
    person,
    rule_sets,
    words,
)
from worker.correlation import NameFrequencies, bulk, correlate_many, match_keys
from worker.correlation.columns import Table, correlate_columns
from worker.correlation.columns import search as room
from worker.correlation.columns.keys import blocking_rules, keys_of, one_side
from worker.correlation.columns.search import Ids, Rows, Search, names_read
from worker.correlation.rules import MatchKind, Rule, RuleSet
from worker.correlation.similarity import Algorithm
from worker.domain.correlation import Candidate, PersonDecision, Side, Subject

Record = dict[str, Any]
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
LOGIN = RuleSet((Rule("login", "login", "login", MatchKind.FUZZY, Algorithm.OSA, weight=9, normalize=("login",)),))


def keys_by_record(records: list[Record], rule_set: RuleSet, side: Side) -> list[set[int]]:
    table = Table([], {})
    if records:
        table = Table([UUID(int=n) for n in range(len(records))], {n: [r[n] for r in records] for n in records[0]})
    rules = blocking_rules(rule_set)
    found: list[set[int]] = [set() for _ in records]
    for hashes, holders in keys_of(*one_side(table, rules, side), rules):
        for key, place in zip(hashes.tolist(), holders.tolist(), strict=True):
            found[place].add(key)
    return found


@settings(max_examples=25, deadline=None, suppress_health_check=SLOW)
@given(people=st.lists(RECORDS, min_size=1, max_size=8), accounts=st.lists(RECORDS, max_size=8), rule_set=rule_sets())
def test_records_have_a_key_of_a_table_in_common_where_they_have_one_by_one(
    people: list[Record], accounts: list[Record], rule_set: RuleSet
) -> None:
    ours = keys_by_record(people, rule_set, Side.IDENTITY)
    theirs = keys_by_record(accounts, rule_set, Side.ACCOUNT)
    plain = [set(match_keys(each, rule_set, side=Side.IDENTITY)) for each in people]
    others = [set(match_keys(each, rule_set, side=Side.ACCOUNT)) for each in accounts]

    assert [[len(one & two) for two in theirs] for one in ours] == [[len(one & two) for two in others] for one in plain]
    assert list(map(len, ours)) == list(map(len, plain))


def searched(accounts: list[Record], people: list[Record], rule_set: RuleSet, *, page: int) -> tuple[Search, Any]:
    rows = Rows(names_read(rule_set, Side.ACCOUNT))
    rows.add([str(account(at)) for at in range(len(accounts))], accounts)
    search = Search(rows, rule_set, keeps_all=False)
    ids = [str(person(at)) for at in range(len(people))]
    for at in range(0, len(people), page):
        search.meet(ids[at : at + page], people[at : at + page])
    return search, search.end()


@settings(max_examples=25, deadline=None, suppress_health_check=SLOW)
@given(
    people=st.lists(RECORDS, min_size=1, max_size=30),
    accounts=st.lists(RECORDS, min_size=1, max_size=4),
    rule_set=rule_sets(),
    most=st.integers(1, 6),
    page=st.integers(1, 9),
)
def test_those_who_are_kept_are_those_who_share_a_rare_key(
    people: list[Record], accounts: list[Record], rule_set: RuleSet, most: int, page: int
) -> None:
    keys = [set(match_keys(each, rule_set, side=Side.IDENTITY)) for each in people]
    wanted = {key for each in accounts for key in match_keys(each, rule_set, side=Side.ACCOUNT)}
    rare = {key for key in wanted if sum(key in each for each in keys) <= most}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room, "MAX_BLOCK", most)
        patch.setattr(room, "_AT_FIRST", 2)

        found = searched(accounts, people, rule_set, page=page)[0].people

    kept = [at for at, each in enumerate(keys) if each & rare]
    assert list(found.ids) == [person(at) for at in kept]
    assert all(values == [people[at].get(name) for at in kept] for name, values in found.columns.items())


@settings(max_examples=25, deadline=None, suppress_health_check=SLOW)
@given(
    people=st.lists(RECORDS, min_size=1, max_size=12),
    accounts=st.lists(RECORDS, min_size=1, max_size=8),
    rule_set=rule_sets(),
    decisions=words(),
    taken=st.lists(st.booleans(), min_size=12, max_size=12),
    most=st.integers(1, 6),
    page=st.integers(1, 9),
)
def test_what_is_decided_about_those_who_were_kept_is_what_is_decided_about_all(
    people: list[Record],
    accounts: list[Record],
    rule_set: RuleSet,
    decisions: list[PersonDecision],
    taken: list[bool],
    most: int,
    page: int,
) -> None:
    """A key that is too common finds nobody, whoever of its holders is kept for another one."""
    decisions = [replace(each, evidence={}) for each in decisions]
    ids = [person(at) for at in range(len(people))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room, "MAX_BLOCK", most)
        patch.setattr(bulk, "MAX_BLOCK", most)
        patch.setattr(room, "_AT_FIRST", 2)
        search, kind = searched(accounts, people, rule_set, page=page)
        kept = search.people
        is_taken = [taken[each.int - 1_000] for each in kept.ids]
        outcome = correlate_columns(
            as_columns(accounts, [account(at) for at in range(len(accounts))]), kept.table(is_taken),
            rule_set=rule_set, decisions=decisions, frequencies=search.frequencies, kinds=[kind],
        )  # fmt: skip
        results = correlate_many(
            [Subject(account(at), Side.ACCOUNT, each) for at, each in enumerate(accounts)],
            [Candidate(ref, people[at], is_taken=taken[at]) for at, ref in enumerate(ids)],
            rule_set=rule_set, decisions=decisions, frequencies=search.frequencies,
        )  # fmt: skip

    assert differences(outcome, results, list(kept.ids)) == []


def test_names_are_counted_among_everybody_who_is_met() -> None:
    name = Rule("name", "given+family", "given+family", MatchKind.FUZZY, Algorithm.TOKEN_SORT, normalize=("name",),
                by_frequency=True)  # fmt: skip
    people = [{"given": "Anna", "family": "Ott"}, {"given": "Anna", "family": "Ott"}, {"given": "Jan", "family": "Ott"},
              {"given": "", "family": ""}]  # fmt: skip

    search = searched([{"given": "Zoe", "family": "Zett"}], people, RuleSet((name,)), page=2)[0]

    assert search.people.ids.packed == b""
    assert search.frequencies == NameFrequencies.of(["Anna Ott", "Anna Ott", "Jan Ott", ""])
    assert searched([], [], LOGIN, page=1)[0].frequencies == NameFrequencies({}, 0)


def test_everybody_is_kept_where_very_many_look() -> None:
    search = Search(Rows(["login"]), LOGIN, keeps_all=True)

    search.meet([str(person(1)), str(person(2))], [{"login": "anna", "shoe": 38}, {"user_name": "jan"}])

    assert search.end() is None
    assert search.frequencies == NameFrequencies({}, 2)
    assert search.people.columns == {"login": ["anna", None], "user_name": [None, "jan"]}
    assert list(search.people.table([True, False]).ids) == [person(1), person(2)]
    assert list(search.people.ids.chosen(np.array([1]))) == [person(2)]
    assert Ids().packed == b""
