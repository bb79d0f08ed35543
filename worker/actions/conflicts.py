"""What people do about operations that disagree: they say which of them counts."""

from uuid import UUID

from worker.actions.house import House, acting
from worker.domain.conflict import ConflictOutcome
from worker.queue import settle_conflict
from worker.security import Principal, Role


async def resolve(
    house: House, principal: Principal, *, conflict_id: UUID, outcome: ConflictOutcome, notes: str | None = None
) -> None:
    """Settle a conflict; its operations go on, change or are cancelled. Raises NotFound, WrongState the second time."""
    said = notes.strip() if notes else None
    async with acting(house, principal, Role.OPERATOR) as act:
        await settle_conflict(
            act.conn, tenant_id=act.tenant_id, conflict_id=conflict_id, outcome=outcome, notes=said or None, by=act.by
        )
        act.note("conflict.resolve", "conflict", conflict_id, outcome=outcome.value, notes=said)
