"""ConsoleRepairs over the sample: previews of what is wrong, a record with every result, a policy."""

from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import UUID

from tests.e2e.fakes import sample
from worker.console import views as v
from worker.console.doors import ActResult, Principal

#: An operation of its account is under way.
BLOCKED = sample.uid(7, 12)
SECRET = v.AttributeChange("userPassword", is_secret=True)


def action(n: int, result: str, verb: str = "update", **more: Any) -> v.ActionRow:
    values: dict[str, Any] = {
        "id": sample.uid(9, 100 + n),
        "at": sample.ago(minutes=7 * n),
        "by": ("Grace Okafor", "reconciliation")[n % 2],
        "action": verb,
        "direction": "xavyo_to_target",
        "result": result,
        "changes": (*sample.CHANGES[:2], SECRET),
        "subject": sample.person(n)[0],
        "kind": "mismatch",
        "finding_id": sample.uid(7, n),
        "run_id": sample.RUNS[1].id,
    }
    return v.ActionRow(**{**values, **more})


ACTIONS = (
    action(0, "success", "undo", run_id=None),
    action(1, "success", operation_id=sample.uid(2, 4)),
    action(2, "failure", note="400 invalidValue: mail is no address"),
    action(3, "dropped", "inactivate_identity", changes=()),
    action(4, "success", "ignore", changes=(), note="known test account", run_id=None),
)


class FakeRepairs:
    """What acts were asked for is in ``done``; ``beaten`` makes somebody else be faster."""

    def __init__(self) -> None:
        self.done: list[tuple[str, dict[str, Any]]] = []
        self.asked: list[dict[str, Any]] = []
        self.beaten = False

    async def previews(
        self, principal: Principal, *, connector_id: UUID, ids: tuple[UUID, ...], **wanted: Any
    ) -> tuple[v.RepairPreview, ...]:
        self.asked.append(wanted)
        return tuple(self._preview(id_, wanted) for id_ in ids)

    def _preview(self, id_: UUID, wanted: Mapping[str, Any]) -> v.RepairPreview:
        row = next(each for each in sample.DISCREPANCIES if each.id == id_)
        first = row.suggestions[0]
        blocked = "An operation of this account is under way; wait for its end." if id_ == BLOCKED else None
        return v.RepairPreview(
            finding_id=id_,
            action=wanted.get("action") or first.action,
            direction=wanted.get("direction") or first.direction,
            changes=() if blocked else (*(row.attributes or sample.CHANGES[:2]), SECRET),
            obstacle=blocked,
        )

    async def actions(
        self,
        tenant_id: UUID,
        *,
        connector_id: UUID,
        part: v.Slice,
        finding_id: UUID | None = None,
        run_id: UUID | None = None,
    ) -> v.ActionPage:
        if run_id == sample.RUNS[4].id:
            return v.ActionPage(rows=tuple(action(n, "proposed", dry_run=True, run_id=run_id) for n in range(6)))
        return v.ActionPage(rows=() if run_id == sample.RUNS[3].id else ACTIONS)

    async def export(
        self, tenant_id: UUID, *, connector_id: UUID, where: v.DiscrepancyFilter, kind: str
    ) -> AsyncIterator[str] | None:
        async def lines() -> AsyncIterator[str]:
            yield f"{kind} {where.discrepancy_type} {where.resolution_status}"

        return lines()

    async def undo(self, principal: Principal, *, connector_id: UUID, finding_id: UUID) -> ActResult:
        self.done.append(("undo", {"finding_id": finding_id}))
        return ActResult("Taken back; the discrepancy is open again.")

    async def policy(self, tenant_id: UUID, *, connector_id: UUID) -> v.PolicyView | None:
        brief = next((c for c in sample.CONNECTORS if c.id == connector_id), None)
        if brief is None or brief is sample.CSV:
            return None
        rows = (
            v.PolicyRow(kind="missing", chosen="create", choices=("create", "inactivate_identity")),
            v.PolicyRow(kind="orphan", chosen=None, choices=("delete",)),
            v.PolicyRow(
                kind="mismatch",
                chosen="update:xavyo_to_target",
                choices=("delete", "unlink", "update:xavyo_to_target", "update:target_to_xavyo"),
            ),
            v.PolicyRow(kind="collision", chosen=None),
            v.PolicyRow(kind="unlinked", chosen="link", choices=("delete", "link")),
            v.PolicyRow(kind="deleted", chosen=None, choices=("create", "inactivate_identity", "unlink")),
        )
        return v.PolicyView(connector=brief, version=4, rows=rows)

    async def change_policy(
        self, principal: Principal, *, connector_id: UUID, policy: Mapping[str, str | None], seen: int
    ) -> ActResult:
        if self.beaten:
            return ActResult("Somebody else changed this meanwhile; look again.", ok=False)
        self.done.append(("change_policy", {"policy": dict(policy), "seen": seen}))
        return ActResult("Saved.")
