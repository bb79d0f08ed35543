"""What people do with people: emergency disable, enable, bring accounts to what they should be."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from worker.actions.house import Act, House, acting
from worker.domain.discrepancy import DiscrepancyType, RepairAction, RepairDirection
from worker.domain.errors import InvalidRequest, NotFound, WrongState
from worker.domain.operation import EMERGENCY_PRIORITY, NewOperation, OperationType, Origin
from worker.recon import Wish
from worker.security import Principal, Role
from worker.store import conflicts, emergency, identities, listings_findings, operations, plan_items
from worker.store.emergency import Lane

#: Which findings a person's provisioning repairs, and how.
_REPAIRS = {
    DiscrepancyType.MISMATCH: RepairAction.UPDATE,
    DiscrepancyType.MISSING: RepairAction.CREATE,
    DiscrepancyType.DELETED: RepairAction.CREATE,
}


@dataclass(frozen=True, slots=True)
class Disabled:
    """The operations made for an emergency disable, and how many protected accounts it leaves as they are."""

    operations: list[UUID]
    left_alone: int = 0


async def disable(house: House, principal: Principal, *, identity_id: UUID, reason: str) -> Disabled:
    """Emergency: disable every account of the person now, ahead of everything else.

    What waits for these accounts is cancelled. They stay disabled until a person enables again. Raises NotFound, and
    WrongState when it was done before.
    """
    if not reason.strip():
        raise InvalidRequest("Say in a word why.")
    async with acting(house, principal, Role.OPERATOR) as act:
        await _must_exist(act, identity_id)
        if not await emergency.disable(act.conn, act.tenant_id, identity_id=identity_id, by=act.by):
            raise WrongState("This person is disabled already.")
        # A planner at work on an older picture of the person ends first, or plans again: an account it is about to make
        # is one of the lanes below, or is planned away.
        await plan_items.ask(act.conn, tenant_id=act.tenant_id, identity_ids=[identity_id], origin=Origin.EMERGENCY)
        lanes = await emergency.lanes(act.conn, act.tenant_id, identity_id=identity_id)
        waiting = await emergency.waiting(act.conn, act.tenant_id, account_ids=[lane.account_id for lane in lanes])
        notes = "Cancelled by the emergency disable of the person."
        cancelled = await operations.cancel(act.conn, act.tenant_id, waiting, notes=notes, by=act.by)
        await conflicts.close(act.conn, act.tenant_id, cancelled, notes=notes)
        held_back = Counter(fence.account_id for fence in waiting if fence.id in set(cancelled))  # the rest runs by now
        made = [
            _disabling(lane, identity_id, act.by)
            for lane in lanes
            if lane.uid is not None or lane.live > held_back[lane.account_id]  # a create that runs may still make it
        ]
        accepted = await house.acceptance.accept(
            act.conn,
            tenant_id=act.tenant_id,
            operations=made,
            run_id=None,
            reason="Emergency disable of a person.",
            exempt=True,
        )
        await emergency.want_inactive(act.conn, act.tenant_id, account_ids=[lane.account_id for lane in lanes])
        done = Disabled(list(accepted.ids), left_alone=len(accepted.refused))
        details = {"operations": done.operations, "cancelled": len(cancelled), "protected": done.left_alone}
        act.note("identity.disable", "identity", identity_id, reason=reason.strip(), **details)
    return done


async def enable(house: House, principal: Principal, *, identity_id: UUID, reason: str) -> None:
    """Take an emergency disable back; planning brings the accounts to what they should be.

    Raises NotFound, and WrongState when the person is not disabled.
    """
    async with acting(house, principal, Role.OPERATOR) as act:
        await _must_exist(act, identity_id)
        if not await emergency.enable(act.conn, act.tenant_id, identity_id=identity_id):
            raise WrongState("This person is not disabled.")
        await plan_items.ask(act.conn, tenant_id=act.tenant_id, identity_ids=[identity_id], origin=Origin.CONSOLE)
        act.note("identity.enable", "identity", identity_id, reason=reason.strip())


async def provision(house: House, principal: Principal, *, identity_id: UUID, connector_id: UUID | None = None) -> int:
    """Plan the person again and repair what is known to differ (at one connector, or at all); how many repairs.

    Raises NotFound.
    """
    async with acting(house, principal, Role.OPERATOR) as act:
        await _must_exist(act, identity_id)
        await plan_items.ask(act.conn, tenant_id=act.tenant_id, identity_ids=[identity_id], origin=Origin.CONSOLE)
        repaired = 0
        found = await listings_findings.open_of_identity(act.conn, act.tenant_id, identity_id=identity_id)
        for where in sorted({row["connector_id"] for row in found}):
            if connector_id in {None, where}:
                wishes = [_wish(row["id"], row["discrepancy_type"]) for row in found if row["connector_id"] == where]
                made = [wish for wish in wishes if wish is not None]
                repaired += await _repair(house, act, where, made, by_script=principal.kind == "token")
        act.note("identity.provision", "identity", identity_id, connector_id=connector_id, repaired=repaired)
    return repaired


async def _must_exist(act: Act, identity_id: UUID) -> None:
    if not await identities.get(act.conn, tenant_id=act.tenant_id, ids=[identity_id]):
        raise NotFound(f"There is no identity {identity_id}.")


def _disabling(lane: Lane, identity_id: UUID, by: UUID) -> NewOperation:
    return NewOperation(
        connector_id=lane.connector_id,
        account_id=lane.account_id,
        operation_type=OperationType.UPDATE,
        object_class=lane.object_class,
        payload={"attributes": {}, "active": False},
        origin=Origin.EMERGENCY,
        user_id=identity_id,
        target_uid=lane.uid,
        priority=EMERGENCY_PRIORITY,
        created_by=by,
    )


async def _repair(house: House, act: Act, connector_id: UUID, wishes: Sequence[Wish], *, by_script: bool) -> int:
    if not wishes:
        return 0
    done = await house.remediation.remediate(
        act.conn, tenant_id=act.tenant_id, connector_id=connector_id, wishes=wishes, by=act.by, by_script=by_script
    )
    return done.succeeded


def _wish(discrepancy_id: UUID, kind: str) -> Wish | None:
    action = _REPAIRS.get(DiscrepancyType(kind))
    return Wish(discrepancy_id, action, RepairDirection.TO_TARGET) if action else None
