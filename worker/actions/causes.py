"""One person's approval to repair all findings of one cause."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from worker.actions.house import Act, House, acting
from worker.domain.discrepancy import RepairAction, RepairDirection
from worker.domain.errors import InvalidRequest, NotFound, Outdated, WrongState
from worker.recon import chosen
from worker.security import Principal, Role
from worker.store import cause_repairs, cause_samples, connectors, due_work
from worker.store.cause_repairs import CauseRepair
from worker.store.pool import Connection

#: Causes approved together, and groups that are looked through for them.
MOST_TOGETHER = 20
MOST_KNOWN = 1000
#: What settles a mismatch for many at once.
ACTIONS = frozenset({RepairAction.UPDATE, RepairAction.UNLINK, RepairAction.INACTIVATE_IDENTITY})


@dataclass(frozen=True, slots=True)
class Approved:
    """What was begun; ``mixed`` findings are left alone, for something else differs at them, too."""

    repair: CauseRepair
    mixed: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for: groups by their ids, and how their findings are repaired.

    ``expect``: as many findings as the person was shown. ``run_id``: only what this run saw.
    """

    groups: Sequence[str]
    action: RepairAction = RepairAction.UPDATE
    direction: RepairDirection = RepairDirection.TO_TARGET
    run_id: UUID | None = None
    expect: int | None = None


async def approve(house: House, principal: Principal, *, connector_id: UUID, wanted: Wanted) -> Approved:
    """Repair all open findings that these groups explain alone; a daemon carries it out in batches.

    Raises NotFound, InvalidRequest, Outdated where there are more by now than expected, and WrongState while another
    approval of this connector is carried out.
    """
    if not 1 <= len(set(wanted.groups)) <= MOST_TOGETHER:
        raise InvalidRequest(f"Choose between 1 and {MOST_TOGETHER} groups.")
    if wanted.action not in ACTIONS:
        raise InvalidRequest(f"Many are repaired at once by {', '.join(sorted(ACTIONS))} alone.")
    async with acting(house, principal, Role.OPERATOR) as act:
        if await connectors.get(act.conn, tenant_id=act.tenant_id, connector_id=connector_id) is None:
            raise NotFound(f"There is no connector {connector_id}.")
        approved = await _begin(act, connector_id, wanted)
        act.note(
            "discrepancy.approve_cause",
            "cause_repair",
            approved.repair.id,
            connector_id=connector_id,
            groups=list(wanted.groups),
            repair=wanted.action,
            direction=wanted.direction,
            total=approved.repair.total,
        )
    return approved


async def _begin(act: Act, connector_id: UUID, wanted: Wanted) -> Approved:
    where = {"tenant_id": act.tenant_id, "connector_id": connector_id}
    causes = await _causes(act, connector_id, wanted)
    total, mixed = await cause_repairs.count(act.conn, causes=causes, run_id=wanted.run_id, **where)
    _check(total, mixed, wanted.expect)
    repair = await cause_repairs.insert(
        act.conn,
        run_id=wanted.run_id,
        causes=causes,
        action=str(wanted.action),
        direction=str(wanted.direction),
        total=total,
        by=act.by,
        **where,
    )
    if repair is None:
        raise WrongState("Another approval of this connector is being carried out; wait for its end, or cancel it.")
    await due_work.ask(act.conn, act.tenant_id, due_work.Kind.REPAIR, repair.id)
    return Approved(repair, mixed)


async def _causes(act: Act, connector_id: UUID, wanted: Wanted) -> list[str]:
    causes, unknown = await named(
        act.conn, tenant_id=act.tenant_id, connector_id=connector_id, groups=wanted.groups, run_id=wanted.run_id
    )
    if unknown:
        raise NotFound(f"There is no group {unknown[0]} of open findings any more; look again.")
    return causes


async def named(
    conn: Connection, *, tenant_id: UUID, connector_id: UUID, groups: Sequence[str], run_id: UUID | None
) -> tuple[list[str], list[str]]:
    """The causes that these groups name, and the groups that name none: looked for where a page finds them first."""
    where: dict[str, Any] = {"tenant_id": tenant_id, "connector_id": connector_id, "run_id": run_id}
    known = await cause_samples.largest(conn, limit=MOST_KNOWN, **where)
    causes, unknown = chosen([each.cause for each in known], groups)
    if unknown and any(each.is_estimated for each in known):
        known = await cause_repairs.groups(conn, limit=MOST_KNOWN, **where)
        causes, unknown = chosen([each.cause for each in known], groups)
    return causes, unknown


async def cancel(house: House, principal: Principal, *, connector_id: UUID, repair_id: UUID) -> CauseRepair:
    """Leave the rest of an approval as it is; raises NotFound, or WrongState when it is over."""
    async with acting(house, principal, Role.OPERATOR) as act:
        where = {"tenant_id": act.tenant_id, "connector_id": connector_id, "repair_id": repair_id}
        ended = await cause_repairs.cancel(act.conn, **where)
        if ended is None:
            found = await cause_repairs.get(act.conn, **where)
            if found is None:
                raise NotFound(f"There is no approval {repair_id} of this connector.")
            raise WrongState(f"This is {found.status} already.", status=found.status)
        act.note("discrepancy.cancel_cause", "cause_repair", repair_id, succeeded=ended.succeeded)
    return ended


def _check(total: int, mixed: int, expect: int | None) -> None:
    if not total and mixed:
        raise InvalidRequest(
            f"At all of the {mixed} accounts something else differs, too; choose the groups of that as well."
        )
    if expect is not None and total > expect:
        raise Outdated(
            f"There are {total} by now, you were shown {expect}. Look again before you approve.",
            members={"total": total},
        )
