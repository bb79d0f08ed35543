"""ConsoleReads over the sample, filtered and paged in memory; ``quiet`` is a house where all is well."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar
from uuid import UUID

from tests.e2e.fakes import sample
from worker.console import views as v
from worker.domain.operation import OperationStatus

T = TypeVar("T")


def part(rows: Sequence[T], where: v.Slice, *, most: int = 50) -> tuple[tuple[T, ...], v.Cursors]:
    """One slice of a list; cursors are offsets."""
    start = int(where.older or where.newer or 0)
    end = start + min(where.limit, most)
    return tuple(rows[start:end]), v.Cursors(
        older=str(end) if end < len(rows) else None, newer=str(max(0, start - where.limit)) if start else None
    )


class FakeReads:
    """Every read of the console, from the sample."""

    def __init__(self, *, quiet: bool = False, rows: int = 50) -> None:
        self.rows = rows
        self.quiet = quiet
        self.operations_now = [] if quiet else list(sample.OPERATIONS)
        self.stop = asyncio.Event()
        self.topics: asyncio.Queue[str] = asyncio.Queue()

    def mark(self, ids: Sequence[UUID], status: OperationStatus) -> None:
        """Pretend that an act moved operations, and tell whoever listens."""
        self.operations_now = [replace(o, status=status) if o.id in ids else o for o in self.operations_now]
        self.topics.put_nowait("operations")

    async def badges(self, tenant_id: UUID) -> v.Badges:
        if self.quiet:
            return v.Badges()
        dead = sum(o.status is OperationStatus.DEAD_LETTER for o in self.operations_now)
        return v.Badges(dead_letters=dead, cases=5, approvals=2, conflicts=1)

    async def home(self, tenant_id: UUID) -> v.HomeView:
        counts = Counter(o.status for o in self.operations_now)
        return v.HomeView(
            badges=await self.badges(tenant_id),
            connectors=() if self.quiet else await self.connectors(tenant_id),
            counts=dict(counts),
            hours=sample.HOURS,
            completed_24h=sum(h.completed for h in sample.HOURS),
            failed_24h=sum(h.failed for h in sample.HOURS),
            runs=() if self.quiet else tuple(sample.RUNS[:6]),
            holds=() if self.quiet else tuple(sample.HOLDS),
            dead_letter_causes=(("invalid_attributes", "ldap-main", 14), ("hook.deadline", "app-users", 6)),
            open_discrepancies=0 if self.quiet else 30,
            identities=5000,
            accounts=14_586,
            as_of=datetime.now(UTC),
            oldest_pending_at=None if self.quiet else sample.ago(minutes=4),
            last_dead_letter_at=sample.ago(days=6),
        )

    async def connector_names(self, tenant_id: UUID) -> tuple[v.ConnectorBrief, ...]:
        return sample.CONNECTORS

    async def operations(self, tenant_id: UUID, *, where: v.OperationFilter) -> v.OperationPage:
        found = [
            o
            for o in self.operations_now
            if (where.connector_id in {None, o.connector_id})
            and (where.operation_type in {None, o.operation_type})
            and (where.error_code in {None, o.error_code})
            and (where.user_id in {None, o.user_id})
            and (not where.q or o.subject.startswith(where.q) or str(o.id) == where.q)
        ]
        shown = [o for o in found if where.status in {None, o.status}]
        rows, cursors = part(shown, where, most=self.rows)
        return v.OperationPage(
            rows=rows,
            counts=dict(Counter(o.status for o in found)),
            total=len(shown),
            as_of=datetime.now(UTC),
            cursors=cursors,
            error_codes=tuple(Counter(o.error_code for o in shown if o.error_code).most_common(4)),
            oldest_pending_at=sample.ago(minutes=4),
            success_rate=0.9921,
            avg_processing_time_secs=0.412,
        )

    async def operation(self, tenant_id: UUID, *, operation_id: UUID) -> v.OperationDetail | None:
        row = next((o for o in self.operations_now if o.id == operation_id), None)
        return sample.operation_detail(row) if row else None

    async def connectors(self, tenant_id: UUID) -> tuple[v.ConnectorCard, ...]:
        return tuple(sample.card(brief) for brief in sample.CONNECTORS)

    async def connector(self, tenant_id: UUID, *, connector_id: UUID) -> v.ConnectorDetail | None:
        brief = next((c for c in sample.CONNECTORS if c.id == connector_id), None)
        return sample.connector_detail(brief) if brief else None

    async def reconciliation(
        self, tenant_id: UUID, *, connector_id: UUID, part: v.Slice
    ) -> v.ReconciliationView | None:
        brief = next((c for c in sample.CONNECTORS if c.id == connector_id), None)
        if brief is None:
            return None
        runs = tuple(r for r in sample.RUNS if r.connector_id == connector_id)
        return v.ReconciliationView(
            connector=brief,
            runs=runs,
            live=next((r for r in runs if r.status in {"running", "paused"}), None),
            open_by_type={"mismatch": 12, "orphan": 4} if brief is sample.LDAP else {},
            schedule="daily at 02:00 Europe/Berlin",
            next_run_at=sample.NOW,
            can_delta=brief is not sample.SCIM,
            as_of=datetime.now(UTC),
        )

    async def run(self, tenant_id: UUID, *, connector_id: UUID, run_id: UUID) -> v.RunDetail | None:
        row = next((r for r in sample.RUNS if r.id == run_id), None)
        return sample.run_detail(row) if row else None

    async def discrepancies(
        self, tenant_id: UUID, *, connector_id: UUID, where: v.DiscrepancyFilter
    ) -> v.DiscrepancyPage | None:
        brief = next((c for c in sample.CONNECTORS if c.id == connector_id), None)
        if brief is None:
            return None
        every = [] if self.quiet else sample.DISCREPANCIES
        by_kind = [d for d in every if where.discrepancy_type in {None, d.discrepancy_type}]
        by_status = [d for d in every if where.resolution_status in {None, d.resolution_status}]
        shown = [d for d in by_kind if d in by_status]
        rows, cursors = part(shown, where, most=self.rows)
        return v.DiscrepancyPage(
            connector=brief,
            rows=rows,
            by_type=dict(Counter(d.discrepancy_type for d in by_status)),
            by_status=dict(Counter(d.resolution_status for d in by_kind)),
            total=len(shown),
            as_of=datetime.now(UTC),
            cursors=cursors,
            last_run=sample.RUNS[1],
        )

    async def discrepancies_by_id(
        self, tenant_id: UUID, *, connector_id: UUID, ids: tuple[UUID, ...]
    ) -> tuple[v.DiscrepancyRow, ...]:
        return tuple(d for d in sample.DISCREPANCIES if d.id in ids)

    async def approvals(self, tenant_id: UUID) -> v.ApprovalPage:
        pending = () if self.quiet else tuple(sample.HOLDS)
        return v.ApprovalPage(pending=pending, decided=tuple(sample.DECIDED), as_of=datetime.now(UTC))

    async def hold(self, tenant_id: UUID, *, hold_id: UUID) -> v.HoldView | None:
        return next((h for h in [*sample.HOLDS, *sample.DECIDED] if h.id == hold_id), None)

    async def cases(self, tenant_id: UUID, *, where: v.CaseFilter) -> v.CasePage:
        every = [] if self.quiet else sample.CASES
        rows, cursors = part([c for c in every if where.status in {None, c.status}], where, most=self.rows)
        return v.CasePage(
            rows=rows, by_status=dict(Counter(c.status for c in every)), as_of=datetime.now(UTC), cursors=cursors
        )

    async def case(self, tenant_id: UUID, *, case_id: UUID) -> v.CaseDetail | None:
        row = next((c for c in sample.CASES if c.id == case_id), None)
        return sample.case_detail(row) if row else None

    async def trend(self, tenant_id: UUID, *, connector_id: UUID | None, days: int) -> v.TrendView | None:
        runs = () if self.quiet else tuple(sample.RUNS)
        return v.TrendView(
            days=tuple(sample.trend_day(n, days) for n in range(days)),
            live=tuple(run for run in runs if run.status in {"running", "paused"}),
            latest=runs,
            connectors=tuple(sample.CONNECTORS),
            as_of=datetime.now(UTC),
            connector_id=connector_id,
        )

    async def near_cases(self, tenant_id: UUID, *, case_id: UUID, where: v.CaseFilter) -> v.NearCases:
        ids = [c.id for c in sample.CASES if c.status == "open"]
        at = ids.index(case_id) if case_id in ids else len(ids)
        return v.NearCases(
            before=ids[at - 1] if at else None, following=ids[at + 1] if at + 1 < len(ids) else None, open=len(ids)
        )

    async def conflicts(self, tenant_id: UUID, *, where: v.ConflictFilter) -> v.ConflictPage:
        every = [] if self.quiet else sample.CONFLICTS
        rows, cursors = part([c for c in every if where.status in {None, c.status}], where, most=self.rows)
        return v.ConflictPage(
            rows=rows, by_status=dict(Counter(c.status for c in every)), as_of=datetime.now(UTC), cursors=cursors
        )

    async def conflict(self, tenant_id: UUID, *, conflict_id: UUID) -> v.ConflictDetail | None:
        row = next((c for c in sample.CONFLICTS if c.id == conflict_id), None)
        return sample.conflict_detail(row) if row else None

    async def identities(self, tenant_id: UUID, *, where: v.IdentityFilter) -> v.IdentityPage:
        every = [
            i
            for i in sample.IDENTITIES
            if not where.q or any(each.startswith(where.q) for each in (i.user_name, i.external_id))
        ]
        rows, cursors = part([i for i in every if where.active in {None, i.active}], where, most=self.rows)
        return v.IdentityPage(
            rows=rows, by_active=dict(Counter(i.active for i in every)), as_of=datetime.now(UTC), cursors=cursors
        )

    async def identity(self, tenant_id: UUID, *, identity_id: UUID) -> v.IdentityDetail | None:
        row = next((i for i in sample.IDENTITIES if i.id == identity_id), None)
        return sample.identity_detail(row) if row else None

    async def audit(self, tenant_id: UUID, *, where: v.AuditFilter) -> v.AuditPage:
        found = [e for e in sample.AUDIT if (where.action is None or e.action.startswith(where.action))]
        rows, cursors = part(found, where, most=self.rows)
        return v.AuditPage(
            rows=rows, as_of=datetime.now(UTC), cursors=cursors, verified_up_to=3990, verified_at=sample.ago(hours=2)
        )

    async def changes(self, tenant_id: UUID) -> AsyncIterator[str]:
        while not self.stop.is_set():
            with contextlib.suppress(TimeoutError):
                yield await asyncio.wait_for(self.topics.get(), 0.2)
