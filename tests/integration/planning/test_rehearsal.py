"""Dry runs of mapping versions: what they say is what planning then does, and they write nothing else."""

import asyncio
from random import Random
from typing import Any
from uuid import UUID

import pytest

from worker.domain.connector import Connector
from worker.domain.mapping import MappingRule
from worker.mapping import MappingEngine
from worker.planning import Acceptance
from worker.planning.rehearsal import Rehearsal
from worker.queue import OperationQueue
from worker.safeguard import SafeguardLimits
from worker.security import Vault, new_key, parse_key
from worker.store import mapping_previews, mappings
from worker.store.mapping_previews import Preview
from worker.store.pool import Pool
from worker.store.tenant import tenant

from .conftest import RULES, House

DRAFT = (
    MappingRule("cn", source="name", required=True, transforms=("upper",)),
    MappingRule("mail", source="mail", transforms=("lower",)),
)


def a_rehearsal(pool: Pool, *, page: int = 500, limits: SafeguardLimits | None = None) -> Rehearsal:
    acceptance = Acceptance(OperationQueue(), limits=limits or SafeguardLimits())
    vault = Vault([parse_key(new_key())])
    return Rehearsal(pool, mapper=MappingEngine(), acceptance=acceptance, vault=vault, page=page)


async def draft(house: House, connector: Connector, *rules: MappingRule) -> int:
    async with tenant(house.pool, house.tenant_id) as conn:
        return await mappings.insert(
            conn, tenant_id=house.tenant_id, connector_id=connector.id, object_class="user", rules=rules
        )


async def start(house: House, connector: Connector, version: int, **fields: Any) -> UUID:
    async with tenant(house.pool, house.tenant_id) as conn:
        return await mapping_previews.start(
            conn,
            tenant_id=house.tenant_id,
            connector_id=connector.id,
            object_class="user",
            version=version,
            base_version=1,
            **fields,
        )


async def read(house: House, preview_id: UUID) -> Preview:
    async with tenant(house.pool, house.tenant_id) as conn:
        found = await mapping_previews.get(conn, tenant_id=house.tenant_id, preview_id=preview_id)
    assert found is not None
    return found


async def rehearse(house: House, connector: Connector, *rules: MappingRule, **fields: Any) -> Preview:
    preview_id = await start(house, connector, await draft(house, connector, *rules), **fields)
    await a_rehearsal(house.pool).run_once(house.tenant_id)
    return await read(house, preview_id)


async def test_dry_run_says_what_activating_then_does(house: House) -> None:
    connector = await house.target()
    await house.people("anna", "ben", "CARA")
    await house.plan()
    await house.settle()
    await house.people("dora", first=3)
    await house.plan()
    preview = await rehearse(house, connector, *DRAFT)

    assert (preview.status, preview.people_total, preview.people_done) == ("completed", 4, 4)
    assert preview.counts == {"kinds": {"update": 3, "none": 1}, "attributes": {"cn": 3}}
    foretold = {each["user_name"]: each["changes"] for each in preview.samples}
    assert foretold["anna"] == {"cn": {"before": "anna", "after": "ANNA"}}
    await house.settle()
    async with tenant(house.pool, house.tenant_id) as conn:
        await mappings.activate(
            conn, tenant_id=house.tenant_id, connector_id=connector.id, object_class="user", version=preview.version
        )
    again = await start(house, connector, preview.version)
    await a_rehearsal(house.pool).run_once(house.tenant_id)
    told = (await read(house, again)).counts["kinds"]
    await house.plan()
    made = await house.operations()

    assert len(made) == sum(count for kind, count in told.items() if kind != "none")
    assert sorted(payload["attributes"]["cn"] for _, _, payload in made) == ["ANNA", "BEN", "DORA"]


async def test_dry_run_writes_nothing_but_itself(house: House) -> None:
    connector = await house.target()
    await house.people("anna", "ben")
    await house.plan()
    await house.settle()
    accounts = "SELECT a.* FROM accounts a ORDER BY id"
    before = await house.rows(accounts)
    await rehearse(house, connector, *DRAFT)

    assert await house.rows(accounts) == before
    assert await house.operations() == []


async def test_pages_add_up_and_another_process_goes_on_where_one_stopped(house: House) -> None:
    connector = await house.target()
    await house.people(*(f"p{n}" for n in range(11)))
    preview_id = await start(house, connector, await draft(house, connector, *DRAFT))
    await a_rehearsal(house.pool, page=2).run_once(house.tenant_id)
    first = await read(house, preview_id)
    await a_rehearsal(house.pool, page=2).run_once(house.tenant_id)
    last = await read(house, preview_id)

    assert (first.status, first.people_done, first.people_total) == ("running", 8, 11)
    assert (last.status, last.people_done) == ("completed", 11)
    assert last.counts["kinds"] == {"create": 11}
    assert len(last.samples) == 5


async def test_two_processes_at_one_dry_run_count_everybody_once(house: House) -> None:
    connector = await house.target()
    await house.people(*(f"p{n}" for n in range(7)))
    preview_id = await start(house, connector, await draft(house, connector, *DRAFT))
    for _ in range(2):
        await asyncio.gather(*(a_rehearsal(house.pool, page=2).run_once(house.tenant_id) for _ in range(2)))
    preview = await read(house, preview_id)

    assert (preview.status, preview.people_done, preview.counts["kinds"]) == ("completed", 7, {"create": 7})


