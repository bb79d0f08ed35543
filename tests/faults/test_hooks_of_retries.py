"""A hook is switched and its daemon killed while a create is under way: the next try sends what the first one sent."""

from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from tests.conftest import Database
from tests.deployed import Deployment, deployed
from tests.waiting import eventually
from worker.domain.hook import HookPhase
from worker.store import hooks
from worker.store.hooks import Binding
from worker.store.tenant import tenant

#: What is sent shows in a sequence, which does not roll back: the server sleeps before it takes the row.
SLEEPS = """
CREATE SEQUENCE sent;
CREATE FUNCTION sleeps() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM setval('sent', hashtext(NEW.title)::bigint + 2147483649); PERFORM pg_sleep(10); RETURN NEW; END $$;
CREATE TRIGGER sleeps BEFORE INSERT ON people FOR EACH ROW EXECUTE FUNCTION sleeps();
"""
HOOK = 'def before_create(ctx):\n    return {"set": {"title": "%s " + rand.password({"length": 24})}}\n'


@pytest.mark.timeout(180)
async def test_the_next_try_sends_what_the_first_one_sent(
    database: Database, empty_database: Database, tenant_id: UUID, tmp_path: Path
) -> None:
    async with deployed(database, empty_database, tenant_id, tmp_path) as site:
        target = await asyncpg.connect(empty_database.owner_dsn)
        try:
            await target.execute(SLEEPS)
            hook_id = await _bind(site)
            await _activate(site, hook_id, HOOK % "old")
            [lane] = await site.create(1)

            async def is_sent() -> bool:
                return bool(await target.fetchval("SELECT is_called FROM sent"))

            async with site.daemon() as first:
                await first.ready()
                await eventually(is_sent, timeout=60, interval=0.1, what="the first try")
                sent = await target.fetchval("SELECT last_value FROM sent")
                await _activate(site, hook_id, HOOK % "new")
                await first.kill()
            await target.execute("DROP TRIGGER sleeps ON people")
            [later] = await site.create(1)
            async with site.daemon() as second:
                await second.ready()
                await eventually(site.all_finished, timeout=90, interval=0.2, what="the next try")
                code = await second.end()
            calls = await site.value("SELECT sum(calls) FROM hook_stats WHERE tenant_id = $1 AND class = 'ok'")
            arrived = await target.fetchval(
                "SELECT hashtext(title)::bigint + 2147483649 FROM people WHERE login = $1", str(lane)
            )
        finally:
            await target.close()
        people = await site.people()

    assert (code, calls >= 2) == (0, True), "what was counted is written before a daemon ends"
    assert people[str(lane)][0].startswith("old ")
    assert arrived == sent
    assert people[str(later)][0].startswith("new ")
    assert people[str(later)][0][4:] != people[str(lane)][0][4:]


async def _bind(site: Deployment) -> UUID:
    async with tenant(site.pool, site.tenant_id) as conn:
        hook_id = await hooks.insert(conn, tenant_id=site.tenant_id, name="passwords")
        await hooks.bind(conn, Binding(hook_id, site.connector_id, HookPhase.BEFORE), tenant_id=site.tenant_id)
    return hook_id


async def _activate(site: Deployment, hook_id: UUID, source: str) -> None:
    async with tenant(site.pool, site.tenant_id) as conn:
        version = await hooks.add_version(conn, tenant_id=site.tenant_id, hook_id=hook_id, source=source)
        await hooks.activate(conn, tenant_id=site.tenant_id, hook_id=hook_id, version=version)


NAMES = """
def before_create(ctx):
    return {"unique": {"login": ["amoss"] + ["amoss%d" % n for n in range(2, 200)]}}
"""


@pytest.mark.timeout(240)
async def test_namesakes_that_two_daemons_make_get_different_names_though_one_is_killed(
    database: Database, empty_database: Database, tenant_id: UUID, tmp_path: Path
) -> None:
    async with deployed(database, empty_database, tenant_id, tmp_path) as site:
        hook_id = await _bind(site)
        await _activate(site, hook_id, NAMES)
        async with site.daemon() as one, site.daemon() as other:
            await one.ready()
            await other.ready()
            await site.create(120)

            async def is_half_done() -> bool:
                return await site.finished() >= 40

            await eventually(is_half_done, timeout=90, interval=0.05, what="half of them")
            await one.kill()
            await eventually(site.all_finished, timeout=120, interval=0.2, what="all of them")
        given_up = await site.value("SELECT count(*) FROM dead_letters WHERE tenant_id = $1")
        made = await site.value("SELECT count(DISTINCT uid) FROM accounts WHERE tenant_id = $1 AND state = 'active'")
        people = await site.people()

    assert (given_up, made) == (0, 120)
    assert people.keys() == {"amoss", *(f"amoss{number}" for number in range(2, 200))} & people.keys()
    assert len(people) == 120
