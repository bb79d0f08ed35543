import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import cast

import pytest
import structlog

from worker.domain.errors import HookError
from worker.domain.hook import HookLimits
from worker.hooks.child import Child, StartFailed
from worker.hooks.pool import Pool, respawn_delay, restart_delay

LIMITS = HookLimits(max_waiting=3, wait_s=5.0)


@dataclass(eq=False)
class Puppet:
    """What the pool looks at in a child."""

    known: set[str] = field(default_factory=set)
    is_lost: bool = False
    is_worn: bool = False
    is_alive: bool = True
    is_stopped: bool = False

    async def stop(self) -> None:
        self.is_stopped = True


class Nursery:
    """Starts puppets, and can be told to fail."""

    def __init__(self) -> None:
        self.born: list[Puppet] = []
        self.failures = 0

    async def launch(self) -> Child:
        if self.failures:
            self.failures -= 1
            raise StartFailed("not now")
        self.born.append(Puppet())
        return cast("Child", self.born[-1])


async def open_pool(nursery: Nursery, *, workers: int, limits: HookLimits = LIMITS) -> Pool:
    pool = Pool(nursery.launch, workers=workers, limits=limits, log=structlog.get_logger())
    await pool.start()
    return pool


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("deaths", "delay"), [(0, 0), (10, 0), (11, 0.05), (12, 0.1), (15, 0.8), (16, 1.0), (1000, 1.0)]
)
def test_the_delay_before_a_replacement_grows_with_the_deaths(deaths: int, delay: float) -> None:
    assert respawn_delay(deaths) == pytest.approx(delay)


@pytest.mark.parametrize(("failures", "delay"), [(0, 0), (1, 0.1), (2, 0.2), (6, 3.2), (7, 5.0), (10_000, 5.0)])
def test_the_delay_before_another_start_grows_with_the_failures(failures: int, delay: float) -> None:
    assert restart_delay(failures) == pytest.approx(delay)


async def test_a_spare_is_started_while_a_child_is_busy() -> None:
    nursery = Nursery()
    pool = await open_pool(nursery, workers=1)
    async with pool.lend("a"):
        await settle()
        assert (pool.status.busy, pool.status.idle) == (1, 1)
    await settle()

    assert (pool.status.busy, pool.status.idle, pool.status.started) == (0, 2, 2)
    await pool.aclose()
    assert all(child.is_stopped for child in nursery.born)


async def test_no_more_children_are_busy_than_workers_and_waiting_is_in_order() -> None:
    pool = await open_pool(Nursery(), workers=2)
    order: list[str] = []
    release = asyncio.Event()

    async def use(key: str) -> None:
        async with pool.lend(key):
            order.append(key)
            assert pool.status.busy <= 2
            await release.wait()

    async with asyncio.TaskGroup() as group:
        for key in "abcd":
            group.create_task(use(key))
            await settle()
        assert order == ["a", "b"]
        assert pool.status.waiting == 2
        release.set()

    assert order == ["a", "b", "c", "d"]
    await pool.aclose()


async def test_one_script_cannot_hold_all_children() -> None:
    pool = await open_pool(Nursery(), workers=2)
    async with pool.lend("greedy"):
        again = asyncio.create_task(anext(aiter_lend(pool, "greedy")))
        await settle()
        assert not again.done()
        async with asyncio.timeout(1), pool.lend("other"):
            pass
    assert await again is not None
    await pool.aclose()


async def aiter_lend(pool: Pool, key: str, *, group: str = "") -> AsyncIterator[Child]:
    async with pool.lend(key, group=group) as child:
        yield child


async def test_the_child_that_knows_a_program_is_preferred() -> None:
    nursery = Nursery()
    pool = await open_pool(nursery, workers=2)
    async with pool.lend("x"):
        await settle()
    first, second = nursery.born
    first.known.add("a")
    second.known.add("b")
    for key, puppet in (("a", first), ("b", second), ("a", first)):
        async with pool.lend(key) as child:
            assert cast("Puppet", child) is puppet
    await pool.aclose()


async def test_a_full_waiting_room_is_busy_at_once() -> None:
    pool = await open_pool(Nursery(), workers=1, limits=replace(LIMITS, max_waiting=0))
    async with pool.lend("a"):
        with pytest.raises(HookError) as caught:
            async with pool.lend("b"):
                pass

    assert (caught.value.hook_class, caught.value.retryable) == ("hook.busy", True)
    await pool.aclose()


async def test_waiting_ends_in_busy_and_leaves_the_queue() -> None:
    pool = await open_pool(Nursery(), workers=1, limits=replace(LIMITS, wait_s=0.0))
    async with pool.lend("a"):
        with pytest.raises(HookError, match="in time"):
            async with pool.lend("b"):
                pass
        assert pool.status.waiting == 0
    await pool.aclose()


