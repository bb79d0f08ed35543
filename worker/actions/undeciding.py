"""Taking an answer about a case back: the question is open again, and what the answer linked is nobody's again."""

from datetime import datetime
from uuid import UUID

from worker.actions.cases import SPOT_CHECK, rules_of
from worker.actions.house import Act, House, acting
from worker.correlation import RuleSet, match_keys
from worker.domain.correlation import NOBODY, Side
from worker.domain.errors import NotFound, WrongState
from worker.domain.operation import Origin
from worker.security import Principal, Role
from worker.store import accounts, connectors, correlation, decided_cases, discrepancies, plan_items
from worker.store.sql import Record


async def undo(house: House, principal: Principal, *, case_id: UUID) -> None:
    """Take back what a person answered. What was written at a target meanwhile stays there.

    Raises NotFound, and WrongState where something has gone on with the answer: an operation, or another link.
    """
    rules = await rules_of(house, principal, case_id)
    async with acting(house, principal, Role.OPERATOR) as act:
        case = await correlation.get_case(act.conn, tenant_id=act.tenant_id, case_id=case_id)
        if case is None:
            raise NotFound(f"There is no case {case_id}.")
        if refusal := why_final(case):
            raise WrongState(refusal, current=case)
        account_id = await _take_back(act, case, rules=rules)
        if not await decided_cases.reopen(act.conn, tenant_id=act.tenant_id, case_id=case_id, account_id=account_id):
            raise WrongState("The same is asked in a newer case by now; decide that one.")
        await decided_cases.forget_reviews(act.conn, tenant_id=act.tenant_id, case_id=case_id)
        act.note("case.undo", "case", case_id, was=case["status"])


def why_final(case: Record) -> str | None:
    """Why an answer cannot be taken back, in a sentence: pure."""
    if case["status"] == "open":
        return "This case is open: nobody has answered it."
    if case["status"] == "closed":
        return "This case has answered itself; there is nothing to take back."
    if case["operation_id"] is not None:
        return (
            "The operation that waited has gone on with this answer. Where it is wrong, unlink or reassign the account."
        )
    if case["kind"] == SPOT_CHECK and case["status"] == "rejected":
        return "The account was taken from its owner. Where that is wrong, reassign it to them."
    return None


async def _take_back(act: Act, case: Record, *, rules: RuleSet) -> UUID | None:
    """Withdraw what was said, and the link; the row that the account of the case has now."""
    where = {"tenant_id": act.tenant_id, "connector_id": case["connector_id"]}
    decision = case["decision"] or {}
    if case["status"] == "rejected":
        refs = [UUID(each["ref_id"]) for each in case["candidates"]]
        pairs = [(case["account_id"] or ref, case["identity_id"] or ref) for ref in refs]
        pairs += [(case["account_id"], NOBODY)] if case["account_id"] is not None and decision.get("nobody") else []
        await correlation.withdraw(act.conn, pairs=pairs, **where)
        return None
    owner, account_id = UUID(decision["identity_id"]), UUID(decision["account_id"])
    if case["kind"] == SPOT_CHECK:
        await correlation.withdraw(act.conn, pairs=[(account_id, owner)], **where)
        return None
    linked = await _unlink(act, case, owner, rules=rules)
    await correlation.withdraw(act.conn, pairs=[(account_id, owner), (linked, owner)], **where)
    return linked


async def _unlink(act: Act, case: Record, owner: UUID, *, rules: RuleSet) -> UUID:
    """Make the account nobody's again, with keys by which it is found; its row."""
    where = {"tenant_id": act.tenant_id, "connector_id": case["connector_id"]}
    connector = await connectors.get(act.conn, **where)
    if connector is None:
        raise NotFound("The connector of this case is gone.")
    row = await decided_cases.linked_by(
        act.conn, object_class=connector.object_class, identity_id=owner, case_id=case["id"], **where
    )
    if row is None:
        raise WrongState("The link that was made is not there any more; nothing is taken back.")
    # the item before the account: planning locks them in this order
    await plan_items.ask(act.conn, tenant_id=act.tenant_id, identity_ids=[owner], origin=Origin.CONSOLE)
    account_id: UUID = row["id"]
    if not await accounts.unlink(act.conn, tenant_id=act.tenant_id, ids=[account_id]):
        raise WrongState("An operation of the account is under way; try again when it has ended.")
    # keys at once: a create for the owner has to find this account, or it makes a second one
    keys = match_keys(row["observed"] or {}, rules, side=Side.ACCOUNT)
    await correlation.put_keys(act.conn, keys={account_id: keys}, **where)
    await _reopen_findings(act, case, row["uid"], since=case["decided_at"])
    return account_id


async def _reopen_findings(act: Act, case: Record, uid: str, *, since: datetime) -> None:
    where = {"tenant_id": act.tenant_id, "connector_id": case["connector_id"]}
    found = await decided_cases.settled_by_link(act.conn, uid=uid, since=since, **where)
    await discrepancies.reopen(act.conn, ids=found, is_undone=True, **where)
