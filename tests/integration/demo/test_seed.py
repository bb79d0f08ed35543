"""The demo's accounts fit into real targets: nothing planned is refused, and all of it comes back as planned."""

from typing import Any

import pytest

from tests.unit.demo.judging import wrong_accounts, wrong_owners
from worker.domain.account import TargetAccount
from worker.domain.discrepancy import DiscrepancyType
from worker.service.demo.drift import plan_drift
from worker.service.demo.existing import plan_existing
from worker.service.demo.organisation import Organisation, generate
from worker.service.demo.seed import Seeded, plant_drift, seed_existing
from worker.service.demo.targets import TARGETS, DemoTarget

EACH_SERVER = pytest.mark.parametrize(
    "target",
    [pytest.param(one, id=one.type, marks=[pytest.mark.needs("slapd")] * (one.type == "ldap")) for one in TARGETS],
)


@pytest.fixture(scope="session")
def organisation() -> Organisation:
    return generate()


@pytest.fixture
def connector(target: DemoTarget, request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(f"{target.type}_connector")


async def listed(connector: Any) -> list[TargetAccount]:
    accounts: list[TargetAccount] = []
    token = None
    while True:
        page = await connector.search("user", token=token, page_size=200)
        accounts += page.accounts
        token = page.next_token
        if page.is_last:
            return accounts


#: Of 5,000 people, so many namesakes may be asked about that the plan takes for strangers: a doubt costs a look.
ASKED_BESIDES = 8


@EACH_SERVER
async def test_every_planned_account_is_taken_and_drift_can_be_planted(
    target: DemoTarget, connector: Any, organisation: Organisation
) -> None:
    planned = plan_existing(organisation, target)
    drift = plan_drift(organisation, target)
    people = {one.employee_number: one for one in organisation.employees}
    forgotten = []

    async def forget(uid: str) -> None:
        forgotten.append(uid)

    assert await seed_existing(planned, target=connector) == Seeded(created=len(planned))
    assert await seed_existing(planned, target=connector) == Seeded(present=len(planned))
    accounts = {one.attributes[target.login]: one for one in await listed(connector)}
    for one in planned:
        found = accounts[one.attributes[target.login]]
        assert {name: value for name, value in found.attributes.items() if name in one.attributes} == one.attributes
        assert found.active is not False
    for one in drift:
        if one.employee:
            await connector.create("user", target.account_of(people[one.employee]), active=True)
    await plant_drift(drift, demo_target=target, target=connector, forget=forget)
    left = {one.attributes[target.login]: one for one in await listed(connector)}

    gone = {one.login for one in drift if one.kind in {DiscrepancyType.DELETED, DiscrepancyType.MISSING}}
    assert not gone & set(left)
    assert {one.login for one in drift} - gone <= set(left)
    assert len(forgotten) == 4
    disabled = [one.login for one in drift if one.active is False]
    assert [left[login].active for login in disabled] == [False]


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.type)
async def test_correlation_decides_as_planned_in_the_whole_organisation(
    target: DemoTarget, organisation: Organisation
) -> None:
    otherwise = [*await wrong_owners(target, organisation), *await wrong_accounts(target, organisation)]

    assert [each for each in otherwise if "review:" not in each] == []
    assert len(otherwise) <= ASKED_BESIDES, otherwise
