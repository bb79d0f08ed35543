"""What people decide about removals that the safeguard holds."""

from uuid import UUID

from worker.actions.house import Act, House, acting
from worker.domain.errors import Forbidden
from worker.planning import Decided, decide_approval
from worker.security import Principal, Role
from worker.store import listings_approvals


async def decide(
    house: House,
    principal: Principal,
    *,
    approval_id: UUID,
    approve: bool,
    notes: str | None = None,
    seen: int | None = None,
) -> Decided:
    """Let what is held go, or cancel it. Who approves says which version of the approval they have ``seen``.

    Raises NotFound, InvalidRequest without that version, WrongState when somebody was first or more is held than was
    seen, and Forbidden for whoever asked for the removals where two persons are wanted.
    """
    async with acting(house, principal, Role.OPERATOR) as act:
        if approve and house.two_person_approval:
            await _refuse_requester(act, approval_id)
        decided = await decide_approval(
            act.conn, act.tenant_id, approval_id, approve=approve, by=act.by, notes=notes, seen=seen
        )
        act.note(
            "approval.approve" if approve else "approval.reject",
            "approval",
            approval_id,
            connector_id=decided.connector_id,
            kind=decided.kind,
            released=decided.released,
            cancelled=decided.cancelled,
            notes=notes,
        )
    return decided


async def _refuse_requester(act: Act, approval_id: UUID) -> None:
    if act.by in await listings_approvals.requesters(act.conn, act.tenant_id, approval_id=approval_id):
        raise Forbidden("Who asked for these removals cannot approve them; another person has to.")
