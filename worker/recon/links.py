"""Why a link could not be recorded, in words that say what to do."""

from uuid import UUID

from worker.domain.account import Account, AccountState
from worker.store import accounts
from worker.store.accounts import Place
from worker.store.pool import Connection


async def why_not_linked(conn: Connection, place: Place, *, account_id: UUID | None, owner: UUID | None) -> str:
    """Ask after ``accounts.link`` has left this pair out, in the same transaction."""
    found = await accounts.by_ids(conn, tenant_id=place.tenant_id, ids=[account_id]) if account_id else {}
    theirs = await accounts.of_identities(conn, place, [owner]) if owner else {}
    account = found[account_id].account if account_id in found else None
    return refusal(account, theirs[owner].account if owner in theirs else None, owner=owner)


def refusal(account: Account | None, theirs: Account | None, *, owner: UUID | None) -> str:
    """What is in the way, by the account that was to be linked and the owner's row at the same target: pure."""
    if account is None or account.uid is None or account.state is AccountState.DEAD:
        return "The account is gone; there is nothing to link."
    if account.identity_id is not None and account.identity_id == owner:
        return "It is linked already."
    if account.identity_id is not None:
        return "The account belongs to somebody else by now; unlink it from them first."
    if theirs is not None and theirs.uid is not None and theirs.state is not AccountState.DEAD:
        return f"This person has another account here already, {theirs.uid}; unlink that one first, or choose another."
    if theirs is not None and theirs.live:
        return "An account of this person is being made at this moment; try again when that has ended."
    return "It changed a moment ago; look at it again."
