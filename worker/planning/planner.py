"""Turns what changed about identities into operations, in batches.

One batch: read the people to plan (one transaction), map them for every target (none), then in one transaction take
those that are still as they were read, compare with their accounts, and write accounts, operations and the rest.

A person whose mapping fails at a target must not stop anybody, and must not be lost either: the wish is kept as a dead
letter of that account (``mapping.failed``, with the rule and the reason). It is where people look for what needs them,
it is counted, searched and listed like every other failure, and planning withdraws it by itself when the person maps
again. A target that cannot be planned for at all, for its scope or its rules are broken, is left alone and logged:
nothing is removed there because of a mistake in its settings.
"""

import asyncio
from dataclasses import dataclass, replace
from functools import partial
from uuid import UUID

import structlog

from worker.domain.connector import Connector
from worker.domain.errors import InvalidFilter
from worker.domain.mapping import MappingVersion
from worker.domain.operation import NewOperation, Origin
from worker.planning.acceptance import Acceptance, Accepted
from worker.planning.batch import Batch, Decisions, Target, decide_batch, results
from worker.planning.judging import judge_anew
from worker.planning.passed_over import ask_again
from worker.planning.rehearsal import Rehearsal
from worker.planning.targets import Mapper, map_batch, not_given, target_of
from worker.security import Vault
from worker.store import connectors, identities, mappings, plan_items, planned_targets, recorrelations, tenant
from worker.store.plan_items import PlanItem
from worker.store.pool import Connection, Pool
from worker.telemetry import metrics

log = structlog.get_logger(__name__)

BATCH = 500
#: Batches on their way at once.
AT_ONCE = 2
#: Batches of one tenant in a row, before others have their turn.
BATCHES = 20

#: Why somebody is planned who is new or has changed: accounts of nobody may be theirs.
_CAME = frozenset({Origin.EVENT, Origin.SOURCE, Origin.RECON, Origin.API, Origin.CONSOLE})

REASON = "Changed identities would remove more accounts of this target in 24 hours than may be removed unseen."


@dataclass(frozen=True, slots=True)
class Planned:
    """What a round did. ``stale``: changed while being mapped, so planned again later; ``failed``: not mappable.

    ``rehearsed``: people looked at for dry runs.
    """

    identities: int = 0
    operations: int = 0
    coalesced: int = 0
    held: int = 0
    failed: int = 0
    stale: int = 0
    rehearsed: int = 0

    def __add__(self, other: "Planned") -> "Planned":
        return Planned(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))


class _Turns:
    """Who takes which batch: in id order, each once, so many at most."""

    def __init__(self, after: UUID, left: int) -> None:
        self.lock = asyncio.Lock()
        self.after = after
        self.left = left

    def take(self, batch: Batch, *, is_last: bool) -> None:
        self.left = 0 if is_last else self.left - 1
        self.after = batch.items[-1].identity_id if batch.items else self.after


