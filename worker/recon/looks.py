"""One account, both sides: what we know and expect of it, and what its target shows at this moment."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from worker.domain.account import Account, TargetAccount
from worker.domain.errors import ConnectorError, NotFound
from worker.recon.classify import differences
from worker.recon.context import TargetSource, view_of
from worker.store import accounts
from worker.store.pool import Pool
from worker.store.tenant import tenant


@dataclass(frozen=True, slots=True)
class Look:
    """``seen`` is None when there is no such object, or it could not be read: then ``error`` says why.

    ``differences`` are ``{name: {"expected", "actual"}}``; ``is_protected``: it is never changed by us.
    """

    account: Account
    seen: TargetAccount | None
    differences: dict[str, Any] = field(default_factory=dict)
    is_protected: bool = False
    error: str | None = None


async def look_at(pool: Pool, targets: TargetSource, *, tenant_id: UUID, account_id: UUID) -> Look:
    """Read one object of a target and compare it; nothing is written. Raises NotFound for an unknown account."""
    async with tenant(pool, tenant_id) as conn:
        rows = await accounts.by_ids(conn, tenant_id=tenant_id, ids=[account_id])
    if account_id not in rows:
        raise NotFound(f"There is no account {account_id}.")
    account = rows[account_id].account
    if account.uid is None:
        return Look(account, None)
    try:
        view = await view_of(pool, targets, tenant_id=tenant_id, connector_id=account.connector_id)
        seen = await view.guard.get(account.object_class, account.uid)
    except ConnectorError as error:
        return Look(account, None, error=str(error))
    if seen is None:
        return Look(account, None)
    return Look(account, seen, differences(account, seen, view.rules), view.protects(seen))
