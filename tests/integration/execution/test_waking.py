"""Nobody sleeps beside work: who has room asks, and what follows is run without waiting for a poll."""

from collections.abc import AsyncIterator
from random import Random

import pytest

from tests.factories import accounts, an_operation, enqueue
from tests.integration.execution.conftest import Site
from tests.integration.execution.running import Processor, Works, at_work, polled_once, waiting
from tests.waiting import eventually
from worker.domain.outcome import DeadLettered, Outcome, Released, Succeeded
from worker.queue import local


@pytest.fixture
async def works(site: Site) -> AsyncIterator[Works]:
    async with at_work(site) as made:
        yield made


async def test_who_asked_for_more_in_vain_asks_again_when_there_is_room(
    site: Site, works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.targets.slots = 1
    await waiting(site, 12)
    await works.look()
    while not works.rooms:
        await works.let_one_through()
    monkeypatch.setattr(local, "AHEAD_S", 0.0)
    held = works.dispatcher.held
    await works.look()
    assert 1 <= works.dispatcher.held <= held
    asked = len(works.rooms)

    works.processor.tries.set()

    await eventually(lambda: works.dispatcher.held == 0)
    assert len(works.rooms) > asked


async def test_what_follows_in_a_lane_is_run_without_a_poll(site: Site) -> None:
    lanes = await accounts(site.pool, site.tenant_id, site.connector.id, 3)
    rounds = [an_operation(site.connector.id, lane) for _ in range(4) for lane in lanes]
    await enqueue(site.pool, site.tenant_id, *rounds)
    processor = Processor()
    processor.tries.set()
    processor.looks.set()

    async with polled_once(site, processor):
        await eventually(lambda: len(processor.started) == 12)

    for lane in lanes:
        seqs = [op.seq for op in processor.started if op.account_id == lane]
        assert seqs == sorted(seqs)


async def test_more_than_is_claimed_at_once_is_run_without_a_poll(site: Site) -> None:
    site.targets.slots = 2
    await waiting(site, 150)
    processor = Processor()
    processor.tries.set()
    processor.looks.set()

    async with polled_once(site, processor):
        await eventually(lambda: len(processor.started) == 150)

    assert processor.most == 2


async def test_what_follows_in_a_lane_is_run_though_it_came_while_another_batch_was_prepared(site: Site) -> None:
    """The claim was at work when the lane moved, and what it had claimed takes long."""
    quick, slow = await accounts(site.pool, site.tenant_id, site.connector.id, 2)
    await enqueue(site.pool, site.tenant_id, *(an_operation(site.connector.id, quick) for _ in range(2)))
    processor = Processor(held={slow})
    processor.looks.set()

    async with polled_once(site, processor) as wake:
        await eventually(lambda: processor.running == 1)
        processor.looks.clear()
        await enqueue(site.pool, site.tenant_id, an_operation(site.connector.id, slow))
        wake()
        await eventually(lambda: len(processor.prepared) == 2)
        processor.tries.set()
        await eventually(lambda: processor.running == 0)
        await eventually(lambda: _has_follower(site))
        processor.looks.set()

        await eventually(lambda: [op.account_id for op in processor.started].count(quick) == 2)


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_becomes_of_single_tries_each_lane_is_run_in_order_and_to_its_end(site: Site, seed: int) -> None:
    rng = Random(seed)
    site.targets.slots = rng.randint(1, 5)
    lanes = await accounts(site.pool, site.tenant_id, site.connector.id, 8)
    submitted = [an_operation(site.connector.id, lane, priority=rng.choice([0, 0, 50])) for lane in lanes * 5]
    await enqueue(site.pool, site.tenant_id, *submitted)
    ways: list[Outcome] = [
        Succeeded(None),
        Succeeded(None),
        DeadLettered("x", "x"),
        Released(),
        Released(was_started=True),
    ]
    processor = Processor(answers=lambda _: rng.choice(ways))
    processor.tries.set()
    processor.looks.set()

    async def is_over() -> bool:
        return not await site.rows("SELECT 1 FROM operations")

    async with polled_once(site, processor):
        await eventually(is_over, timeout=30)

    ended = await site.rows("SELECT id FROM operations_archive UNION ALL SELECT id FROM dead_letters")
    assert sorted(row["id"] for row in ended) == sorted(op.id for op in submitted)
    assert processor.most <= site.targets.slots
    for lane in lanes:
        seqs = [op.seq for op in processor.started if op.account_id == lane]
        assert seqs == sorted(seqs)


async def _has_follower(site: Site) -> bool:
    return bool(await site.rows("SELECT 1 FROM operations WHERE head AND seq = 2"))
