"""Two processes and one target: together they keep to its limits, its breaker, and its wish to be left alone."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.conftest import Database
from tests.factories import a_connector, registered_worker
from tests.waiting import eventually
from worker.connectors import Target, Targets, targets
from worker.connectors.breaker import FAILURES_TO_OPEN
from worker.domain.connector import BreakerState, Connector, Limits
from worker.domain.errors import HeldStill, TargetBusy, TargetUnavailable
from worker.domain.operation import WaitReason
from worker.security import Vault, new_key, parse_key
from worker.store import shares
from worker.store.pool import Pool, open_pool
from worker.store.tenant import tenant

SLOTS = 6
NOWHERE = {"url": "postgresql://u@127.0.0.1:1/x", "table": "t", "key": "id", "naming": "login"}


@dataclass
class House:
    """Two processes' targets over one connector."""

    pool: Pool
    connector: Connector
    one: Targets
    other: Targets

    @property
    def key(self) -> tuple[UUID, UUID]:
        return self.connector.tenant_id, self.connector.id

    async def slots(self, which: Targets) -> int:
        return (await which.gate(*self.key)).slots

    async def rows(self, query: str) -> list[Any]:
        async with tenant(self.pool, self.connector.tenant_id) as conn:
            return list(await conn.fetch(query))

    async def set_limits(self, limits: str) -> None:
        await self.rows(f"UPDATE connectors SET limits = '{limits}', version = version + 1")


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    opened = await open_pool(database.daemon_dsn, size=6)
    yield opened
    await opened.close()


