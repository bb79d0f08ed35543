from collections import Counter

import pytest

from worker.domain.discrepancy import DiscrepancyType
from worker.service.demo.drift import COUNTS, Change, expected_kinds, plan_drift
from worker.service.demo.existing import plan_existing
from worker.service.demo.organisation import Organisation
from worker.service.demo.targets import TARGETS, DemoTarget

EACH = pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.type)


@EACH
def test_every_kind_of_discrepancy_is_planted(target: DemoTarget, organisation: Organisation) -> None:
    drift = plan_drift(organisation, target)

    assert expected_kinds(drift) == COUNTS
    assert set(COUNTS) == set(DiscrepancyType)
    assert drift == plan_drift(organisation, target)


@EACH
def test_drift_happens_to_people_with_an_account_who_had_none_before(
    target: DemoTarget, organisation: Organisation
) -> None:
    people = {one.employee_number: one for one in organisation.employees}
    before = {number for account in plan_existing(organisation, target) for number in account.employees}
    hit = [one.employee for one in plan_drift(organisation, target) if one.employee]

    assert len(hit) == len(set(hit))
    assert not set(hit) & before
    assert all(target.wants(people[number]) for number in hit)


@EACH
def test_every_mismatch_changes_something_that_we_manage(target: DemoTarget, organisation: Organisation) -> None:
    people = {one.employee_number: one for one in organisation.employees}
    for one in plan_drift(organisation, target):
        if one.kind is not DiscrepancyType.MISMATCH:
            continue
        account = target.account_of(people[one.employee or ""])
        differs = any(account.get(name) != value for name, value in one.attributes.items())
        assert differs or one.active is False


@EACH
def test_removals_stay_below_what_the_safeguard_lets_pass(target: DemoTarget, organisation: Organisation) -> None:
    changes = Counter(change for one in plan_drift(organisation, target) for change in one.changes)

    assert changes[Change.DELETE] < 10


@EACH
def test_new_accounts_take_nobodys_login(target: DemoTarget, organisation: Organisation) -> None:
    taken = {one.login for one in organisation.employees}
    taken |= {account.attributes[target.login] for account in plan_existing(organisation, target)}
    for one in plan_drift(organisation, target):
        if Change.CREATE in one.changes:
            assert one.login not in taken
            assert one.attributes[target.login] == one.login
