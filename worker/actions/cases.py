"""What people answer when correlation asks whose account something is."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from worker.actions.house import Act, House, acting
from worker.actions.rule_sets import rules_now, schema_of
from worker.correlation import RuleSet, evidence_of_pair
from worker.domain.correlation import NOBODY, PersonDecision, Verdict
from worker.domain.errors import InvalidRequest, NotFound, WrongState
from worker.domain.operation import Origin
from worker.recon import why_not_linked
from worker.security import Principal, Role, require
from worker.store import (
    accounts,
    connectors,
    correlation,
    discrepancies,
    due_work,
    identities,
    listings_findings,
    operations,
    plan_items,
    reviews,
)
from worker.store.accounts import Link, Place
from worker.store.reviews import Reviewed
from worker.store.sql import Record
from worker.store.tenant import tenant

#: The kind of a case that asks whether a link that the rules made is right.
SPOT_CHECK = "spot_check"


async def confirm(
    house: House,
    principal: Principal,
    *,
    case_id: UUID,
    identity_id: UUID | None = None,
    uid: str | None = None,
    notes: str | None = None,
) -> None:
    """It is this candidate: an identity for an account, the account with this uid for an identity.

    A create that waits goes on and takes the account over; where none waits, the link is recorded now. Raises NotFound,
    InvalidRequest for somebody who is no candidate, WrongState when it was decided or has got another owner meanwhile.
    """
    rules = await rules_of(house, principal, case_id)
    async with acting(house, principal, Role.OPERATOR) as act:
        case = await open_case(act, case_id)
        chosen = _chosen(case, identity_id=identity_id, uid=uid)
        owner = case["identity_id"] or chosen
        account_id = case["account_id"] or chosen
        await own(act, case, account_id, owner, rules=rules, notes=notes)
        act.note("case.confirm", "case", case_id, account_id=account_id, identity_id=owner, notes=notes)


async def reject(house: House, principal: Principal, *, case_id: UUID, notes: str | None = None) -> None:
    """It is none of the candidates: a waiting create makes a new account. Raises NotFound or WrongState."""
    rules = await rules_of(house, principal, case_id)
    async with acting(house, principal, Role.OPERATOR) as act:
        case = await open_case(act, case_id)
        await release(act, case)
        refs = [UUID(each["ref_id"]) for each in case["candidates"]]
        said = [PersonDecision(case["account_id"] or ref, case["identity_id"] or ref, Verdict.IS_NOT) for ref in refs]
        await say(act, case, said, rules=rules)
        await settle(act, case_id, "rejected", {"none_of": [str(ref) for ref in refs]}, notes)
        await note_review(act, case, None)
        await _wake(act, case_id)
        act.note("case.reject", "case", case_id, candidates=len(refs), notes=notes)


async def repeats(
    house: House,
    principal: Principal,
    *,
    case_id: UUID,
    identity_id: UUID | None = None,
    uid: str | None = None,
    is_nobody: bool = False,
) -> bool:
    """Whether this person has given this very answer already, as a key that is pressed twice does.

    Without a candidate the answer is none of them, or nobody.
    """
    async with tenant(house.pool, principal.tenant_id) as conn:
        case = await correlation.get_case(conn, tenant_id=principal.tenant_id, case_id=case_id)
    if case is None or case["decided_by"] != principal.id:
        return False
    decision = case["decision"] or {}
    if identity_id is None and uid is None:
        return bool(case["status"] == "rejected" and bool(decision.get("nobody")) is is_nobody)
    chosen = str(_chosen(case, identity_id=identity_id, uid=uid))
    return case["status"] == "confirmed" and chosen in {decision.get("identity_id"), decision.get("account_id")}


async def rules_of(house: House, principal: Principal, case_id: UUID) -> RuleSet:
    """The rules that say what a decision about this case rests on. Raises NotFound, and Forbidden for a viewer."""
    require(principal.roles, Role.OPERATOR)
    async with tenant(house.pool, principal.tenant_id) as conn:
        case = await correlation.get_case(conn, tenant_id=principal.tenant_id, case_id=case_id)
        if case is None:
            raise NotFound(f"There is no case {case_id}.")
        connector = await connectors.get(conn, tenant_id=principal.tenant_id, connector_id=case["connector_id"])
    if connector is None:
        raise NotFound("The connector of this case is gone.")
    told = await schema_of(house, principal.tenant_id, connector.id)
    async with tenant(house.pool, principal.tenant_id) as conn:
        return (await rules_now(conn, connector, told)).rule_set


async def own(act: Act, case: Record, account_id: UUID, owner: UUID, *, rules: RuleSet, notes: str | None) -> None:
    """Settle an open case: the account is theirs. Raises WrongState where that cannot be recorded."""
    before = await release(act, case, keep=owner)
    is_theirs = await _refuse_moved(act, account_id, owner)
    said = [PersonDecision(account_id, owner, Verdict.IS)]
    said += [PersonDecision(account_id, before, Verdict.IS_NOT)] if before is not None else []
    await say(act, case, said, rules=rules)
    decision = {"account_id": str(account_id), "identity_id": str(owner)}
    await settle(act, case["id"], "confirmed", decision, notes)
    await note_review(act, case, owner if case["account_id"] is not None else account_id)
    if not await _wake(act, case["id"]) and not is_theirs:
        await link(act, case, account_id, owner)


async def release(act: Act, case: Record, *, keep: UUID | None = None) -> UUID | None:
    """Of a link that is checked and wrong, take the account from whom the rules gave it to; who that was.

    Raises WrongState while an operation of the account is under way. Its owner so far is planned anew.
    """
    if case["kind"] != SPOT_CHECK:
        return None
    rows = await accounts.by_ids(act.conn, tenant_id=act.tenant_id, ids=[case["account_id"]])
    account = rows[case["account_id"]].account if case["account_id"] in rows else None
    if account is None or account.identity_id is None or account.identity_id == keep:
        return None
    # the item before the account: planning locks them in this order
    await plan_items.ask(act.conn, tenant_id=act.tenant_id, identity_ids=[account.identity_id], origin=Origin.CONSOLE)
    if not await accounts.unlink(act.conn, tenant_id=act.tenant_id, ids=[account.id]):
        raise WrongState("An operation of the account is under way; try again when it has ended.")
    return account.identity_id


async def note_review(act: Act, case: Record, chosen: UUID | None) -> None:
    """Keep how sure the rules were of each candidate, and whether it was the one: ``chosen``, or none."""
    pairs = [
        Reviewed(case["account_id"] or ref, case["identity_id"] or ref, each["confidence"], ref == chosen)
        for each in case["candidates"]
        for ref in [UUID(each["ref_id"])]
    ]
    await reviews.record(
        act.conn,
        tenant_id=act.tenant_id,
        connector_id=case["connector_id"],
        kind=case["kind"],
        pairs=pairs,
        rule_set_version=case["rule_set_version"],
        by=act.by,
        case_id=case["id"],
    )


async def say(act: Act, case: Record, said: Sequence[PersonDecision], *, rules: RuleSet) -> None:
    """Write down what a person said, with what it looked like to them."""
    ids = [each.identity_id for each in said if each.identity_id != NOBODY]
    people = await identities.get(act.conn, tenant_id=act.tenant_id, ids=ids)
    rows = await accounts.by_ids(act.conn, tenant_id=act.tenant_id, ids=[each.account_id for each in said])
    seen = []
    for each in said:
        person = people.get(each.identity_id)
        observed = rows[each.account_id].account.observed if each.account_id in rows else None
        if observed is None or (person is None and each.identity_id != NOBODY):
            seen.append(each)
            continue
        source = person.as_identity().as_source() if person is not None else None
        seen.append(replace(each, evidence=evidence_of_pair(source, observed, rules)))
    await correlation.decide(act.conn, said=seen, by=act.by, tenant_id=act.tenant_id, connector_id=case["connector_id"])


async def open_case(act: Act, case_id: UUID) -> Record:
    case = await correlation.get_case(act.conn, tenant_id=act.tenant_id, case_id=case_id)
    if case is None:
        raise NotFound(f"There is no case {case_id}.")
    if case["status"] != "open":
        raise WrongState(f"This case was {case['status']} already.", current=case)
    return case


def _chosen(case: Record, *, identity_id: UUID | None, uid: str | None) -> UUID:
    """The candidate that is meant."""
    for each in case["candidates"]:
        ref = UUID(each["ref_id"])
        if ref == identity_id or (case["identity_id"] is not None and uid is not None and each.get("uid") == uid):
            return ref
    raise InvalidRequest("This is none of the candidates of the case.")


async def _refuse_moved(act: Act, account_id: UUID, owner: UUID) -> bool:
    """Raise WrongState where the account can be theirs no more; whether it is already."""
    found = await accounts.by_ids(act.conn, tenant_id=act.tenant_id, ids=[account_id])
    if account_id not in found or found[account_id].account.uid is None:
        raise WrongState("The account is gone; reject the case, and a waiting operation makes a new one.")
    if found[account_id].account.identity_id not in {None, owner}:
        raise WrongState("The account belongs to somebody else by now; unlink it first.")
    return found[account_id].account.identity_id == owner


async def settle(act: Act, case_id: UUID, status: str, decision: dict[str, Any], notes: str | None) -> None:
    settled = await correlation.settle_case(
        act.conn,
        tenant_id=act.tenant_id,
        case_id=case_id,
        status=status,
        decision={**decision, "notes": notes},
        by=act.by,
    )
    if settled is None:
        raise WrongState("Somebody else decided this case first.")


async def _wake(act: Act, case_id: UUID) -> bool:
    """Let the operation that waited for the answer go on; whether there was one."""
    woken = await operations.queries.wake.rows(act.conn, tenant_id=act.tenant_id, approval_id=None, case_id=case_id)
    for connector_id in {row["connector_id"] for row in woken}:
        await due_work.ask(act.conn, act.tenant_id, due_work.Kind.CLAIM, connector_id)
    return bool(woken)


async def link(act: Act, case: Record, account_id: UUID, owner: UUID) -> None:
    """Record the owner now, settle what was found about the account, and have the person planned."""
    where = {"tenant_id": act.tenant_id, "connector_id": case["connector_id"]}
    connector = await connectors.get(act.conn, **where)
    if connector is None:
        raise NotFound("The connector of this case is gone.")
    # the item before the account: planning locks them in this order
    await plan_items.ask(act.conn, tenant_id=act.tenant_id, identity_ids=[owner], origin=Origin.CONSOLE)
    place = Place(act.tenant_id, connector.id, connector.object_class)
    match = {"decision": "manual", "match": _by_hand(case, owner), "case_id": str(case["id"])}
    keep = connector.settings.get("hook_attributes", ())
    linked = await accounts.link(act.conn, place, [Link(account_id, owner, match)], keep=keep)
    if account_id not in linked:
        raise WrongState(await why_not_linked(act.conn, place, account_id=account_id, owner=owner))
    await correlation.drop_keys(act.conn, tenant_id=act.tenant_id, account_ids=[account_id, linked[account_id]])
    await correlation.move_decisions(act.conn, moved=linked, **where)
    found = await listings_findings.open_of_account(
        act.conn, act.tenant_id, connector_id=connector.id, account_id=account_id
    )
    await discrepancies.settle(
        act.conn, tenant_id=act.tenant_id, settled=[(each, "link", None) for each in found], by=act.by
    )


def _by_hand(case: Record, owner: UUID) -> dict[str, Any]:
    """Why an account is linked that a person linked: what the rules said of it stays told."""
    known: dict[str, Any] = {}
    if case["account_id"] is not None:
        known = next((each for each in case["candidates"] if each["ref_id"] == str(owner)), {})
    return {**known, "ref_id": str(owner), "match_type": "manual", "confidence": 1.0}