@pytest.fixture
async def house(pool: Pool, tenant_id: UUID, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    """Rows are read, and shares asked for, at every look."""
    for name in ("FRESH_S", "ASK_S", "ASK_SOON_S"):
        monkeypatch.setattr(targets, name, 0.0)
    connector = await a_connector(pool, tenant_id, config=NOWHERE, limits=Limits(concurrency=SLOTS, rate=60.0))
    async with tenant(pool, tenant_id) as conn:
        await conn.execute("UPDATE connectors SET baseline_at = now()")
    vault = Vault([parse_key(new_key())])
    async with registered_worker(pool) as first, registered_worker(pool) as second:
        one, other = Targets(pool, vault, worker=lambda: first), Targets(pool, vault, worker=lambda: second)
        yield House(pool, connector, one, other)
        await one.aclose()
        await other.aclose()


async def test_alone_a_process_uses_all_and_beside_another_half(house: House) -> None:
    alone = await house.slots(house.one)
    early = await house.slots(house.other)
    first = await house.slots(house.one)
    second = await house.slots(house.one)  # it has said by now that it uses no more
    later = await house.slots(house.other)

    assert (alone, early, first, second, later) == (SLOTS, 0, SLOTS // 2, SLOTS // 2, SLOTS // 2)
    rates = [(await each.get(*house.key)).guard.rate for each in (house.one, house.other)]
    assert rates == [30.0, 30.0]


async def test_who_leaves_leaves_all_to_the_other(house: House) -> None:
    for _ in range(3):
        await house.slots(house.one)
        await house.slots(house.other)
    await house.other.aclose()

    assert await house.slots(house.one) == SLOTS


async def test_who_has_nothing_to_do_leaves_all_to_the_other(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        await house.slots(house.one)
        await house.slots(house.other)
    monkeypatch.setattr(targets, "IDLE_S", 0.0)
    await house.other.renew()
    monkeypatch.setattr(targets, "IDLE_S", 60.0)

    assert await house.slots(house.one) == SLOTS
    assert (await house.slots(house.other)) == 0, "it asks anew"


async def asked_until(house: House) -> float:
    [row] = await house.rows(
        "SELECT max((h ->> 'until')::float8) AS at FROM target_shares, jsonb_array_elements(holders) h"
    )
    return float(row["at"])


async def test_alone_a_process_asks_again_for_what_it_has_used_since(house: House) -> None:
    await house.slots(house.one)
    first = await asked_until(house)
    await house.one.renew()
    unused = await asked_until(house)
    (await house.one.get(*house.key)).used_at += 60
    await house.one.renew()
    used = await asked_until(house)

    assert first == unused < used


async def test_beside_another_a_process_asks_again_while_it_could_have_work(house: House) -> None:
    for _ in range(3):
        await house.slots(house.one)
        await house.slots(house.other)
    before = await asked_until(house)
    await house.other.renew()

    assert await asked_until(house) > before


async def test_the_part_of_a_dead_process_is_free_when_its_time_is_over(house: House) -> None:
    await house.slots(house.other)
    assert await house.slots(house.one) == 0
    await house.rows(
        "UPDATE target_shares SET holders = jsonb_set(holders, '{0,until}', to_jsonb(extract(epoch FROM now()) - 1))"
    )

    assert await house.slots(house.one) == SLOTS


async def test_the_part_of_a_process_whose_lease_is_over_is_free_at_once(house: House) -> None:
    await house.slots(house.other)
    assert await house.slots(house.one) == 0
    async with house.pool.acquire() as conn:
        await conn.execute(
            "UPDATE workers SET expires_at = now() - interval '1 second' WHERE id = $1", house.other._worker()
        )

    assert await house.slots(house.one) == SLOTS


async def test_what_is_running_is_kept_from_others_until_it_ends(house: House) -> None:
    """A process with six calls under way is to have three: the other begins none before they have ended."""
    target = await house.one.get(*house.key)
    for _ in range(SLOTS):
        await target.guard._turns.enter()
    for _ in range(3):
        await house.slots(house.one)
        await house.slots(house.other)
    before = await house.slots(house.other)
    for _ in range(SLOTS):
        target.guard._turns.leave()
    await house.slots(house.one)

    assert before == 0
    assert await house.slots(house.other) == SLOTS // 2
    assert target.guard._turns.limit == SLOTS // 2


async def test_a_share_that_was_not_renewed_lets_no_call_through(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "MARGIN_S", 3600.0)
    target = await house.one.get(*house.key)
    assert not target.guard._turns.is_free

    monkeypatch.setattr(targets, "MARGIN_S", 0.0)
    waiting = asyncio.create_task(target.guard._turns.enter())
    await asyncio.sleep(0)
    assert await house.one.renew() == 0, "as many slots as before"
    await waiting
    target.guard._turns.leave()


async def test_five_failures_open_the_breaker_wherever_they_happen(house: House) -> None:
    for number in range(FAILURES_TO_OPEN):
        which = (house.one, house.other)[number % 2]
        await which.report(await which.get(*house.key), TargetUnavailable())
    gates = [await each.gate(*house.key) for each in (house.one, house.other)]

    assert [(gate.slots, gate.reason) for gate in gates] == [(0, WaitReason.BREAKER)] * 2
    assert [row["breaker_failures"] for row in await house.rows("SELECT breaker_failures FROM connectors")] == [5]


async def test_a_call_during_which_we_were_held_still_counts_neither_way(house: House) -> None:
    target = await house.one.get(*house.key)
    for error in [*[TargetUnavailable()] * (FAILURES_TO_OPEN - 1), *[HeldStill()] * FAILURES_TO_OPEN]:
        await house.one.report(target, error)
    before = await house.rows("SELECT breaker_failures FROM connectors")
    await house.one.report(target, TargetUnavailable())

    assert [row["breaker_failures"] for row in before] == [FAILURES_TO_OPEN - 1]
    assert (await house.one.gate(*house.key)).reason is WaitReason.BREAKER


async def test_a_success_of_one_starts_the_count_of_both_again(house: House) -> None:
    async def fail(which: Targets) -> None:
        await which.report(await which.get(*house.key), TargetUnavailable())

    for _ in range(FAILURES_TO_OPEN - 1):
        await fail(house.one)
    await house.other.report(await house.other.get(*house.key), None)
    for _ in range(FAILURES_TO_OPEN - 1):
        await fail(house.one)

    assert (await house.one.get(*house.key)).breaker.state is BreakerState.CLOSED


async def opened(house: House) -> None:
    for _ in range(FAILURES_TO_OPEN):
        await house.one.report(await house.one.get(*house.key), TargetUnavailable())
    await house.rows("UPDATE connectors SET breaker_probe_at = now()")


async def test_one_process_probes(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    probes: list[str] = []

    async def answer(self: Any) -> str:
        probes.append("probe")
        raise TargetUnavailable

    monkeypatch.setattr("worker.connectors.guard.ConnectorGuard.test_connection", answer)
    await opened(house)
    for _ in range(3):
        await asyncio.gather(house.one.gate(*house.key), house.other.gate(*house.key))
    await eventually(lambda: not house.one._probes and not house.other._probes)

    assert probes == ["probe"]
    assert (await house.other.gate(*house.key)).reason is WaitReason.BREAKER


async def test_a_target_that_comes_back_gets_one_two_four_calls_from_all_together(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answer(self: Any) -> str:
        return "It is there."

    monkeypatch.setattr("worker.connectors.guard.ConnectorGuard.test_connection", answer)
    await opened(house)
    await house.one.gate(*house.key)
    await eventually(lambda: not house.one._probes)
    seen = []
    for _ in range(60):
        given = {"one": await house.slots(house.one), "other": await house.slots(house.other)}
        state = await house.rows("SELECT breaker_state, (SELECT ramp FROM target_shares) AS ramp FROM connectors")
        if state[0]["breaker_state"] == "closed":
            break
        assert sum(given.values()) <= state[0]["ramp"]
        seen.append(state[0]["ramp"])
        which = house.one if given["one"] else house.other
        if sum(given.values()):
            await which.report(await which.get(*house.key), None)

    assert sorted(set(seen)) == list(range(1, SLOTS))
    assert state[0]["breaker_state"] == "closed"


@pytest.mark.parametrize(
    ("retry_after", "least", "most"),
    [
        pytest.param(timedelta(seconds=120), 100, 120, id="two minutes"),
        pytest.param(timedelta(days=10), 3500, 3600, id="ten days are an hour"),
    ],
)
async def test_what_the_target_told_one_process_all_keep_to(
    house: House, retry_after: timedelta, least: float, most: float
) -> None:
    """Neither claims for it, and neither sends what it has claimed already."""
    mine, others = await house.one.get(*house.key), await house.other.get(*house.key)
    mine.guard._hold_off(busy := TargetBusy(retry_after=retry_after))
    await house.one.report(mine, busy)
    gates = [await each.gate(*house.key) for each in (house.one, house.other)]

    assert [(gate.slots, gate.reason) for gate in gates] == [(0, WaitReason.TARGET_DOWN)] * 2
    assert least < others.guard.held_s <= most
    with pytest.raises(TargetBusy):
        await others.guard.test_connection()


async def test_an_earlier_and_longer_wish_stands(house: House) -> None:
    async def held() -> float:
        async with tenant(house.pool, house.connector.tenant_id) as conn:
            found = await shares.standing(conn, *house.key)
        return found.held_s if found else 0.0

    for seconds in (300.0, 10.0):
        async with tenant(house.pool, house.connector.tenant_id) as conn:
            await shares.hold(conn, *house.key, seconds=seconds)

    assert await held() > 200


async def test_limits_that_a_person_lowers_hold_for_both(house: House) -> None:
    for _ in range(3):
        await house.slots(house.one)
        await house.slots(house.other)
    await house.set_limits('{"concurrency": 2, "rate": 4}')
    for _ in range(4):
        found = [await house.slots(each) for each in (house.one, house.other)]

    assert found == [1, 1]


async def test_without_a_name_a_process_keeps_to_the_limits_alone(house: House) -> None:
    lone = Targets(house.pool, house.one._vault)
    assert await house.slots(lone) == SLOTS
    assert await lone.renew() == 0
    assert isinstance(await lone.get(*house.key), Target)
    await lone.aclose()
    assert await house.rows("SELECT 1 FROM target_shares") == []
