from typing import Any

import pytest

from worker.domain.account import TargetAccount
from worker.domain.errors import AlreadyExists, UnknownUid
from worker.service.demo.drift import plan_drift
from worker.service.demo.existing import plan_existing
from worker.service.demo.organisation import generate
from worker.service.demo.seed import Seeded, plant_drift, seed_existing
from worker.service.demo.targets import SQL

ORGANISATION = generate(count=800)


class Remembering:
    """A target in memory that keeps logins unique, as real ones do."""

    def __init__(self) -> None:
        self.accounts: dict[str, tuple[dict[str, Any], bool | None]] = {}

    async def find(self, object_class: str, attribute: str, value: str) -> list[TargetAccount]:
        found = [(uid, had) for uid, (had, _) in self.accounts.items() if had.get(attribute) == value]
        return [TargetAccount(uid, had) for uid, had in found]

    async def create(self, object_class: str, attributes: dict[str, Any], *, active: bool | None) -> str:
        if await self.find(object_class, "login", attributes["login"]):
            raise AlreadyExists
        uid = f"u{len(self.accounts)}"
        self.accounts[uid] = (attributes, active)
        return uid

    async def update(self, object_class: str, uid: str, attributes: dict[str, Any], *, active: bool | None) -> str:
        had, was = self.accounts[uid]
        self.accounts[uid] = (had | attributes, was if active is None else active)
        return uid

    async def delete(self, object_class: str, uid: str) -> None:
        self.accounts[uid] = ({}, False)


async def test_every_planned_account_is_made_once_however_often_it_is_asked() -> None:
    planned, target, seen = plan_existing(ORGANISATION, SQL), Remembering(), []
    first = await seed_existing(planned, target=target, on_progress=lambda: seen.append(1))
    again = await seed_existing(planned, target=target)

    assert first == Seeded(created=len(planned), present=0)
    assert again == Seeded(created=0, present=len(planned))
    assert len(target.accounts) == len(planned) == len(seen)


async def test_drift_is_planted_at_the_target_and_in_our_records() -> None:
    drift, target, forgotten = plan_drift(ORGANISATION, SQL), Remembering(), []
    for employee in ORGANISATION.active:
        await target.create("user", SQL.account_of(employee), active=True)
    before = len(target.accounts)

    async def forget(uid: str) -> None:
        forgotten.append(uid)

    uids = await plant_drift(drift, demo_target=SQL, target=target, forget=forget)

    assert set(uids) == {one.login for one in drift}
    assert len(target.accounts) == before + 4
    assert sum(not attributes for attributes, _ in target.accounts.values()) == 6
    assert len(forgotten) == 4
    assert sum(attributes.get("title") == "Team Lead" for attributes, _ in target.accounts.values()) == 1


async def test_drift_of_somebody_without_an_account_says_so() -> None:
    async def forget(uid: str) -> None:
        """Nothing to forget here."""

    with pytest.raises(UnknownUid, match="warehouse-app has 0 accounts with the login"):
        await plant_drift(plan_drift(ORGANISATION, SQL), demo_target=SQL, target=Remembering(), forget=forget)
