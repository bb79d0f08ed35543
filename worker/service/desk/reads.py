"""Every read of the console: a tenant transaction each, and a view out of it."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

from worker.console import (
    ApprovalPage,
    AuditFilter,
    AuditPage,
    Badges,
    CaseDetail,
    CaseFilter,
    CasePage,
    ConflictDetail,
    ConflictFilter,
    ConflictPage,
    ConnectorBrief,
    ConnectorCard,
    ConnectorDetail,
    DiscrepancyFilter,
    DiscrepancyPage,
    DiscrepancyRow,
    HoldView,
    HomeView,
    IdentityDetail,
    IdentityFilter,
    IdentityPage,
    NearCases,
    OperationDetail,
    OperationFilter,
    OperationPage,
    ReconciliationView,
    RunDetail,
    Slice,
    TrendView,
)
from worker.service.desk import approvals, audit, briefs, cases, conflicts, operations, people, recon, targets, trend
from worker.service.desk.changes import Changes
from worker.service.desk.flow import Flow, Remembered
from worker.store import listings
from worker.store.listings import OperationQuery
from worker.store.pool import Pool
from worker.store.tenant import tenant

_RECENT = 10


class Reads:
    """The console's reads over our own database; targets are never asked."""

    def __init__(self, pool: Pool, *, stop: asyncio.Event, approval_rules: approvals.Rules | None = None) -> None:
        self._pool = pool
        self._rules = approval_rules or approvals.Rules()
        self._flow = Flow()
        self._remembered = Remembered()
        self._changes = Changes(pool, stop=stop)

    async def badges(self, tenant_id: UUID) -> Badges:
        async with tenant(self._pool, tenant_id) as conn:
            return await targets.badges(conn, tenant_id)

    async def home(self, tenant_id: UUID) -> HomeView:
        async with tenant(self._pool, tenant_id) as conn:
            day = await self._flow.day(conn, tenant_id)
            known = await targets.overview(conn, tenant_id, day=day, remembered=self._remembered)
            return await targets.home(conn, tenant_id, known, remembered=self._remembered)

    async def connector_names(self, tenant_id: UUID) -> tuple[ConnectorBrief, ...]:
        async with tenant(self._pool, tenant_id) as conn:
            return tuple((await briefs.briefs(conn, tenant_id)).values())

    async def operations(self, tenant_id: UUID, *, where: OperationFilter) -> OperationPage:
        async with tenant(self._pool, tenant_id) as conn:
            day = await self._flow.day(conn, tenant_id)
            return await operations.page(conn, tenant_id, where=where, day=day)

    async def operation(self, tenant_id: UUID, *, operation_id: UUID) -> OperationDetail | None:
        async with tenant(self._pool, tenant_id) as conn:
            return await operations.detail(conn, tenant_id, operation_id=operation_id)

    async def connectors(self, tenant_id: UUID) -> tuple[ConnectorCard, ...]:
        async with tenant(self._pool, tenant_id) as conn:
            day = await self._flow.day(conn, tenant_id)
            known = await targets.overview(conn, tenant_id, day=day, remembered=self._remembered)
            return await targets.cards(conn, tenant_id, known)

    async def connector(self, tenant_id: UUID, *, connector_id: UUID) -> ConnectorDetail | None:
        async with tenant(self._pool, tenant_id) as conn:
            day = await self._flow.day(conn, tenant_id)
            known = await targets.overview(conn, tenant_id, day=day, remembered=self._remembered)
            rows = await listings.operations(
                conn, tenant_id, where=OperationQuery(connector_id=connector_id), limit=_RECENT
            )
            recent = tuple(operations.row_of(row) for row in rows)
            return await targets.detail(conn, tenant_id, known, connector_id=connector_id, recent=recent)

    async def reconciliation(self, tenant_id: UUID, *, connector_id: UUID, part: Slice) -> ReconciliationView | None:
        async with tenant(self._pool, tenant_id) as conn:
            return await recon.overview(conn, tenant_id, connector_id=connector_id, part=part)

    async def run(self, tenant_id: UUID, *, connector_id: UUID, run_id: UUID) -> RunDetail | None:
        async with tenant(self._pool, tenant_id) as conn:
            return await recon.run(conn, tenant_id, connector_id=connector_id, run_id=run_id, rules=self._rules)

    async def discrepancies(
        self, tenant_id: UUID, *, connector_id: UUID, where: DiscrepancyFilter
    ) -> DiscrepancyPage | None:
        async with tenant(self._pool, tenant_id) as conn:
            return await recon.findings(conn, tenant_id, connector_id=connector_id, where=where)

    async def discrepancies_by_id(
        self, tenant_id: UUID, *, connector_id: UUID, ids: tuple[UUID, ...]
    ) -> tuple[DiscrepancyRow, ...]:
        async with tenant(self._pool, tenant_id) as conn:
            return await recon.findings_by_id(conn, tenant_id, connector_id=connector_id, ids=ids)

    async def approvals(self, tenant_id: UUID) -> ApprovalPage:
        async with tenant(self._pool, tenant_id) as conn:
            return await approvals.page(conn, tenant_id, rules=self._rules)

    async def hold(self, tenant_id: UUID, *, hold_id: UUID) -> HoldView | None:
        async with tenant(self._pool, tenant_id) as conn:
            return await approvals.hold(conn, tenant_id, hold_id=hold_id, rules=self._rules)

    async def cases(self, tenant_id: UUID, *, where: CaseFilter) -> CasePage:
        async with tenant(self._pool, tenant_id) as conn:
            return await cases.page(conn, tenant_id, where=where)

    async def case(self, tenant_id: UUID, *, case_id: UUID) -> CaseDetail | None:
        async with tenant(self._pool, tenant_id) as conn:
            return await cases.detail(conn, tenant_id, case_id=case_id)

    async def trend(self, tenant_id: UUID, *, connector_id: UUID | None, days: int) -> TrendView | None:
        async with tenant(self._pool, tenant_id) as conn:
            return await trend.view(conn, tenant_id, connector_id=connector_id, days=days)

    async def near_cases(self, tenant_id: UUID, *, case_id: UUID, where: CaseFilter) -> NearCases:
        async with tenant(self._pool, tenant_id) as conn:
            return await cases.near(conn, tenant_id, case_id=case_id, where=where)

    async def conflicts(self, tenant_id: UUID, *, where: ConflictFilter) -> ConflictPage:
        async with tenant(self._pool, tenant_id) as conn:
            return await conflicts.page(conn, tenant_id, where=where)

    async def conflict(self, tenant_id: UUID, *, conflict_id: UUID) -> ConflictDetail | None:
        async with tenant(self._pool, tenant_id) as conn:
            return await conflicts.detail(conn, tenant_id, conflict_id=conflict_id)

    async def identities(self, tenant_id: UUID, *, where: IdentityFilter) -> IdentityPage:
        async with tenant(self._pool, tenant_id) as conn:
            return await people.page(conn, tenant_id, where=where)

    async def identity(self, tenant_id: UUID, *, identity_id: UUID) -> IdentityDetail | None:
        async with tenant(self._pool, tenant_id) as conn:
            return await people.detail(conn, tenant_id, identity_id=identity_id)

    async def audit(self, tenant_id: UUID, *, where: AuditFilter) -> AuditPage:
        async with tenant(self._pool, tenant_id) as conn:
            return await audit.page(conn, tenant_id, where=where)

    def changes(self, tenant_id: UUID) -> AsyncIterator[str]:
        """Topics of what changes, as it changes; the iterator ends when the daemon stops."""
        return self._changes.of(tenant_id)
