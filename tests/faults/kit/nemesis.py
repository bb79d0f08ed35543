"""Carries out a schedule: one step after the other, those that take long beside the next ones."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Literal

import asyncpg

from tests.faults.kit.fleet import Fleet, is_running, state_of, until_gone
from tests.faults.kit.proxy import Proxy, is_change_reply, is_commit_reply
from tests.faults.kit.schedule import Fault, Profile, Step, Tally
from tests.faults.kit.site import Site

#: At most so many daemons are held still at once; the others must go on meanwhile.
HELD_AT_ONCE = 4
#: A pause lasts from this many leases to that many.
SHORTEST_PAUSE, LONGEST_PAUSE = 1.1, 2.0
DRAIN_S = 2.0
#: Seconds beyond the drain in which a daemon ends, by the promise and for a machine that has other work.
STOP_SLACK_S = 20.0
#: All others hit the way to the database, or to the target.
OF_DAEMONS = frozenset({Fault.KILL, Fault.PAUSE, Fault.TERM})
#: How long a fault is looked for somebody to hit.
SEARCH_S = 5.0
#: Between two faults so many operations are to be done, for which so long is waited.
WORK, WORK_S = 3, 0.4
DONE = "SELECT count(*) AS n FROM operations_archive"
HELD = """
SELECT count(*) AS n FROM operations o JOIN workers w ON w.id = o.owner
WHERE w.pid = $1 AND o.status = 'in_progress'
"""
OWNERS = "SELECT id FROM workers WHERE pid = $1 AND expires_at > clock_timestamp()"
LEFT = "SELECT count(*) AS n FROM operations WHERE owner = ANY($1::uuid[])"
TERMINATE = """
SELECT count(pg_terminate_backend(pid)) AS n FROM pg_stat_activity WHERE usename = 'provisiond_worker'
"""


class Nemesis:
    """Does harm to a fleet and its surroundings; ``violations`` are promises that it saw broken on the spot."""

    def __init__(self, site: Site, fleet: Fleet, profile: Profile) -> None:
        self._site = site
        self._fleet = fleet
        self._lease_s = profile.lease_s
        self._beside: set[asyncio.Task[None]] = set()
        self.tally = Tally()
        self.violations: list[str] = []
        self._database_faults = 0
        self._done = 0
        self._acts: dict[Fault, Callable[[Step], Awaitable[bool | None]]] = {
            Fault.KILL: self._kill,
            Fault.PAUSE: self._pause,
            Fault.TERM: self._term,
            Fault.CRASH: self._crash,
            Fault.TERMINATE: self._terminate,
            Fault.LOSE_COMMIT: self._lose_commit,
            Fault.CUT_MESSAGE: self._cut_message,
            Fault.CUT_BYTES: self._cut_bytes,
            Fault.RESET: self._reset,
            Fault.BLACKHOLE: self._blackhole,
            Fault.DELAY: self._delay,
            Fault.LONG_TRANSACTION: self._long_transaction,
            Fault.LANES_LOCKED: self._lanes_locked,
            Fault.TARGET_LOSES_REPLY: self._target_loses_reply,
            Fault.TARGET_RESET: self._target_reset,
        }

    async def rage(self, steps: Sequence[Step]) -> None:
        """All of the schedule; at its end nothing that was begun goes on."""
        for step in steps:
            await asyncio.sleep(step.after)
            await self._let_work()
            self._database_faults += step.fault not in OF_DAEMONS
            hit = await self._acts[step.fault](step)
            if hit is not None:  # else it goes on beside the others, and says so itself
                self.tally.note(step.fault, hit=hit)
            self._died_of_it(await self._fleet.revive(), step)
        await self.heal()

    async def _let_work(self) -> None:
        """Wait until something was done since the last fault: who never gets to work cannot be hit at it."""
        deadline = asyncio.get_running_loop().time() + WORK_S
        while True:
            done = (await self._site.rows(DONE))[0]["n"]
            if done >= self._done + WORK or asyncio.get_running_loop().time() > deadline:
                self._done = done
                return
            await asyncio.sleep(0.02)

    async def heal(self) -> None:
        """End every fault: nobody is held, everything passes, every slot has a daemon."""
        await asyncio.gather(*self._beside)
        self._site.database_proxy.heal()
        self._site.target_proxy.heal()
        await self._fleet.revive()

    def _died_of_it(self, gone: int, step: Step) -> None:
        if gone:
            self.violations.append(f"{gone} daemons ended by themselves after {step.fault}")

    async def _kill(self, step: Step) -> bool:
        slot = await self._stopped_at_work(step.pick)
        if slot is None:
            return False
        await self._fleet.kill(slot)
        await self._fleet.start(slot)
        self._fleet.held.discard(slot)
        return True

    async def _pause(self, step: Step) -> bool | None:
        slot = await self._stopped_at_work(step.pick)
        if slot is None:
            return False
        seconds = self._lease_s * (SHORTEST_PAUSE + (LONGEST_PAUSE - SHORTEST_PAUSE) * step.length)
        await self._go_on_beside(self._paused(slot, seconds))
        return None

    async def _paused(self, slot: int, seconds: float) -> None:
        pid = self._fleet.pids[slot]
        await asyncio.sleep(seconds)
        os.kill(pid, signal.SIGCONT)
        self._fleet.held.discard(slot)
        self.tally.note(Fault.PAUSE, hit=True)

    async def _stopped_at_work(self, pick: int) -> int | None:
        """Hold still a daemon that has operations in its hands; None when nobody has for a while."""
        deadline = asyncio.get_running_loop().time() + SEARCH_S
        while asyncio.get_running_loop().time() < deadline:
            for slot in self._fleet.free(pick):
                pid = self._fleet.pids[slot]
                if not is_running(pid):
                    continue
                os.kill(pid, signal.SIGSTOP)
                while state_of(pid) not in {"T", ""}:
                    await asyncio.sleep(0)
                self._fleet.held.add(slot)
                if (await self._site.rows(HELD, pid))[0]["n"]:
                    return slot
                self._fleet.held.discard(slot)
                os.kill(pid, signal.SIGCONT)
            await asyncio.sleep(0.05)
        return None

    async def _term(self, step: Step) -> bool | None:
        slot = await self._stopped_at_work(step.pick)
        if slot is None:
            return False
        pid = self._fleet.pids[slot]
        owners = [row["id"] for row in await self._site.rows(OWNERS, pid)]
        os.kill(pid, signal.SIGTERM)
        os.kill(pid, signal.SIGCONT)
        await self._go_on_beside(self._ending(slot, pid, owners))
        return None

    async def _ending(self, slot: int, pid: int, owners: list[object]) -> None:
        """A daemon that was asked to end ends, and leaves nothing in its hands."""
        faults, losses = self._database_faults, self._fleet.losses(slot)
        if not await until_gone(pid, within_s=DRAIN_S + 3 + STOP_SLACK_S):
            self.violations.append(f"daemon {pid} did not end after SIGTERM")
            os.kill(pid, signal.SIGKILL)
        left = (await self._site.rows(LEFT, owners))[0]["n"]
        is_excused = (faults, losses) != (self._database_faults, self._fleet.losses(slot))
        if left and not is_excused:  # else it may have had no way to give them back
            self.violations.append(f"daemon {pid} ended after SIGTERM and left {left} operations")
        await self._fleet.start(slot)
        self._fleet.held.discard(slot)
        self.tally.note(Fault.TERM, hit=True)

    async def _crash(self, step: Step) -> bool:
        del step
        await self._site.crash()
        return True

    async def _terminate(self, step: Step) -> bool:
        del step
        return bool((await self._site.rows(TERMINATE))[0]["n"])

    async def _lose_commit(self, step: Step) -> bool:
        del step
        proxy = self._site.database_proxy
        return await _hits(proxy, lambda: proxy.cut_before(is_commit_reply))

    async def _cut_message(self, step: Step) -> bool:
        proxy = self._site.database_proxy
        return await _hits(proxy, lambda: proxy.cut_before(lambda kind, _: kind == step.message))

    async def _cut_bytes(self, step: Step) -> bool:
        proxy = self._site.database_proxy
        direction = "up" if step.length < 0.5 else "down"
        return await _hits(proxy, lambda: proxy.cut_after(direction, step.pick))

    async def _reset(self, step: Step) -> bool:
        del step
        return self._site.database_proxy.reset() > 0

    async def _blackhole(self, step: Step) -> bool:
        proxy = self._site.database_proxy
        proxy.swallow()
        await asyncio.sleep(self._lease_s * (0.3 + step.length))
        met = proxy.reset()
        proxy.heal()
        return met > 0

    async def _delay(self, step: Step) -> bool:
        self._site.database_proxy.delay(0.01 + 0.04 * step.length)
        await asyncio.sleep(self._lease_s)
        self._site.database_proxy.delay(0)
        return True

    async def _long_transaction(self, step: Step) -> bool | None:
        await self._go_on_beside(
            self._transaction("SELECT count(*) FROM operations", step, 2 + 3 * step.length, "repeatable_read"),
            holds_a_daemon=False,
        )
        return None

    async def _lanes_locked(self, step: Step) -> bool | None:
        statement = "SELECT id FROM accounts WHERE live > 0 ORDER BY id LIMIT 20 FOR UPDATE"
        await self._go_on_beside(
            self._transaction(statement, step, self._lease_s * (0.3 + step.length), "read_committed"),
            holds_a_daemon=False,
        )
        return None

    async def _transaction(
        self, statement: str, step: Step, seconds: float, isolation: Literal["repeatable_read", "read_committed"]
    ) -> None:
        """Keep a transaction open that has done this; a crash of the server may end it earlier."""
        hit = False
        with suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            conn = await asyncpg.connect(self._site.admin_dsn, timeout=20)
            try:
                async with conn.transaction(isolation=isolation):
                    hit = bool(await conn.fetch(statement))
                    await asyncio.sleep(seconds)
            finally:
                conn.terminate()
        self.tally.note(step.fault, hit=hit)

    async def _target_loses_reply(self, step: Step) -> bool:
        del step
        proxy = self._site.target_proxy
        return await _hits(proxy, lambda: proxy.cut_before(is_change_reply))

    async def _target_reset(self, step: Step) -> bool:
        del step
        return self._site.target_proxy.reset() > 0

    async def _go_on_beside(self, act: Awaitable[None], *, holds_a_daemon: bool = True) -> None:
        """Let this go on while the next steps are taken; wait first when too many are held already."""
        task = asyncio.ensure_future(act)
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)
        while holds_a_daemon and len(self._fleet.held) >= HELD_AT_ONCE:
            await asyncio.wait(self._beside, return_when=asyncio.FIRST_COMPLETED)


async def _hits(proxy: Proxy, arm: Callable[[], None]) -> bool:
    """Arm the proxy and wait until a connection has met the fault."""
    before = proxy.hits
    arm()
    deadline = asyncio.get_running_loop().time() + SEARCH_S
    while proxy.hits == before and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(0.005)
    proxy.heal()
    return proxy.hits > before
