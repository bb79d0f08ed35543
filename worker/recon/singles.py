"""What a run over single accounts has to say beside its findings, for whoever asked about them."""

from collections.abc import Mapping
from typing import Any

from worker.domain.account import TargetAccount
from worker.domain.errors import ConnectorError
from worker.recon.context import RunContext
from worker.recon.spoilt import is_protected
from worker.store import accounts
from worker.store.accounts import Shadow
from worker.store.pool import Pool
from worker.store.tenant import tenant

#: The fact of a run that keeps it.
TOLD = "told"

NOWHERE = "The target has no such account, and none was known."
PROTECTED = "This account is protected: it is left alone."
BUSY = "Something is being changed there just now; look again when that is done."

Answer = TargetAccount | ConnectorError | None


async def remarks(pool: Pool, context: RunContext, answers: Mapping[str, Answer]) -> dict[str, Any]:
    """Of accounts that were asked for by uid, those that lead to no finding and are not simply as they should be."""
    async with tenant(pool, context.run.tenant_id) as conn:
        shadows = await accounts.by_uids(conn, context.place, list(answers))
    said = {uid: _remark(context, answer, shadows.get(uid)) for uid, answer in answers.items()}
    return {TOLD: [{"uid": uid, "message": message} for uid, message in said.items() if message]}


def _remark(context: RunContext, answer: Answer, shadow: Shadow | None) -> str | None:
    match answer:
        case ConnectorError():
            return f"It could not be read: {answer}"
        case TargetAccount() if is_protected(context.view, answer):
            return PROTECTED
        case _ if shadow is not None and shadow.account.live:
            return BUSY
        case None if shadow is None:
            return NOWHERE
    return None
