"""Whose an account is, asked one by one among very many people: how long that takes, and what keys cost."""

import time
from collections.abc import AsyncIterator
from statistics import quantiles
from uuid import uuid4

from tests.benchmarks import processes
from tests.benchmarks.correlation.company import Company, Row, Shares, crowd
from tests.benchmarks.figures import Figure, Size, at_most
from tests.benchmarks.ground import Ground, Site
from tests.benchmarks.recon.house import as_admin
from worker.correlation import CorrelationService, NameFrequencies, RuleSet, default_rule_set
from worker.domain.correlation import CorrelationResult
from worker.domain.ids import uuid7
from worker.recon.people_keys import People, keep_keys
from worker.store import identities
from worker.store.accounts import Place
from worker.store.identities import StoredIdentity
from worker.store.tenant import tenant

STORED_AT_ONCE = 5_000
_ATTRIBUTES = (
    "login", "email", "employee_id", "display_name", "given_name", "family_name", "phone", "department", "location",
)  # fmt: skip
_NAMES = (
    "SELECT attributes ->> 'given_name' || ' ' || (attributes ->> 'family_name') AS name FROM identities LIMIT 20000"
)
_SIZE = "SELECT pg_total_relation_size($1::text::regclass)"
LEAST_KEYED, LOOK_UP_MS = 3_000.0, 2.0
#: Of those who share a key so many are compared, the rarest keys first.
COMPARED = 20


async def measure(ground: Ground, size: Size) -> AsyncIterator[Figure]:
    """Fill a house, make the keys of everybody, then ask for the owners of some accounts, one after the other."""
    rule_set = default_rule_set(
        [
            "login",
            "email",
            "employee_id",
            "display_name",
            "given_name",
            "family_name",
            "phone",
            "department",
            "location",
        ]
    )
    async with ground.site("lookups") as site:
        company = Company(7100, people=size.looked_among, shares=Shares(recycled=0.0))
        accounts = await _fill(site, company, every=max(size.looked_among // 2_000, 1))
        ours, servers = await _key_all(ground, site, rule_set)
        await as_admin(ground, site, "VACUUM ANALYZE")
        rate = size.looked_among / (ours + servers)
        share = f"a core, {servers / (ours + servers):.0%} of it PostgreSQL's; target: at least {LEAST_KEYED:g}"
        yield Figure("keys of people, making", rate, "people/s", share, rate / LEAST_KEYED)
        keys, people = await _sizes(site)
        yield Figure("keys of people, on disk", keys, "MB", f"beside people: {people:,.0f}", keys / people)
        async for figure in _asked(ground, site, rule_set, accounts, size):
            yield figure


async def _fill(site: Site, company: Company, *, every: int) -> list[tuple[Row, str]]:
    """Everybody as stored; accounts with the external ids of their owners."""
    accounts: list[tuple[Row, str]] = []
    people: list[StoredIdentity] = []
    for person, account in crowd(company, every=every):
        people.append(_stored(person))
        if account is not None:
            accounts.append(({name: value for name, value in account.items() if value}, person["id"]))
        if len(people) == STORED_AT_ONCE:
            await _store(site, people)
            people = []
    if people:
        await _store(site, people)
    return accounts


def _stored(person: Row) -> StoredIdentity:
    attributes = {name: value for name, value in person.items() if name not in {"id", "username"} and value}
    return StoredIdentity(uuid7(), person["id"], person["username"], attributes)


async def _store(site: Site, people: list[StoredIdentity]) -> None:
    async with tenant(site.pool, site.tenant_id) as conn:
        await identities.insert(conn, tenant_id=site.tenant_id, identities=people)


async def _key_all(ground: Ground, site: Site, rule_set: RuleSet) -> tuple[float, float]:
    """Seconds on a core until everybody has keys: of this process, and of the server."""
    await as_admin(ground, site, "ANALYZE")
    began, busy = time.process_time(), await _server_seconds(ground)
    while await keep_keys(site.pool, tenant_id=site.tenant_id, rule_sets=[rule_set], everybody=0):
        pass
    return time.process_time() - began, await _server_seconds(ground) - busy


async def _asked(
    ground: Ground, site: Site, rule_set: RuleSet, accounts: list[tuple[Row, str]], size: Size
) -> AsyncIterator[Figure]:
    place = Place(site.tenant_id, uuid4(), "user")
    source, service = People(site.pool, place, rule_set), CorrelationService(limit=COMPARED)
    async with tenant(site.pool, site.tenant_id) as conn:
        rows = await conn.fetch(_NAMES)
        owners = await conn.fetch("SELECT id, external_id FROM identities WHERE external_id = ANY($1)",
                                  [owner for _, owner in accounts])  # fmt: skip
    frequencies = NameFrequencies.of([row["name"] for row in rows])
    by_external = {row["external_id"]: row["id"] for row in owners}

    async def ask(account: Row) -> CorrelationResult:
        return await service.find_identity(uuid4(), account, rule_set=rule_set, source=source, frequencies=frequencies)

    for account, _ in accounts[:200]:
        await ask(account)
    took: list[float] = []
    right = 0
    began, busy = time.process_time(), await _server_seconds(ground)
    for account, owner in accounts:
        at = time.perf_counter()
        result = await ask(account)
        took.append(1000 * (time.perf_counter() - at))
        right += bool(result.candidates) and result.candidates[0].ref_id == by_external[owner]
    ours, servers = time.process_time() - began, await _server_seconds(ground) - busy
    percents = quantiles(took, n=100)
    yield at_most("look-up of an owner, p99", percents[98], "ms", LOOK_UP_MS)
    yield at_most("look-up of an owner, median", percents[49], "ms", LOOK_UP_MS)
    on_cores = 1000 * (ours + servers) / len(took)
    share = f"{servers / (ours + servers):.0%} of it PostgreSQL's; target: at most {LOOK_UP_MS:g}"
    yield Figure("look-up of an owner, on a core", on_cores, "ms", share, on_cores / LOOK_UP_MS)
    yield Figure("look-up of an owner, first is right", 100 * right / len(took), "%", "all", right / len(took))


async def _server_seconds(ground: Ground) -> float:
    """What all of PostgreSQL has taken of the cores."""
    return processes.cpu_s(await ground.server_pid())


async def _sizes(site: Site) -> tuple[float, float]:
    """MB of all keys, and of all people."""
    async with site.pool.acquire() as conn:
        sizes = [await conn.fetchval(_SIZE, table) for table in ("identity_keys", "identities")]
    return sizes[0] / 1e6, sizes[1] / 1e6
