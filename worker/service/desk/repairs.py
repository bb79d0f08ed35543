"""The console's repairs: what they would change, what was done, taking it back, and what happens by itself."""

from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import UUID

from worker.actions import House, policies, previews
from worker.actions import findings as acts
from worker.api import Filters, export_lines
from worker.console import (
    ActionPage,
    ActionRow,
    ActResult,
    AttributeChange,
    DiscrepancyFilter,
    PolicyRow,
    PolicyView,
    RepairPreview,
    Slice,
)
from worker.console import Principal as Person
from worker.domain.discrepancy import DiscrepancyType, RepairAction, RepairDirection, Resolution
from worker.domain.errors import InvalidRequest
from worker.recon import Repaired, Wish, choices_of, rules_of
from worker.service.desk.briefs import brief_of, change
from worker.service.desk.saying import principal_of, said
from worker.service.desk.slices import cut, ends_of
from worker.store import connectors, listings_findings, listings_targets
from worker.store.sql import Record
from worker.store.tenant import tenant

#: Told by the name of the person beside it.
_UNTOLD = frozenset({"identity_id"})


class Repairs:
    """What pages of repairs read and do, over this house."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def previews(
        self,
        principal: Person,
        *,
        connector_id: UUID,
        ids: tuple[UUID, ...],
        action: str | None = None,
        direction: str | None = None,
        identity_id: UUID | None = None,
    ) -> tuple[RepairPreview, ...]:
        wanted = RepairAction(action) if action else None, RepairDirection(direction) if direction else None
        found = await previews.preview(
            self._house,
            principal_of(principal),
            connector_id=connector_id,
            wishes=[Wish(id_, *wanted, identity_id) for id_ in ids],
        )
        return tuple(_preview(each) for each in found)

    async def actions(
        self,
        tenant_id: UUID,
        *,
        connector_id: UUID,
        part: Slice,
        finding_id: UUID | None = None,
        run_id: UUID | None = None,
    ) -> ActionPage:
        ends = ends_of(part)
        async with tenant(self._house.pool, tenant_id) as conn:
            rows = await listings_findings.actions(
                conn,
                tenant_id,
                connector_id=connector_id,
                run_id=run_id,
                discrepancy_id=finding_id,
                before=ends.before,
                after=ends.after,
                limit=ends.limit,
            )
        shown, cursors = cut(rows, part)
        return ActionPage(rows=tuple(_action(row) for row in shown), cursors=cursors)

    async def export(
        self, tenant_id: UUID, *, connector_id: UUID, where: DiscrepancyFilter, kind: str
    ) -> AsyncIterator[str] | None:
        async with tenant(self._house.pool, tenant_id) as conn:
            if await connectors.get(conn, tenant_id=tenant_id, connector_id=connector_id) is None:
                return None
        filters = Filters(
            run_id=where.run_id,
            discrepancy_type=DiscrepancyType(where.discrepancy_type) if where.discrepancy_type else None,
            resolution_status=Resolution(where.resolution_status) if where.resolution_status else None,
            attribute_name=where.attribute_name,
        )
        return export_lines(
            self._house, tenant_id, connector_id=connector_id, where=filters, kind="csv" if kind == "csv" else "jsonl"
        )

    async def undo(self, principal: Person, *, connector_id: UUID, finding_id: UUID) -> ActResult:
        async def act() -> ActResult:
            done = await acts.undo(
                self._house, principal_of(principal), connector_id=connector_id, discrepancy_id=finding_id
            )
            if not done.success:
                raise InvalidRequest(f"Nothing was undone. {done.error}")
            if done.operation_id is None:
                return ActResult("Taken back; the discrepancy is open again.")
            link = f"/connectors/operations/{done.operation_id}"
            return ActResult("The former values are being written; the discrepancy is open again.", link=link)

        return await said(act)

    async def policy(self, tenant_id: UUID, *, connector_id: UUID) -> PolicyView | None:
        async with tenant(self._house.pool, tenant_id) as conn:
            found = await listings_targets.connectors(conn, tenant_id, connector_id=connector_id)
            stored = await connectors.get(conn, tenant_id=tenant_id, connector_id=connector_id)
        if not found or stored is None or not stored.is_target:
            return None
        rows = []
        for rule in rules_of(stored.policy):
            choices = choices_of(rule.kind)
            written = f"{rule.action}:{rule.direction}" if f"{rule.action}:{rule.direction}" in choices else rule.action
            rows.append(PolicyRow(kind=rule.kind.value, chosen=written, choices=choices))
        return PolicyView(connector=brief_of(found[0]), version=stored.version, rows=tuple(rows))

    async def change_policy(
        self, principal: Person, *, connector_id: UUID, policy: Mapping[str, str | None], seen: int
    ) -> ActResult:
        async def act() -> ActResult:
            changed = await policies.change(
                self._house, principal_of(principal), connector_id=connector_id, policy=policy, seen=seen
            )
            kinds = ", ".join(sorted(changed.policy)) or "nothing"
            return ActResult(f"From now on {changed.name} repairs by itself: {kinds}.")

        return await said(act)


def _preview(found: Repaired) -> RepairPreview:
    return RepairPreview(
        finding_id=found.discrepancy_id,
        action=str(found.action) if found.action else None,
        direction=str(found.direction),
        changes=_changes(found.before_state, found.after_state, names=found.changes),
        obstacle=None if found.success else found.error or "It cannot be done.",
    )


def _action(row: Record) -> ActionRow:
    details = row["details"]
    before, after = details.get("before_state"), details.get("after_state")
    return ActionRow(
        id=row["id"],
        at=row["performed_at"],
        by=row["performed_by_name"] or "somebody",
        action=row["action_type"],
        direction=row["direction"],
        result=row["result"],
        dry_run=row["dry_run"],
        changes=_changes(before, after, names={*(before or {}), *(after or {})}),
        note=details.get("error_message") or details.get("reason") or details.get("explanation"),
        subject=row["identity_name"] or row["external_uid"],
        kind=row["discrepancy_type"],
        finding_id=row["discrepancy_id"],
        run_id=row["run_id"],
        operation_id=row["operation_id"],
    )


def _changes(
    before: Mapping[str, Any] | None, after: Mapping[str, Any] | None, *, names: Mapping[str, Any] | set[str]
) -> tuple[AttributeChange, ...]:
    """What is another value afterwards, secrets hidden."""
    was, will = before or {}, after or {}
    return tuple(
        change(name, was.get(name), will.get(name))
        for name in sorted(names)
        if name not in _UNTOLD and was.get(name) != will.get(name)
    )
