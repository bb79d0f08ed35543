"""Weights learnt from two tables without labels."""

import random
from typing import Any
from uuid import UUID

import pytest

from worker.correlation import NameFrequencies, RuleSet, guessed_rule_set
from worker.correlation.columns import Table, correlate_columns
from worker.correlation.refine import Refined, refined
from worker.correlation.rules import Rule
from worker.domain.correlation import Decision

GIVEN = ["Anna", "Bert", "Carla", "Dora", "Emil", "Frieda", "Gerd", "Hanna", "Ida", "Jan", "Karl", "Lena"]
COLUMNS = ["given_name", "family_name", "phone", "department", "city", "badge"]
PEOPLE = 400


def people() -> list[dict[str, str]]:
    rng = random.Random(5)
    return [
        {
            "given_name": rng.choice(GIVEN),
            "family_name": f"{rng.choice('bdfgklmnprstw')}{rng.choice('aeiou')}{rng.choice('lmnrst')}er{number % 40:02}"
            .replace("0", "a").replace("1", "o"),
            "phone": f"030 {700_000 + number}",
            "department": rng.choice(["Sales", "IT", "Legal", "HR"]),
            "city": rng.choice(["Berlin", "Wien", "Graz", "Bern", "Linz"]),
            "badge": f"b{number}",
        }
        for number in range(PEOPLE)
    ]  # fmt: skip


def accounts(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """The department is mostly out of date, the city never is; every fifth account is of somebody else."""
    rng = random.Random(6)
    found = [row | {"department": rng.choice(["Sales", "IT", "Legal", "HR"])} for row in rows[: PEOPLE * 4 // 5]]
    for number in range(PEOPLE // 5):
        other = rng.choice(rows)
        found.append(other | {"family_name": f"Zz{number}", "phone": f"089 {number:07}", "badge": f"x{number}"})
    return found


def table(rows: list[dict[str, str]], first: int) -> Table:
    columns: dict[str, Any] = {name: [row[name] for row in rows] for name in COLUMNS}
    return Table([UUID(int=first + place) for place in range(len(rows))], columns)


IDENTITIES, ACCOUNTS = table(people(), 1), table(accounts(people()), 10_000)
RULES = guessed_rule_set(COLUMNS, COLUMNS)
FREQUENCIES = NameFrequencies.of(f"{row['given_name']} {row['family_name']}" for row in people())


@pytest.fixture(scope="module")
def learnt() -> Refined:
    return refined(IDENTITIES, ACCOUNTS, rule_set=RULES, frequencies=FREQUENCIES)


def links(rule_set: RuleSet) -> int:
    outcome = correlate_columns(ACCOUNTS, IDENTITIES, rule_set=rule_set, frequencies=FREQUENCIES)
    return sum(outcome.decision(place) is Decision.AUTO for place in range(PEOPLE))


def rule(rule_set: RuleSet, name: str) -> Rule:
    return next(each for each in rule_set.rules if each.name == name)


def test_what_is_never_out_of_date_speaks_louder_against_than_what_mostly_is(learnt: Refined) -> None:
    city, department = rule(learnt.rule_set, "city"), rule(learnt.rule_set, "department")

    assert city.disagreement > 3 > 1 > department.disagreement
    assert city.weight > department.weight


def test_what_nobody_else_has_is_worth_more_than_what_many_have(learnt: Refined) -> None:
    assert rule(learnt.rule_set, "phone").weight > 5 > rule(learnt.rule_set, "city").weight


def test_how_many_accounts_have_an_owner_is_learnt_too(learnt: Refined) -> None:
    assert learnt.pairs == pytest.approx(PEOPLE * 4 / 5, rel=0.02)
    assert learnt.rule_set.offset == pytest.approx(3.0, abs=0.3)  # ln(0.8 / 0.2) - ln(0.2)


def test_who_mostly_has_an_account_already_leaves_fewer_to_choose_from() -> None:
    """Most of the people have no account at all here: each account may be anybody's."""
    few = table(accounts(people())[: PEOPLE // 10], 10_000)

    found = refined(IDENTITIES, few, rule_set=RULES, frequencies=FREQUENCIES)

    share = found.pairs / len(few.ids)
    assert share > 0.9
    assert found.rule_set.offset == pytest.approx(3.5, abs=0.2)  # ln(0.97 / 0.03): nobody is ever sure of more


def test_names_bear_witness_and_learn_nothing(learnt: Refined) -> None:
    assert rule(learnt.rule_set, "name") == rule(RULES, "name")


def test_the_same_tables_teach_the_same(learnt: Refined) -> None:
    assert refined(IDENTITIES, ACCOUNTS, rule_set=RULES, frequencies=FREQUENCIES) == learnt


def test_a_learnt_rule_set_can_be_stored_and_links_no_fewer(learnt: Refined) -> None:
    stored = RuleSet.from_json(learnt.rule_set.to_json())
    linked = {tag: links(rules) for tag, rules in (("shipped", RULES), ("learnt", stored))}

    assert stored == learnt.rule_set
    assert linked["shipped"] <= linked["learnt"] <= PEOPLE * 4 // 5


def test_somebody_may_be_in_one_table_twice() -> None:
    rows = people()
    twice = table([*rows, *rows[:100]], 1)

    found = refined(twice, twice, rule_set=RULES, frequencies=FREQUENCIES, one_to_one=False)

    assert 200 <= found.pairs < PEOPLE  # each pair from both of its ends, and some namesakes
    assert found.rule_set.offset < 0.5


def test_where_nobody_comes_into_question_nothing_is_learnt() -> None:
    nobody = refined(IDENTITIES, table([], 1), rule_set=RULES)

    assert (nobody.rule_set, nobody.pairs, nobody.accounts) == (RULES, 0.0, 0)