class Planner:
    """Plans one tenant's people until none is left, or for a while."""

    def __init__(self, pool: Pool, *, mapper: Mapper, acceptance: Acceptance, vault: Vault, batch: int = BATCH) -> None:
        self._pool = pool
        self._rehearsal = Rehearsal(pool, mapper=mapper, acceptance=acceptance, vault=vault)
        self._vault = vault
        self._mapper = mapper
        self._acceptance = acceptance
        self._size = batch

    async def run_once(self, tenant_id: UUID, ref_id: UUID) -> Planned:
        """Plan up to ``BATCHES`` batches. Whoever is left keeps the work due; what a batch wrote stays written."""
        await judge_anew(self._pool, tenant_id)
        await self._catch_up(tenant_id)
        turns = _Turns(plan_items.FIRST, BATCHES)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._work(tenant_id, turns)) for _ in range(AT_ONCE)]
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from failed
        planned = sum((task.result() for task in tasks), Planned())
        planned += Planned(rehearsed=await self._rehearsal.run_once(tenant_id))
        async with tenant.tenant(self._pool, tenant_id, is_growing=True) as conn:
            await plan_items.settle(conn, tenant_id=tenant_id)
        return planned

    async def _catch_up(self, tenant_id: UUID) -> None:
        async with tenant.tenant(self._pool, tenant_id, is_growing=True) as conn:
            targets = await _targets(conn, tenant_id)
            known = await planned_targets.known(conn, tenant_id=tenant_id)
        await ask_again(self._pool, tenant_id, targets, known=known)

    async def _work(self, tenant_id: UUID, turns: "_Turns") -> Planned:
        """Plan batch after batch: while the database writes one of ours, the other worker maps the next."""
        total = Planned()
        while (batch := await self._next(tenant_id, turns)) is not None:
            await map_batch(batch, self._mapper)
            total += await self._write(tenant_id, batch)
        return total

    async def _next(self, tenant_id: UUID, turns: "_Turns") -> Batch | None:
        """The next batch, or None when nothing is left, or nothing for now."""
        async with turns.lock:
            if turns.left == 0:
                return None
            batch = await self._read(tenant_id, turns.after)
            turns.take(batch, is_last=len(batch.items) < self._size)
        return batch if batch.items else None

    async def _read(self, tenant_id: UUID, after: UUID) -> Batch:
        async with tenant.tenant(self._pool, tenant_id, is_growing=True) as conn:
            items = await plan_items.batch(conn, tenant_id=tenant_id, after=after, limit=self._size)
            if not items:
                return Batch([], [])
            targets = await _targets(conn, tenant_id)
            if any(target.returned for target in targets):
                items = await _with_authority(conn, tenant_id, items)
            return Batch(items, targets)

    async def _write(self, tenant_id: UUID, batch: Batch) -> Planned:
        async with tenant.tenant(self._pool, tenant_id, is_growing=True) as conn:
            taken = await plan_items.take(conn, tenant_id=tenant_id, items=batch.items)
            accounts = await plan_items.accounts_of(
                conn,
                tenant_id=tenant_id,
                identity_ids=list(taken),
                connector_ids=[target.connector.id for target in batch.targets],
            )
            await tenant.keep_plans(conn)
            decisions = decide_batch(
                batch, taken=taken, accounts=accounts, not_given=partial(not_given, self._vault, tenant_id)
            )
            accepted = await self._accept(conn, tenant_id, decisions)
            # Somebody may have linked an account since we looked: those people are planned again.
            done = taken - await _place(conn, tenant_id, decisions, set(accepted.ids))
            await _note(conn, tenant_id, decisions, done)
            await plan_items.remove(conn, tenant_id=tenant_id, ids=list(done), planned_at=batch.planned_at)
            came = [item.identity_id for item in batch.items if item.origin in _CAME and item.identity_id in done]
            await recorrelations.ask_people(conn, tenant_id=tenant_id, ids=came)
        for labels, count in results(batch, decisions, done).items():
            metrics.planned_total.labels(*labels).inc(count)
        return Planned(
            identities=len(done),
            operations=len(accepted.ids),
            coalesced=len(accepted.coalesced),
            held=accepted.held,
            failed=len(decisions.complaints),
            stale=len(batch.items) - len(done),
        )

    async def _accept(self, conn: Connection, tenant_id: UUID, decisions: Decisions) -> Accepted:
        by_run: dict[UUID | None, list[NewOperation]] = {}
        for step in (*decisions.new, *decisions.known):
            operation = step.operation(vault=self._vault, tenant_id=tenant_id)
            if operation is not None:
                by_run.setdefault(operation.run_id, []).append(operation)
        total = Accepted()
        for run_id, operations in by_run.items():
            total += await self._acceptance.accept(
                conn, tenant_id=tenant_id, operations=operations, run_id=run_id, reason=REASON
            )
        return total


async def _place(conn: Connection, tenant_id: UUID, decisions: Decisions, accepted: set[UUID]) -> set[UUID]:
    """Make the rows of accounts whose creation cannot be tried; the people of whom somebody else has made one."""
    rows = [step.wanted() for step in decisions.new if step.operation_id not in accepted] + decisions.unplaced
    inserted = await plan_items.insert_accounts(conn, tenant_id=tenant_id, wanted=rows)
    return {row.identity_id for row in rows if row.account_id not in inserted}


async def _note(conn: Connection, tenant_id: UUID, decisions: Decisions, done: set[UUID]) -> None:
    wanted = [step.wanted() for step in decisions.known]
    complaints = [each for each in decisions.complaints if each.identity_id in done]
    people = list(done)
    await plan_items.write_wanted(conn, tenant_id=tenant_id, wanted=wanted)
    await plan_items.complain(conn, tenant_id=tenant_id, identity_ids=people, complaints=complaints)


async def _targets(conn: Connection, tenant_id: UUID) -> list[Target]:
    """Everything that can be planned for now."""
    found = await connectors.targets(conn, tenant_id=tenant_id)
    versions = await mappings.active(conn, tenant_id=tenant_id, connector_ids=[each.id for each in found])
    prepared = [_usable(each, versions.get((each.id, each.object_class))) for each in found]
    return [each for each in prepared if each is not None]


def _usable(connector: Connector, mapping: MappingVersion | None) -> Target | None:
    """A connector ready to plan for, or None when its scope cannot be read."""
    try:
        return target_of(connector, mapping)
    except InvalidFilter as error:
        log.warning("planning.scope_unusable", connector=connector.name, error=str(error))
        return None


async def _with_authority(conn: Connection, tenant_id: UUID, items: list[PlanItem]) -> list[PlanItem]:
    """The items with who is believed about their people: batches are read without, for few ask."""
    known = await identities.get(conn, tenant_id=tenant_id, ids=[item.identity_id for item in items])
    return [
        replace(item, identity=replace(item.identity, authority=known[item.identity_id].authority))
        if item.identity is not None and item.identity_id in known
        else item
        for item in items
    ]
