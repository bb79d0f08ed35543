"""Judges planted accounts by the correlation that ships, with the demo's own rules."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from worker.correlation import CorrelationService, NameFrequencies, RuleSet, match_keys
from worker.domain.correlation import Candidate, CorrelationResult, Decision, MatchKey, Side, Subject
from worker.service.demo.existing import Expectation, PlannedAccount, plan_existing
from worker.service.demo.organisation import Employee, Organisation
from worker.service.demo.targets import DemoTarget

DECISIONS = {
    Expectation.LINK: Decision.AUTO,
    Expectation.CASE: Decision.REVIEW,
    Expectation.NOBODY: Decision.NONE,
}


class Indexed:
    """Candidates by their keys, as our records hold them."""

    def __init__(self, candidates: Iterable[Candidate], rule_set: RuleSet, side: Side) -> None:
        self.hashes: frozenset[int] | None = None
        self._candidates: dict[UUID, Candidate] = {}
        self._by_key: dict[MatchKey, list[UUID]] = defaultdict(list)
        for one in candidates:
            self._candidates[one.ref_id] = one
            for key in match_keys(one.attributes, rule_set, side=side):
                self._by_key[key].append(one.ref_id)

    async def by_keys(self, keys: Sequence[Sequence[MatchKey]], limit: int) -> list[list[Candidate]]:
        counts = [Counter(ref_id for key in some for ref_id in self._by_key.get(key, ())) for some in keys]
        return [[self._candidates[ref_id] for ref_id, _ in found.most_common(limit)] for found in counts]


async def wrong_owners(target: DemoTarget, organisation: Organisation) -> list[str]:
    """As a reconciliation looks: whose is this account? What is not as planned, in words."""
    rule_set, frequencies = RuleSet.from_json(target.rule_set), _frequencies(organisation)
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
            wrong.append(f"{account.kind}: {account.why} -> {result.decision}: {result.reason}")
    return wrong


async def wrong_accounts(target: DemoTarget, organisation: Organisation) -> list[str]:
    """As an execution looks before a create: has this person an account already? What is not as planned, in words."""
    rule_set, frequencies = RuleSet.from_json(target.rule_set), _frequencies(organisation)
    planned = dict(enumerate(plan_existing(organisation, target), 1))
    accounts = [Candidate(UUID(int=number), account.attributes) for number, account in planned.items()]
    source = Indexed(accounts, rule_set, Side.ACCOUNT)
    mine = {number: account for account in planned.values() for number in account.employees}
    wrong = []
    for one in filter(target.wants, organisation.employees):
        subject = Subject(id_of(one.employee_number), Side.IDENTITY, as_source(one), target.account_of(one))
        result = await CorrelationService().correlate(
            subject, rule_set=rule_set, source=source, frequencies=frequencies
        )
        account = mine.get(one.employee_number)
        expected = account.expectation if account else Expectation.NOBODY
        found = planned[result.match.ref_id.int] if result.match else None
        if result.decision is not DECISIONS[expected] or found is not (
            account if expected is Expectation.LINK else None
        ):
            wrong.append(f"{one.display_name}: {result.decision}: {result.reason}")
    return wrong


def id_of(number: str) -> UUID:
    return UUID(int=int(number))


def as_source(employee: Employee) -> dict[str, Any]:
    row = {name: value for name, value in employee.as_row().items() if value and name != "status"}
    number = employee.employee_number
    return {**row, "id": str(id_of(number)), "external_id": number, "user_name": number, "active": employee.is_active}


def is_as_planned(account: PlannedAccount, result: CorrelationResult) -> bool:
    if result.decision is not DECISIONS[account.expectation]:
        return False
    if account.expectation is Expectation.LINK:
        return result.match is not None and result.match.ref_id == id_of(account.employees[0])
    in_question = {candidate.ref_id for candidate in result.candidates}
    return account.expectation is Expectation.NOBODY or set(map(id_of, account.employees)) <= in_question


def _frequencies(organisation: Organisation) -> NameFrequencies:
    return NameFrequencies.of([one.display_name for one in organisation.employees])
