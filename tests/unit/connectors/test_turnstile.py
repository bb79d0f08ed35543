import asyncio

from worker.connectors import limiter
from worker.connectors.limiter import Turnstile
from worker.telemetry.pulse import boottime


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_as_many_get_in_as_the_limit_says_in_the_order_they_came():
    turnstile, entered = Turnstile(2), []

    async def go(name):
        await turnstile.enter()
        entered.append(name)

    tasks = [asyncio.create_task(go(name)) for name in "abcd"]
    await settled()
    assert (entered, turnstile.inside, turnstile.waiting) == (["a", "b"], 2, 2)

    turnstile.leave()
    await settled()
    assert entered == ["a", "b", "c"]
    turnstile.leave()
    await asyncio.gather(*tasks)
    assert entered == ["a", "b", "c", "d"]


async def test_a_higher_limit_lets_those_in_that_wait():
    turnstile = Turnstile(0)
    tasks = [asyncio.create_task(turnstile.enter()) for _ in range(3)]
    await settled()
    assert turnstile.inside == 0

    turnstile.set_limit(2)
    await settled()

    assert (turnstile.inside, turnstile.waiting) == (2, 1)
    turnstile.set_limit(3)
    await asyncio.gather(*tasks)


async def test_a_lower_limit_throws_nobody_out_and_lets_nobody_in():
    turnstile = Turnstile(3)
    for _ in range(3):
        await turnstile.enter()
    turnstile.set_limit(1)
    waiting = asyncio.create_task(turnstile.enter())
    for inside in (2, 1):
        turnstile.leave()
        await settled()
        assert (turnstile.inside, waiting.done()) == (inside, False)

    turnstile.leave()
    await waiting
    assert turnstile.inside == 1


async def test_nobody_gets_in_when_the_time_is_over():
    turnstile = Turnstile(3)
    turnstile.set_limit(3, until=boottime() - 1)
    waiting = asyncio.create_task(turnstile.enter())
    await settled()
    assert not waiting.done()
    assert not turnstile.is_free

    turnstile.set_limit(1)
    await waiting


async def test_who_gives_up_loses_its_place_and_keeps_nobody_out():
    turnstile = Turnstile(1)
    await turnstile.enter()
    first, second = (asyncio.create_task(turnstile.enter()) for _ in range(2))
    await settled()
    first.cancel()
    await settled()
    turnstile.leave()

    await second
    assert (turnstile.inside, turnstile.waiting) == (1, 0)


async def test_who_gives_up_at_the_moment_of_its_turn_passes_it_on():
    turnstile = Turnstile(1)
    await turnstile.enter()
    first, second = (asyncio.create_task(turnstile.enter()) for _ in range(2))
    await settled()
    turnstile.leave()  # the turn is the first one's, which does not know it yet
    first.cancel()

    await second
    assert (turnstile.inside, turnstile.waiting) == (1, 0)
    assert first.cancelled()


async def test_a_limit_runs_out_while_the_machine_sleeps(monkeypatch):
    """The clock of the event loop stands still then; whoever shares the limit goes on."""
    turnstile = Turnstile(1)
    turnstile.set_limit(1, until=boottime() + 60)
    assert turnstile.is_free

    monkeypatch.setattr(limiter, "boottime", lambda: boottime() + 61)
    assert not turnstile.is_free
