"""Puts the planned accounts into the demo's targets, through the targets' own connectors."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from worker.domain.account import TargetAccount
from worker.domain.errors import AlreadyExists, UnknownUid
from worker.service.demo.drift import Change, Drift
from worker.service.demo.existing import PlannedAccount
from worker.service.demo.targets import DemoTarget

OBJECT_CLASS = "user"

#: Removes our record of the account with this uid.
Forget = Callable[[str], Awaitable[None]]


class Target(Protocol):
    """What seeding needs of an open connector."""

    async def find(self, object_class: str, attribute: str, value: str) -> list[TargetAccount]: ...
    async def create(self, object_class: str, attributes: dict[str, Any], *, active: bool | None) -> str: ...
    async def update(self, object_class: str, uid: str, attributes: dict[str, Any], *, active: bool | None) -> str: ...
    async def delete(self, object_class: str, uid: str) -> object: ...


@dataclass(frozen=True, slots=True)
class Seeded:
    """How many accounts were made, and how many were there already."""

    created: int = 0
    present: int = 0


async def seed_existing(
    planned: Iterable[PlannedAccount],
    *,
    target: Target,
    concurrency: int = 8,
    on_progress: Callable[[], None] = lambda: None,
) -> Seeded:
    """Make the accounts that a target has before the first run. Calm when repeated."""
    limit = asyncio.Semaphore(concurrency)

    async def make(account: PlannedAccount) -> bool:
        async with limit:
            try:
                await target.create(OBJECT_CLASS, account.attributes, active=account.active)
            except AlreadyExists:
                return False
            finally:
                on_progress()
            return True

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(make(account)) for account in planned]
    made = sum(task.result() for task in tasks)
    return Seeded(made, len(tasks) - made)


async def plant_drift(
    drift: Iterable[Drift], *, demo_target: DemoTarget, target: Target, forget: Forget
) -> dict[str, str]:
    """Let everything go wrong that was planned; answers the uid of each account by its login."""
    return {one.login: await _plant(one, demo_target, target, forget) for one in drift}


async def _plant(one: Drift, demo_target: DemoTarget, target: Target, forget: Forget) -> str:
    if Change.CREATE in one.changes:
        return await target.create(OBJECT_CLASS, one.attributes, active=one.active)
    found = await target.find(OBJECT_CLASS, demo_target.login, one.login)
    if len(found) != 1:
        raise UnknownUid(f"{demo_target.name} has {len(found)} accounts with the login {one.login}, one was expected")
    uid = found[0].uid
    if Change.UPDATE in one.changes:
        await target.update(OBJECT_CLASS, uid, one.attributes, active=one.active)
    if Change.FORGET in one.changes:
        await forget(uid)
    if Change.DELETE in one.changes:
        await target.delete(OBJECT_CLASS, uid)
    return uid
