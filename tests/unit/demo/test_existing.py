"""What is planted is judged by the correlation that ships, with the demo's own rules: nothing here is wishful."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import pytest

from worker.correlation import CorrelationService, NameFrequencies, RuleSet, match_keys
from worker.domain.correlation import Candidate, CorrelationResult, Decision, MatchKey, Side, Subject
from worker.service.demo.existing import COUNTS, Expectation, PlannedAccount, plan_existing
from worker.service.demo.organisation import Employee, Organisation
from worker.service.demo.targets import TARGETS, DemoTarget

EACH = pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.type)
DECISIONS = {
    Expectation.LINK: Decision.AUTO,
    Expectation.CASE: Decision.REVIEW,
    Expectation.NOBODY: Decision.NONE,
}


class Indexed:
    """Candidates by their keys, as our records hold them."""

    def __init__(self, candidates: Iterable[Candidate], rule_set: RuleSet, side: Side) -> None:
        self._candidates: dict[UUID, Candidate] = {}
        self._by_key: dict[MatchKey, list[UUID]] = defaultdict(list)
        for one in candidates:
            self._candidates[one.ref_id] = one
            for key in match_keys(one.attributes, rule_set, side=side):
                self._by_key[key].append(one.ref_id)

    async def by_keys(self, keys: Iterable[MatchKey], limit: int) -> list[Candidate]:
        found = Counter(ref_id for key in keys for ref_id in self._by_key.get(key, ()))
        return [self._candidates[ref_id] for ref_id, _ in found.most_common(limit)]


@pytest.fixture(scope="module")
def frequencies(organisation: Organisation) -> NameFrequencies:
    return NameFrequencies.of([one.display_name for one in organisation.employees])


def id_of(number: str) -> UUID:
    return UUID(int=int(number))


def as_source(employee: Employee) -> dict[str, Any]:
    row = {name: value for name, value in employee.as_row().items() if value and name != "status"}
    number = employee.employee_number
    return {**row, "id": str(id_of(number)), "external_id": number, "user_name": number, "active": employee.is_active}


def told(account: PlannedAccount, result: CorrelationResult) -> str:
    return f"{account.kind}: {account.why} -> {result.decision}: {result.reason}"


def is_as_planned(account: PlannedAccount, result: CorrelationResult) -> bool:
    if result.decision is not DECISIONS[account.expectation]:
        return False
    if account.expectation is Expectation.LINK:
        return result.match is not None and result.match.ref_id == id_of(account.employees[0])
    in_question = {candidate.ref_id for candidate in result.candidates}
    return account.expectation is Expectation.NOBODY or set(map(id_of, account.employees)) <= in_question


@EACH
async def test_owner_of_each_account_is_found_as_planned(
    target: DemoTarget, organisation: Organisation, frequencies: NameFrequencies
) -> None:
    """As a reconciliation looks: whose is this account?"""
    rule_set = RuleSet.from_json(target.rule_set)
    people = [
        Candidate(id_of(one.employee_number), as_source(one), name=one.display_name) for one in organisation.employees
    ]
    source = Indexed(people, rule_set, Side.IDENTITY)
    wrong = []
    for number, account in enumerate(plan_existing(organisation, target), 1):
        result = await CorrelationService().find_identity(
            UUID(int=number), account.attributes, rule_set=rule_set, source=source, frequencies=frequencies
        )
        if not is_as_planned(account, result):
            wrong.append(told(account, result))

    assert wrong == []


@EACH
async def test_account_of_each_employee_is_found_as_planned(
    target: DemoTarget, organisation: Organisation, frequencies: NameFrequencies
) -> None:
    """As an execution looks before a create: has this person an account already? Nobody gets another's."""
    rule_set = RuleSet.from_json(target.rule_set)
    planned = dict(enumerate(plan_existing(organisation, target), 1))
    accounts = [Candidate(UUID(int=number), account.attributes) for number, account in planned.items()]
    source = Indexed(accounts, rule_set, Side.ACCOUNT)
    concerned = {number for account in planned.values() for number in account.employees}
    others = [one for one in organisation.employees if one.employee_number not in concerned][::5]
    mine = {one: account for account in planned.values() for one in account.employees}
    wrong = []
    for one in [*(one for one in organisation.employees if one.employee_number in concerned), *others]:
        if not target.wants(one):
            continue
        subject = Subject(id_of(one.employee_number), Side.IDENTITY, as_source(one), target.account_of(one))
        result = await CorrelationService().correlate(
            subject, rule_set=rule_set, source=source, frequencies=frequencies
        )
        account = mine.get(one.employee_number)
        found = planned[result.match.ref_id.int] if result.match else None
        is_linked = account is not None and account.expectation is Expectation.LINK
        is_asked = account is not None and account.expectation is Expectation.CASE
        if found is not (account if is_linked else None) or (result.decision is Decision.REVIEW) != is_asked:
            wrong.append(f"{one.display_name}: {result.decision}: {result.reason}")

    assert wrong == []


@EACH
def test_plan_is_complete_and_the_same_every_time(target: DemoTarget, organisation: Organisation) -> None:
    planned = plan_existing(organisation, target)

    assert planned == plan_existing(organisation, target)
    assert set(Counter(account.kind for account in planned)) == set(COUNTS[target.name])
    assert all(account.target == target.name and account.why for account in planned)


@EACH
def test_no_two_accounts_claim_what_must_be_unique(target: DemoTarget, organisation: Organisation) -> None:
    """Else the target would refuse one; a login of somebody else's would also stop that person's create."""
    planned = plan_existing(organisation, target)
    owners = {one.login: one.employee_number for one in organisation.employees}
    unique = [target.login, target.mail, target.attribute("employee_number")]
    for name in unique:
        values = [account.attributes[name] for account in planned if name in account.attributes]
        assert len(values) == len(set(values))
    for account in planned:
        owner = owners.get(account.attributes[target.login])
        assert owner is None or owner in account.employees


@EACH
def test_nobody_is_planted_twice(target: DemoTarget, organisation: Organisation) -> None:
    numbers = [number for account in plan_existing(organisation, target) for number in account.employees]

    assert len(numbers) == len(set(numbers))


@EACH
def test_attributes_are_those_of_the_target_without_empty_ones(target: DemoTarget, organisation: Organisation) -> None:
    known = {rule.target for rule in target.rules} | {target.login, target.mail}
    required = {rule.target for rule in target.rules if rule.source == "family_name"} | {target.login}
    for account in plan_existing(organisation, target):
        assert required <= set(account.attributes) <= known
        assert all(account.attributes.values())
