"""Many at once: everybody for himself, then one to one."""

from typing import Any

from tests.unit.correlation.people import ANNA, HERS, NAMESAKES, RULES, only, ref
from worker.correlation import RuleSet, correlate_many
from worker.correlation.bulk import MAX_BLOCK
from worker.domain.correlation import (
    NOBODY,
    Candidate,
    CorrelationResult,
    Decision,
    PersonDecision,
    Side,
    Subject,
    Verdict,
)

BY_NAME = only(HERS, "first_name", "last_name")


def many(accounts: list[dict[str, Any]], people: list[dict[str, Any]], **others: Any) -> list[CorrelationResult]:
    subjects = [Subject(ref(100 + at), Side.ACCOUNT, account) for at, account in enumerate(accounts)]
    candidates = [Candidate(ref(1 + at), person) for at, person in enumerate(people)]
    return correlate_many(subjects, candidates, **({"rule_set": RULES} | others))


def links(results: list[CorrelationResult]) -> list[int | None]:
    return [result.match.ref_id.int if result.match else None for result in results]


BERT = {"user_name": "bert.huber", "mail": "bert.huber@acme.example", "given_name": "Bert", "family_name": "Huber"}
HIS = {"login": "bert.huber", "email": "bert.huber@acme.example", "first_name": "Bert", "last_name": "Huber"}


def test_everybody_finds_his_own_in_the_order_asked() -> None:
    assert links(many([HIS, {"login": "zz"}, HERS], [ANNA, BERT])) == [2, None, 1]
    assert correlate_many([], [], rule_set=RULES) == []


def test_identities_find_accounts_just_as_well() -> None:
    found = correlate_many([Subject(ref(1), Side.IDENTITY, ANNA)], [Candidate(ref(100), HERS)], rule_set=RULES)

    assert links(found) == [100]


def test_two_accounts_that_fit_equally_are_both_for_a_person() -> None:
    old = {"login": "anna.mueller.old", "email": "a@acme.example", "phone": None}
    found = many([HERS, HERS | old], [ANNA])
    equal = many([HERS, HERS], [ANNA])

    assert [result.decision for result in equal] == ["review", "review"]
    assert equal[0].reason.endswith("but another claims the same")
    assert (found[0].decision, found[1].decision) == (Decision.AUTO, Decision.REVIEW)
    assert "another claims the same" in found[1].reason


def test_one_whose_best_is_another_s_gets_what_is_left() -> None:
    """Two accounts of namesakes; the second fits the first person nearly as well, until she is taken."""
    first = ANNA | {"employee_number": "41"}
    second = only(ANNA, "given_name", "family_name", "department", "birth_date", "phone")
    accounts = [HERS | {"emp_no": 41}, BY_NAME | only(HERS, "dept", "birth_date", "phone")]

    alone = many(accounts[1:], [first, second])
    together = many(accounts, [first, second])

    assert alone[0].decision is Decision.REVIEW
    assert links(together) == [1, 2]


def test_what_a_person_gave_away_nobody_else_gets() -> None:
    decisions = [PersonDecision(ref(100), ref(1), Verdict.IS)]

    found = many([HIS, HERS], [ANNA], decisions=decisions)

    assert links(found) == [1, None]
    assert found[1].decision is Decision.REVIEW


def test_what_a_person_gave_away_without_a_common_key_is_taken_too() -> None:
    decisions = [PersonDecision(ref(100), ref(1), Verdict.IS)]

    found = many([{"login": "zz"}, HERS], [ANNA], decisions=decisions)

    assert links(found) == [1, None]


def test_an_account_of_nobody_claims_nobody() -> None:
    decisions = [PersonDecision(ref(100), NOBODY, Verdict.NOBODY)]

    assert links(many([HERS, HERS], [ANNA], decisions=decisions)) == [None, 1]


def test_a_pair_that_a_person_parted_makes_no_claim() -> None:
    decisions = [PersonDecision(ref(100), ref(1), Verdict.IS_NOT)]

    assert links(many([HERS, HERS], [ANNA], decisions=decisions)) == [None, 1]


def test_a_definitive_rule_outweighs_all_others() -> None:
    rule = {"name": "badge", "source": "badge", "target": "badge", "definitive": True, "weight": 1}
    rules = RuleSet.from_json({"rules": [*RULES.to_json()["rules"], rule]})

    found = many([NAMESAKES | {"badge": "b1"}, HERS], [ANNA | {"badge": "B1"}], rule_set=rules)

    assert links(found) == [1, None]


def test_a_key_that_too_many_share_leads_to_nobody() -> None:
    people = [only(ANNA, "given_name", "family_name") for _ in range(MAX_BLOCK + 1)]

    assert many([BY_NAME], people)[0].decision is Decision.NONE
    assert many([BY_NAME], people[1:])[0].decision is Decision.REVIEW


def test_tuning_mode_links_nobody() -> None:
    assert links(many([HERS, HERS], [ANNA], tuning_mode=True)) == [None, None]
