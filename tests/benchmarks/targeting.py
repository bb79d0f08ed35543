"""Operations on real targets, through a daemon: queue, hook, correlation, guard, target, finish, attempts."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import aiohttp

from tests.benchmarks import company
from tests.benchmarks.company import CONCURRENCY, Reach, Staff
from tests.benchmarks.figures import Figure, Size, at_least, at_most, beside, left_out
from tests.benchmarks.ground import Ground, Site
from tests.benchmarks.served import Served, completed, leftovers, serve, start_run, until_done, until_worked_off
from worker.connectors.builtin.scimpaths import resource_of
from worker.domain.run import RunKind
from worker.service.demo.organisation import Employee, generate

CREATES_WITHIN_S = 2.0
OPERATIONS_A_SECOND = 500
#: How much of a bare client's rate must be left over SCIM.
BARE_SHARE = 0.8
#: Turns of the daemon and the bare client.
ROUNDS = 3
#: Made before the clock runs, so that hook, connections and statements are warm as in a daemon that has been up.
WARM_UP = 40


@dataclass(frozen=True, slots=True)
class Worked:
    """Seconds and numbers of what a daemon worked off."""

    creates: int
    create_s: float
    updates: int = 0
    update_s: float = 0.0

    @property
    def rate(self) -> float:
        return (self.creates + self.updates) / (self.create_s + self.update_s)


async def measure_sql(ground: Ground, size: Size) -> AsyncIterator[Figure]:
    """Creates and updates in an application's table."""
    async with ground.site("sql") as site:
        worked = await _work(site, await company.sql_reach(ground, site), size.already, size.creates)
    yield at_most("1,000 creates to SQL", worked.create_s * 1_000 / worked.creates, "s", CREATES_WITHIN_S)
    yield at_least("operations to SQL", worked.rate, "operations/s", OPERATIONS_A_SECOND)


async def measure_ldap(ground: Ground, size: Size) -> AsyncIterator[Figure]:
    """Creates and updates in a directory."""
    reach = await company.ldap_reach(ground)
    if reach is None:
        yield left_out("operations to LDAP", "operations/s", "slapd is not installed")
        return
    async with ground.site("ldap") as site:
        worked = await _work(site, reach, size.already, size.creates)
    yield at_least("operations to LDAP", worked.rate, "operations/s", OPERATIONS_A_SECOND)


async def measure_scim(ground: Ground, size: Size) -> AsyncIterator[Figure]:
    """Creates at a SCIM service in turns with a bare client that does nothing but send them.

    In turns, because a machine is seldom as fast for one second as for the next.
    """
    reach = await company.scim_reach(ground)
    staff = Staff(generate(count=12_000), reach.target)
    async with ground.site("scim") as site, serve(site) as daemon:
        await _prepare(site, reach, staff, already=min(size.already, 100))
        ours, together, alone = 0.0, 0.0, 0.0
        for _ in range(ROUNDS):
            together += await _bare_s(reach, staff.take(size.scim_creates), at_once=CONCURRENCY)
            ours += (await _creates(site, daemon, staff.take(size.scim_creates))).create_s
            alone += await _bare_s(reach, staff.take(size.scim_creates), at_once=1)
    made = ROUNDS * size.scim_creates
    for name, peer, took in (
        ("creates to SCIM", "bare client, one at a time", alone),
        ("creates to SCIM, eight bare", "bare client, eight at once", together),
    ):
        yield beside(name, made / ours, "creates/s", peer=peer, rate=made / took, wanted=BARE_SHARE)


async def _work(site: Site, reach: Reach, already: int, creates: int) -> Worked:
    """Creates, then an update of each, beside accounts that were there already and belong to others."""
    staff = Staff(generate(), reach.target)
    async with serve(site) as daemon:
        await _prepare(site, reach, staff, already=already)
        people = staff.take(creates)
        ids: list[UUID] = []
        done = await _creates(site, daemon, people, ids)
        update_s = await _timed(site, daemon, company.move(site, ids), expect=len(ids))
    return Worked(done.creates, done.create_s, len(ids), update_s)


async def _prepare(site: Site, reach: Reach, staff: Staff, *, already: int) -> None:
    """A target with accounts of its own and its first listing, and a daemon that is warm."""
    connector = await company.add_target(site, reach)
    await company.fill(reach, connector, staff.take(already))
    await start_run(site, connector.id, kind=RunKind.RECONCILIATION)
    await until_done(site)
    await company.hire(site, staff.take(WARM_UP))
    await until_done(site)


async def _creates(site: Site, daemon: Served, people: Sequence[Employee], ids: list[UUID] | None = None) -> Worked:
    async def hire() -> None:
        hired = await company.hire(site, people)
        if ids is not None:
            ids.extend(hired)

    return Worked(len(people), await _timed(site, daemon, hire(), expect=len(people)))


async def _timed(site: Site, daemon: Served, making: Any, *, expect: int) -> float:
    """Make operations while the daemon is held still; the seconds from its release until they are all finished."""
    before = await completed(site)
    with daemon.stopped():
        await making
        started = time.monotonic()
    await until_worked_off(site)
    took = time.monotonic() - started
    done = await completed(site) - before
    if done != expect:
        raise RuntimeError(f"{done} of {expect} operations were completed; left: {await leftovers(site)}")
    return took


async def _bare_s(reach: Reach, people: Sequence[Employee], *, at_once: int) -> float:
    """The seconds that a loop takes which only sends them."""
    bodies = [resource_of(reach.target.account_of(one), active=True) for one in people]
    waiting = iter(bodies)
    async with aiohttp.ClientSession(
        headers={
            "Authorization": f"Bearer {reach.credentials['token']}",
            "Content-Type": "application/scim+json",
        },
        connector=aiohttp.TCPConnector(limit=at_once),
    ) as session:

        async def send() -> None:
            for body in waiting:
                async with session.post(f"{reach.config['url']}/Users", json=body) as response:
                    response.raise_for_status()
                    await response.read()

        started = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(send())
        return time.monotonic() - started
