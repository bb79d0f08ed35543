"""From an event that is kept to an operation that is finished: the whole way, through a daemon of its own.

Inbox, identity, plan with mapping, claim, before-hook in the sandbox, correlation with the accounts that the table had
before, guard, insert, finish with attempt and archive.
"""

import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from tests.benchmarks import company, processes
from tests.benchmarks.company import Reach, Staff
from tests.benchmarks.figures import Figure, Size, at_least
from tests.benchmarks.ground import Ground, Site
from tests.benchmarks.served import Served, completed, leftovers, serve, start_run, until_done
from worker.domain.run import RunKind
from worker.intake import EventReceiver
from worker.intake.events import CloudEvent
from worker.service.demo.organisation import Employee, generate

A_SECOND_AND_CORE = 1_500
AT_ONCE = 500
WARM_UP = 40
UNIT = "operations/s"


@dataclass(frozen=True, slots=True)
class Travelled:
    """How many operations, in how many seconds, on how many seconds of a core: the daemon's and PostgreSQL's."""

    count: int
    took_s: float
    daemon_s: float
    server_s: float


async def measure(ground: Ground, size: Size) -> AsyncIterator[Figure]:
    """By the clock, and by the time on a core: the daemon with its sandboxes, and PostgreSQL."""
    async with ground.site("journey") as site:
        reach = await company.sql_reach(ground, site)
        staff = Staff(generate(count=12_000), reach.target)
        async with serve(site) as daemon:
            await _prepare(site, reach, staff, size.already)
            done = await _travel(site, daemon, staff.take(size.events), server=await ground.server_pid())
    core = f"{UNIT} a core"
    yield at_least("event to finished, by the clock", done.count / done.took_s, UNIT, A_SECOND_AND_CORE)
    yield at_least("event to finished, daemon", done.count / done.daemon_s, core, A_SECOND_AND_CORE)
    yield at_least("event to finished, PostgreSQL", done.count / done.server_s, core, A_SECOND_AND_CORE)


async def _prepare(site: Site, reach: Reach, staff: Staff, already: int) -> None:
    """A target with accounts of its own and its first listing, and a daemon that has done all of it before."""
    connector = await company.add_target(site, reach)
    await company.fill(reach, connector, staff.take(already))
    await start_run(site, connector.id, kind=RunKind.RECONCILIATION)
    await until_done(site)
    await _tell(site, staff.take(WARM_UP))
    await until_done(site)
    if (done := await completed(site)) != WARM_UP:
        raise RuntimeError(f"{done} of {WARM_UP} operations were completed; left: {await leftovers(site)}")


async def _travel(site: Site, daemon: Served, people: Sequence[Employee], *, server: int) -> Travelled:
    """All events are kept while the daemon is held still; then it goes."""
    before = await completed(site)
    with daemon.stopped():
        await _tell(site, people)
        daemon_s, server_s = processes.cpu_s(daemon.process.pid), processes.cpu_s(server)
        started = time.monotonic()
    await until_done(site)
    took = time.monotonic() - started
    daemon_s = processes.cpu_s(daemon.process.pid) - daemon_s
    server_s = processes.cpu_s(server) - server_s
    tick_s = 0.01  # the kernel counts no less
    daemon_s, server_s = max(daemon_s, tick_s), max(server_s, tick_s)
    done = await completed(site) - before
    if done != len(people):
        raise RuntimeError(f"{done} of {len(people)} operations were completed; left: {await leftovers(site)}")
    return Travelled(done, took, daemon_s, server_s)


async def _tell(site: Site, people: Sequence[Employee]) -> None:
    """Keep an event for each of them, as the door for events does."""
    receiver = EventReceiver(site.pool)
    events = [
        CloudEvent(
            id=f"new-{one.employee_number}",
            source="personnel",
            type="identity.created",
            data={
                "external_id": one.employee_number,
                "user_name": one.display_name,
                "attributes": {name: value for name, value in one.as_row().items() if value},
            },
        )
        for one in people
    ]
    for at in range(0, len(events), AT_ONCE):
        await receiver.receive(site.tenant_id, events=events[at : at + AT_ONCE])