async def test_removals_are_weighed_by_the_safeguard(house: House) -> None:
    connector = await house.target()
    await house.people(*(f"p{n}" for n in range(30)))
    await house.plan()
    await house.settle()
    preview = await rehearse(house, connector, *RULES, scope='user_name eq "p1"')

    assert preview.counts["kinds"] == {"disable": 29, "none": 1}
    assert preview.verdict == {"removals": 29, "used": 0, "limit": 10, "held": 19}


async def test_person_who_does_not_map_and_protected_account_are_told(house: House) -> None:
    connector = await house.target(protected_filter='cn eq "ben"')
    await house.people("anna", "ben", "cara")
    await house.plan()
    await house.settle()
    preview = await rehearse(
        house,
        connector,
        MappingRule("cn", source="name", transforms=("upper",)),
        MappingRule("mail", source="mail", transforms=("map:cara@X.org=", "default:x", "lower")),
        MappingRule("level", source="name", transforms=("map:cara=soon,*=1", "number")),
    )

    assert preview.counts["kinds"] == {"update": 1, "protected": 1, "error": 1}
    (error,) = [each["error"] for each in preview.samples if each["kind"] == "error"]
    assert error == "level: is not a whole number"


async def test_cancelled_dry_run_stays_as_it_is(house: House) -> None:
    connector = await house.target()
    await house.people("anna")
    preview_id = await start(house, connector, await draft(house, connector, *DRAFT))
    async with tenant(house.pool, house.tenant_id) as conn:
        assert await mapping_previews.cancel(conn, tenant_id=house.tenant_id, preview_id=preview_id)
    await a_rehearsal(house.pool).run_once(house.tenant_id)

    assert (await read(house, preview_id)).status == "cancelled"


async def test_new_dry_run_takes_the_place_of_one_on_its_way(house: House) -> None:
    connector = await house.target()
    version = await draft(house, connector, *DRAFT)
    first = await start(house, connector, version)
    second = await start(house, connector, version)
    await a_rehearsal(house.pool).run_once(house.tenant_id)

    assert (await read(house, first)).status == "cancelled"
    assert (await read(house, second)).status == "completed"


async def test_scope_that_cannot_be_read_fails_the_dry_run_in_words(house: House) -> None:
    connector = await house.target()
    preview = await rehearse(house, connector, *DRAFT, scope="department = 1")

    assert preview.status == "failed"
    assert preview.error_message is not None
    assert preview.error_message.startswith("The scope cannot be read: column 12")


async def test_planning_does_not_sleep_while_a_dry_run_is_on_its_way(house: House) -> None:
    connector = await house.target()
    await house.people("anna")
    await house.plan()
    await house.plan()
    preview_id = await start(house, connector, await draft(house, connector, *DRAFT))
    (due,) = await house.rows("SELECT due_at FROM due_work WHERE kind = 'plan'")
    await house.plan()

    assert due["due_at"] is not None
    assert (await read(house, preview_id)).status == "completed"


#: Kinds of which nothing follows.
IDLE = {"none", "error", "protected"}
SCOPES = (
    "user_name pr",
    "active eq true",
    'name sw "a"',
    'not (mail co "x")',
    "name pr and mail pr",
    'user_name ne "P3"',
)
TARGETS: dict[str, list[dict[str, Any]]] = {
    "cn": [{"source": "name"}, {"source": "name", "required": True}, {"source": "name", "transforms": ("upper",)}],
    "mail": [{"source": "mail"}, {"source": "mail", "case_sensitive": True}, {"constant": "all@x.org"}],
    "level": [{"source": "mail", "transforms": ("number",)}, {"source": "name", "on": ("create",)}],
    "tags": [{"source": "tags", "multi_valued": True}, {"source": "tags", "on": ("update",), "transforms": ("first",)}],
}


@pytest.mark.parametrize("seed", range(2))
async def test_what_is_counted_is_what_then_happens_whatever_the_people_and_rules_are(house: House, seed: int) -> None:
    rng = Random(seed)
    connector = await house.target()
    await house.people(*(f"P{n}" for n in range(12)))
    people = {row["id"]: row for row in await house.rows("SELECT id FROM identities")}
    for _ in range(6):
        for identity_id in rng.sample(sorted(people), 4):
            await house.rows(
                "UPDATE identities SET attributes = $2, active = $3, version = version + 1 WHERE id = $1 RETURNING id",
                identity_id,
                rng.choice([{}, {"name": "ada", "mail": "7"}, {"name": "ÄB", "mail": "x@X"}, {"tags": ["b", "a", ""]}]),
                rng.random() < 0.8,
            )
        await house.rows("UPDATE plan_items SET ask = ask + 1 RETURNING 1")
        rules = [MappingRule(name, **rng.choice(ways)) for name, ways in TARGETS.items() if rng.random() < 0.8]
        scope = rng.choice(SCOPES)
        preview = await rehearse(house, connector, *rules, scope=scope)
        async with tenant(house.pool, house.tenant_id) as conn:
            where = {"tenant_id": house.tenant_id, "connector_id": connector.id, "object_class": "user"}
            await mappings.activate(conn, **where, version=preview.version)
        await house.rows("UPDATE connectors SET scope = $2 WHERE id = $1 RETURNING id", connector.id, scope)
        await house.plan()
        await house.plan()

        counted = sum(count for kind, count in preview.counts["kinds"].items() if kind not in IDLE)
        assert counted == len(await house.operations()), (preview.counts, scope, rules)
        await house.settle()
