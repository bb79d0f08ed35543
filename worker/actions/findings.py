"""What people do with findings of reconciliation: repair, ignore, undo."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from worker.actions.house import House, acting
from worker.domain.errors import InvalidRequest, NotFound
from worker.recon import Repaired, Repairs, Wish
from worker.security import Principal, Role
from worker.store import discrepancies

MOST_TOGETHER = 100


async def remediate(
    house: House, principal: Principal, *, connector_id: UUID, wishes: Sequence[Wish], dry_run: bool = False
) -> Repairs:
    """Repair findings, or propose to; what cannot be done is a result with its reason.

    Raises NotFound for an unknown connector.
    """
    _check_number(len(wishes))
    async with acting(house, principal, Role.OPERATOR) as act:
        done = await house.remediation.remediate(
            act.conn,
            tenant_id=act.tenant_id,
            connector_id=connector_id,
            wishes=wishes,
            by=act.by,
            dry_run=dry_run,
            by_script=principal.kind == "token",
        )
        act.note(
            "discrepancy.preview" if dry_run else "discrepancy.remediate",
            "connector",
            connector_id,
            results=[
                {"discrepancy_id": one.discrepancy_id, "action": one.action, "result": one.result}
                for one in done.results
            ],
        )
    return done


async def ignore(
    house: House,
    principal: Principal,
    *,
    connector_id: UUID,
    ids: Sequence[UUID],
    reason: str,
    until: datetime | None = None,
) -> list[UUID]:
    """Put findings aside, for good or until a time; the ids of those that were open.

    Raises NotFound when one of them does not exist.
    """
    _check_number(len(ids))
    if not reason.strip():
        raise InvalidRequest("Say in a word why this is ignored.")
    if until is not None and until <= datetime.now(UTC):
        raise InvalidRequest("The end of ignoring lies in the past.")
    async with acting(house, principal, Role.OPERATOR) as act:
        known = await discrepancies.get(act.conn, tenant_id=act.tenant_id, connector_id=connector_id, ids=ids)
        missing = set(ids) - known.keys()
        if missing:
            raise NotFound(f"There is no discrepancy {min(missing)}.")
        done = await house.remediation.ignore(
            act.conn,
            tenant_id=act.tenant_id,
            connector_id=connector_id,
            ids=ids,
            reason=reason.strip(),
            until=until,
            by=act.by,
        )
        act.note("discrepancy.ignore", "connector", connector_id, ids=done, reason=reason.strip(), until=until)
    return done


async def undo(house: House, principal: Principal, *, connector_id: UUID, discrepancy_id: UUID) -> Repaired:
    """Take back an ignore, a link, an unlink, an update or an inactivation; raises NotFound."""
    async with acting(house, principal, Role.OPERATOR) as act:
        done = await house.remediation.undo(
            act.conn,
            tenant_id=act.tenant_id,
            connector_id=connector_id,
            discrepancy_id=discrepancy_id,
            by=act.by,
            by_script=principal.kind == "token",
        )
        act.note("discrepancy.undo", "discrepancy", discrepancy_id, result=done.result)
    return done


def _check_number(count: int) -> None:
    if not 1 <= count <= MOST_TOGETHER:
        raise InvalidRequest(f"Choose between 1 and {MOST_TOGETHER} discrepancies.")
