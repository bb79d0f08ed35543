"""The console's differences with one cause: what there is, and approvals answered in words."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from worker.actions import House
from worker.actions import causes as acts
from worker.console import ActResult, CauseRepairRow, CauseRow, CausesView, ChosenCauses, ConnectorBrief
from worker.console import Principal as Person
from worker.domain.discrepancy import RepairDirection
from worker.recon import cause_words, describe
from worker.service.desk.briefs import brief_of
from worker.service.desk.saying import principal_of, said
from worker.store import cause_repairs, cause_samples, listings_targets
from worker.store.cause_repairs import CauseRepair, Group
from worker.store.pool import Connection
from worker.store.tenant import tenant

_GROUPS = 100
_REPAIRS = 10


class Causes:
    """What the page of causes reads and does, over this house."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def causes(self, tenant_id: UUID, *, connector_id: UUID, run_id: UUID | None = None) -> CausesView | None:
        where: dict[str, Any] = {"tenant_id": tenant_id, "connector_id": connector_id}
        async with tenant(self._house.pool, tenant_id) as conn:
            brief = await _brief(conn, tenant_id, connector_id)
            if brief is None:
                return None
            groups = await cause_samples.largest(conn, run_id=run_id, limit=_GROUPS, **where)
            repairs = await cause_repairs.page(conn, limit=_REPAIRS, **where)
        return CausesView(
            connector=brief,
            rows=tuple(cause_row(describe(each)) for each in groups),
            repairs=tuple(_repair(each) for each in repairs),
            as_of=datetime.now(UTC),
            run_id=run_id,
        )

    async def chosen_causes(
        self, tenant_id: UUID, *, connector_id: UUID, groups: tuple[str, ...], run_id: UUID | None
    ) -> ChosenCauses | None:
        where: dict[str, Any] = {"tenant_id": tenant_id, "connector_id": connector_id}
        async with tenant(self._house.pool, tenant_id) as conn:
            brief = await _brief(conn, tenant_id, connector_id)
            if brief is None:
                return None
            causes, _ = await acts.named(conn, groups=groups, run_id=run_id, **where)
            total, mixed = await cause_repairs.count(conn, causes=causes, run_id=run_id, **where) if causes else (0, 0)
        rows = tuple(_chosen(key) for key in causes)
        return ChosenCauses(connector=brief, rows=rows, total=total, mixed=mixed)

    async def approve_causes(
        self,
        principal: Person,
        *,
        connector_id: UUID,
        groups: tuple[str, ...],
        takes_over: bool,
        run_id: UUID | None,
        expect: int,
    ) -> ActResult:
        async def act() -> ActResult:
            way = RepairDirection.TO_IDENTITY if takes_over else RepairDirection.TO_TARGET
            wanted = acts.Wanted(groups, direction=way, run_id=run_id, expect=expect)
            begun = await acts.approve(self._house, principal_of(principal), connector_id=connector_id, wanted=wanted)
            return ActResult(f"{begun.repair.total} are being repaired.")

        return await said(act)

    async def cancel_causes(self, principal: Person, *, connector_id: UUID, repair_id: UUID) -> ActResult:
        async def act() -> ActResult:
            ended = await acts.cancel(
                self._house, principal_of(principal), connector_id=connector_id, repair_id=repair_id
            )
            return ActResult(f"Stopped; {ended.succeeded} were repaired.")

        return await said(act)


async def _brief(conn: Connection, tenant_id: UUID, connector_id: UUID) -> ConnectorBrief | None:
    found = await listings_targets.connectors(conn, tenant_id, connector_id=connector_id)
    return brief_of(found[0]) if found else None


def _chosen(key: str) -> CauseRow:
    """A cause without numbers: those of what is approved are counted together."""
    cause = describe(Group(key, 0, 0, 0, None))
    return cause_row(cause)


def cause_row(group: dict[str, Any]) -> CauseRow:
    """A group as the report of a run describes it."""
    sample = group["sample"] or {}
    return CauseRow(
        id=group["id"],
        attribute=group["attribute_name"],
        words=group["cause"],
        count=group["open"],
        alone=group["alone"],
        is_estimated=group["is_estimated"],
        uid=sample.get("external_uid"),
        expected=sample.get("expected"),
        actual=sample.get("actual"),
    )


def _repair(repair: CauseRepair) -> CauseRepairRow:
    return CauseRepairRow(
        id=repair.id,
        words=tuple(cause_words(key) for key in repair.causes),
        takes_over=repair.direction == RepairDirection.TO_IDENTITY,
        status=repair.status,
        total=repair.total,
        succeeded=repair.succeeded,
        failed=repair.failed,
        skipped=repair.skipped,
        is_held=repair.approval_id is not None,
        created_at=repair.created_at,
    )
