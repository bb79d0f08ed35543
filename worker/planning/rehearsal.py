"""Dry runs of mapping versions: what activating one would do to everybody at its target, counted page by page.

A page is read, mapped outside a transaction, and counted; how far the count is stands in its row, so whoever plans for
the tenant next goes on there, and a process that dies loses the page it was at. Nothing but that row is written.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from worker.domain import filters
from worker.domain.account import Account
from worker.domain.errors import InvalidFilter
from worker.mapping import check_rules
from worker.planning.acceptance import Acceptance
from worker.planning.batch import Step, Target
from worker.planning.foretelling import REMOVALS, Foretold, added, foretell, sampled, tally
from worker.planning.protections import protected
from worker.planning.targets import Mapper, target_of
from worker.security import Vault
from worker.store import connectors, identities, mapping_previews, mappings, plan_items, tenant
from worker.store import filters as people_of
from worker.store.identities import StoredIdentity
from worker.store.mapping_previews import Preview
from worker.store.pool import Connection, Pool

#: People of one page, and pages before others have their turn.
PAGE = 1_000
PAGES = 4


@dataclass(frozen=True, slots=True)
class _Page:
    """The next people: ``people`` are those of them whom the target concerns, ``total`` how many there are in all."""

    target: Target
    people: list[StoredIdentity]
    accounts: dict[UUID, Account]
    looked_at: int
    last: UUID | None
    total: int


class Rehearsal:
    """Goes on with one tenant's dry runs."""

    def __init__(self, pool: Pool, *, mapper: Mapper, acceptance: Acceptance, vault: Vault, page: int = PAGE) -> None:
        self._pool = pool
        self._mapper = mapper
        self._acceptance = acceptance
        self._vault = vault
        self._size = page

    async def run_once(self, tenant_id: UUID) -> int:
        """Look at up to ``PAGES`` pages; at how many people."""
        seen = 0
        for _ in range(PAGES):
            looked_at = await self._step(tenant_id)
            if looked_at is None:
                break
            seen += looked_at
        return seen

    async def _step(self, tenant_id: UUID) -> int | None:
        async with tenant.tenant(self._pool, tenant_id) as conn:
            preview = await mapping_previews.next_one(conn, tenant_id=tenant_id)
            if preview is None:
                return None
            page = await self._read(conn, tenant_id, preview)
        if isinstance(page, str):
            await self._write(tenant_id, preview, replace(preview, status="failed", error_message=page))
            return 0
        found = await foretell(
            page.people,
            target=page.target,
            accounts=page.accounts,
            mapper=self._mapper,
            vault=self._vault,
            tenant_id=tenant_id,
        )
        async with tenant.tenant(self._pool, tenant_id) as conn:
            seen = await self._told(conn, tenant_id, page.target, found)
            further = self._further(preview, page, seen)
            if further.status == "completed":
                further = replace(further, verdict=await self._verdict(conn, tenant_id, further))
            await mapping_previews.advance(conn, further, tenant_id=tenant_id, seen_to=preview.done_to)
        return page.looked_at

    async def _read(self, conn: Connection, tenant_id: UUID, preview: Preview) -> _Page | str:
        """The next page, or why there is none."""
        connector = await connectors.get(conn, tenant_id=tenant_id, connector_id=preview.connector_id)
        mapping = await mappings.get(
            conn,
            tenant_id=tenant_id,
            connector_id=preview.connector_id,
            object_class=preview.object_class,
            version=preview.version,
        )
        if connector is None or mapping is None or connector.object_class != preview.object_class:
            return "The target or this version of its mapping is not there any more."
        if mistakes := check_rules(mapping.rules):
            return f"The rules cannot be used: {mistakes[0]}."
        try:
            target = target_of(replace(connector, scope=preview.scope or connector.scope), mapping)
        except InvalidFilter as error:
            return f"The scope cannot be read: {error}"
        scope = filters.parse(target.connector.scope) if target.connector.scope else None
        where: dict[str, Any] = {"tenant_id": tenant_id, "connector_id": connector.id, "scope": scope}
        total = preview.people_total
        if total is None:
            total = (await people_of.count(conn, tenant_id=tenant_id, scope=None)).people
        found = await people_of.concerned(conn, **where, after=preview.done_to or plan_items.FIRST, limit=self._size)
        ids = found.ids
        known = await identities.get(conn, tenant_id=tenant_id, ids=ids)
        accounts = await mapping_previews.accounts_of(
            conn,
            tenant_id=tenant_id,
            connector_id=connector.id,
            object_class=connector.object_class,
            identity_ids=ids,
        )
        people = [known[each] for each in ids if each in known]
        return _Page(target, people, accounts, found.looked_at, found.last, total)

    async def _told(
        self, conn: Connection, tenant_id: UUID, target: Target, found: Sequence[tuple[Foretold, Step | None]]
    ) -> list[Foretold]:
        """With those who are left alone because their account is protected."""
        if not target.connector.protected_filter:
            return [each for each, _ in found]
        operations = [step.operation(vault=self._vault, tenant_id=tenant_id) for _, step in found if step]
        refused = await protected(conn, tenant_id, [op for op in operations if op is not None])
        return [
            replace(each, kind="protected") if step is not None and step.operation_id in refused else each
            for each, step in found
        ]

    def _further(self, preview: Preview, page: _Page, found: Sequence[Foretold]) -> Preview:
        is_last = page.looked_at < self._size
        return replace(
            preview,
            status="completed" if is_last else "running",
            people_total=max(page.total, preview.people_done + page.looked_at),
            people_done=preview.people_done + page.looked_at,
            done_to=page.last or preview.done_to,
            counts=added(preview.counts, tally(found)),
            samples=sampled(preview.samples, found),
        )

    async def _verdict(self, conn: Connection, tenant_id: UUID, preview: Preview) -> dict[str, Any]:
        kinds = preview.counts.get("kinds", {})
        removals = sum(kinds.get(kind, 0) for kind in REMOVALS)
        verdict = await self._acceptance.foresee(
            conn, tenant_id=tenant_id, connector_id=preview.connector_id, removals=removals
        )
        return {"removals": removals, "used": verdict.used, "limit": verdict.limit, "held": verdict.held}

    async def _write(self, tenant_id: UUID, before: Preview, after: Preview) -> None:
        async with tenant.tenant(self._pool, tenant_id) as conn:
            await mapping_previews.advance(conn, after, tenant_id=tenant_id, seen_to=before.done_to)
