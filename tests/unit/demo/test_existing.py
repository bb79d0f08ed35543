"""What is planted is judged by the correlation that ships, with the demo's own rules: nothing here is wishful."""

from collections import Counter

import pytest

from tests.unit.demo.judging import wrong_accounts, wrong_owners
from worker.service.demo.existing import COUNTS, plan_existing
from worker.service.demo.organisation import Organisation
from worker.service.demo.targets import TARGETS, DemoTarget

EACH = pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.type)


@EACH
async def test_owner_of_each_account_is_found_as_planned(target: DemoTarget, organisation: Organisation) -> None:
    assert await wrong_owners(target, organisation) == []


@EACH
async def test_account_of_each_employee_is_found_as_planned(target: DemoTarget, organisation: Organisation) -> None:
    assert await wrong_accounts(target, organisation) == []


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