async def test_a_cancelled_waiter_gives_its_child_back() -> None:
    pool = await open_pool(Nursery(), workers=1)
    async with pool.lend("a"):
        waiter = asyncio.create_task(anext(aiter_lend(pool, "b")))
        await settle()
    waiter.cancel()  # the child was handed over, and the waiter has not run since
    with pytest.raises(asyncio.CancelledError):
        await waiter

    async with asyncio.timeout(1), pool.lend("c"):
        assert pool.status.busy == 1
    await pool.aclose()


async def test_lost_and_worn_children_are_replaced() -> None:
    nursery = Nursery()
    pool = await open_pool(nursery, workers=1)
    async with pool.lend("a") as child:
        child.is_lost = True
    async with pool.lend("a") as second:
        cast("Puppet", second).is_worn = True
    await settle()

    assert pool.status.lost == 1
    assert [puppet.is_stopped for puppet in nursery.born[:2]] == [True, True]
    assert pool.status.idle >= 1
    await pool.aclose()


async def test_a_child_that_died_idle_is_not_lent() -> None:
    nursery = Nursery()
    pool = await open_pool(nursery, workers=1)
    nursery.born[0].is_alive = False
    async with pool.lend("a") as child:
        assert cast("Puppet", child) is not nursery.born[0]
    await pool.aclose()


async def test_a_start_that_fails_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.hooks.pool.restart_delay", lambda _: 0.0)
    nursery = Nursery()
    pool = await open_pool(nursery, workers=1)
    nursery.failures = 2
    async with pool.lend("a"), asyncio.timeout(5):
        while pool.status.idle == 0:
            await asyncio.sleep(0)

    assert pool.status.started == 2
    await pool.aclose()


async def test_closing_refuses_those_who_wait() -> None:
    pool = await open_pool(Nursery(), workers=1)
    async with pool.lend("a"):
        waiter = asyncio.create_task(anext(aiter_lend(pool, "b")))
        await settle()
        await pool.aclose()
        with pytest.raises(HookError, match="shut down"):
            await waiter
    with pytest.raises(HookError, match="not running"):
        async with pool.lend("c"):
            pass


async def test_groups_that_wait_are_served_in_turns() -> None:
    """Somebody who asks for a hundred things at once does not keep others waiting for all of them."""
    pool = await open_pool(Nursery(), workers=1, limits=replace(LIMITS, max_waiting=100))
    order: list[str] = []
    release = asyncio.Event()

    async def use(key: str, group: str) -> None:
        async with pool.lend(key, group=group):
            order.append(key)
            await release.wait()

    async with asyncio.TaskGroup() as tasks:
        for number in range(5):
            tasks.create_task(use(f"a{number}", "a"))
            await settle()
        for number in range(2):
            tasks.create_task(use(f"b{number}", "b"))
            await settle()
        release.set()

    assert order == ["a0", "a1", "b0", "a2", "b1", "a3", "a4"]
    await pool.aclose()


async def test_a_group_that_lost_a_child_does_not_get_all_of_them_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = await open_pool(Nursery(), workers=2)
    async with pool.lend("a1", group="a"), pool.lend("a2", group="a") as child:
        child.is_lost = True
    async with pool.lend("a3", group="a"):
        second = asyncio.create_task(anext(aiter_lend(pool, "a4", group="a")))
        await settle()
        assert not second.done()
        async with asyncio.timeout(1), pool.lend("b1", group="b"):
            pass
    assert await second is not None

    monkeypatch.setattr("worker.hooks.pool.BLAME_S", 0.0)
    async with asyncio.timeout(1), pool.lend("a5", group="a"):
        pass
    await pool.aclose()


async def test_who_fills_the_waiting_room_makes_room_for_others() -> None:
    pool = await open_pool(Nursery(), workers=1)
    async with pool.lend("a", group="a"):
        many = [asyncio.create_task(anext(aiter_lend(pool, f"a{number}", group="a"))) for number in range(3)]
        await settle()
        other = asyncio.create_task(anext(aiter_lend(pool, "b", group="b")))
        await settle()
        with pytest.raises(HookError, match="most of them of the same tenant"):
            await many[2]
        with pytest.raises(HookError, match="too many scripts wait"):
            await anext(aiter_lend(pool, "a3", group="a"))
        assert pool.status.waiting == 3
        for task in (*many[:2], other):
            task.cancel()
        await asyncio.gather(*many, other, return_exceptions=True)
    await pool.aclose()
