"""What else people answer when they are asked whose an account is: nobody's, somebody's new, somebody else's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from worker.actions.cases import link, note_review, open_case, own, release, rules_of, say, settle
from worker.actions.house import Act, House, acting, refuse_unstorable
from worker.correlation import RuleSet
from worker.domain.account import AccountState
from worker.domain.correlation import NOBODY, PersonDecision, Verdict
from worker.domain.errors import InvalidRequest, NotFound, WrongState
from worker.domain.ids import uuid7
from worker.domain.mapping import Direction, MappingVersion
from worker.security import Principal, Role
from worker.store import accounts, connectors, correlation, identities, mappings
from worker.store.accounts import Place
from worker.store.identities import StoredIdentity
from worker.store.sql import Record

MAX_NAME = 256


@dataclass(frozen=True, slots=True)
class NewPerson:
    """Who is made for an account; attributes that are not given are taken from it, as the mapping reads backwards."""

    external_id: str
    user_name: str
    attributes: dict[str, Any] = field(default_factory=dict)


async def nobodys(house: House, principal: Principal, *, case_id: UUID, notes: str | None = None) -> None:
    """The account belongs to nobody: it is not asked about again until it changes.

    Raises NotFound, WrongState, and InvalidRequest for a case about a person who looks for an account.
    """
    rules = await rules_of(house, principal, case_id)
    async with acting(house, principal, Role.OPERATOR) as act:
        case = await open_case(act, case_id)
        account_id = _of_account(case)
        await release(act, case)
        said = [PersonDecision(account_id, NOBODY, Verdict.NOBODY)]
        await say(act, case, said, rules=rules)
        await settle(act, case_id, "rejected", {"account_id": str(account_id), "nobody": True}, notes)
        await note_review(act, case, None)
        act.note("case.nobody", "case", case_id, account_id=account_id, notes=notes)


async def create_identity(
    house: House, principal: Principal, *, case_id: UUID, person: NewPerson, notes: str | None = None
) -> UUID:
    """The account belongs to somebody whom we do not know yet: make them, and link it; the new person's id.

    Raises NotFound, InvalidRequest, and WrongState for an external id that somebody has.
    """
    refuse_unstorable("person", {"of": [person.external_id, person.user_name, person.attributes]})
    for name, text in (("external_id", person.external_id), ("user_name", person.user_name)):
        if not text.strip() or len(text) > MAX_NAME:
            raise InvalidRequest(f"{name} has 1 to {MAX_NAME} characters.")
    rules = await rules_of(house, principal, case_id)
    async with acting(house, principal, Role.OPERATOR) as act:
        case = await open_case(act, case_id)
        account_id = _of_account(case)
        made = StoredIdentity(
            uuid7(),
            person.external_id.strip(),
            person.user_name.strip(),
            {**await _attributes_of(act, case, account_id), **person.attributes},
        )
        if made.id not in await identities.insert(act.conn, tenant_id=act.tenant_id, identities=[made]):
            raise WrongState(
                f"Somebody has the external id {made.external_id!r} already; reassign the account to them."
            )
        await own(act, case, account_id, made.id, rules=rules, notes=notes)
        act.note("case.create_identity", "case", case_id, account_id=account_id, identity_id=made.id, notes=notes)
    return made.id


async def reassign(
    house: House,
    principal: Principal,
    *,
    case_id: UUID,
    identity_id: UUID | None = None,
    uid: str | None = None,
    notes: str | None = None,
) -> None:
    """It is somebody whom the case did not name, or a decided case was wrong.

    For a case about an account any person (``identity_id``), for one about a person any account of nobody at the target
    (``uid``). Of a case that was confirmed the account is taken from its owner, who is not asked about again. Raises
    NotFound, InvalidRequest, and WrongState where an operation of the account is under way.
    """
    rules = await rules_of(house, principal, case_id)
    async with acting(house, principal, Role.OPERATOR) as act:
        found = await correlation.get_case(act.conn, tenant_id=act.tenant_id, case_id=case_id)
        if found is not None and found["status"] in {"confirmed", "rejected"} and found["account_id"] is not None:
            account_id, owner = found["account_id"], await _person(act, identity_id)
            await _move(act, found, account_id, owner, rules=rules, notes=notes)
        else:
            case = await open_case(act, case_id)
            account_id, owner = await _pair(act, case, identity_id=identity_id, uid=uid)
            await own(act, case, account_id, owner, rules=rules, notes=notes)
        act.note("case.reassign", "case", case_id, account_id=account_id, identity_id=owner, notes=notes)


async def _move(act: Act, case: Record, account_id: UUID, owner: UUID, *, rules: RuleSet, notes: str | None) -> None:
    """Take an account from whom a person gave it to, and give it to another."""
    rows = await accounts.by_ids(act.conn, tenant_id=act.tenant_id, ids=[account_id])
    if account_id not in rows or rows[account_id].account.uid is None:
        raise WrongState("The account has another record by now; unlink it where it is.")
    before = rows[account_id].account.identity_id
    if before == owner:
        raise WrongState("The account is theirs already.")
    said = [PersonDecision(account_id, owner, Verdict.IS)]
    if before is not None:
        if not await accounts.unlink(act.conn, tenant_id=act.tenant_id, ids=[account_id]):
            raise WrongState("An operation of the account is under way; try again when it has ended.")
        said.append(PersonDecision(account_id, before, Verdict.IS_NOT))
    where = {"tenant_id": act.tenant_id, "connector_id": case["connector_id"]}
    await correlation.withdraw(act.conn, pairs=[(account_id, NOBODY)], **where)
    await say(act, case, said, rules=rules)
    decision = {"account_id": str(account_id), "identity_id": str(owner), "notes": notes}
    await correlation.redecide_case(act.conn, tenant_id=act.tenant_id, case_id=case["id"], decision=decision, by=act.by)
    await link(act, case, account_id, owner)


async def _pair(act: Act, case: Record, *, identity_id: UUID | None, uid: str | None) -> tuple[UUID, UUID]:
    if case["account_id"] is not None:
        return case["account_id"], await _person(act, identity_id)
    if uid is None:
        raise InvalidRequest("Name the account by its uid: this case is about a person who looks for one.")
    connector = await connectors.get(act.conn, tenant_id=act.tenant_id, connector_id=case["connector_id"])
    if connector is None:
        raise NotFound("The connector of this case is gone.")
    rows = await accounts.by_uids(act.conn, Place(act.tenant_id, connector.id, connector.object_class), [uid])
    if uid not in rows or rows[uid].account.state is AccountState.DEAD:
        raise InvalidRequest(f"We know no account {uid!r} there; a run finds what is new.")
    owner: UUID = case["identity_id"]
    return rows[uid].account.id, owner


async def _person(act: Act, identity_id: UUID | None) -> UUID:
    if identity_id is None:
        raise InvalidRequest("Name the person by identity_id: this case is about an account.")
    if not await identities.get(act.conn, tenant_id=act.tenant_id, ids=[identity_id]):
        raise InvalidRequest(f"There is no identity {identity_id}.")
    return identity_id


async def _attributes_of(act: Act, case: Record, account_id: UUID) -> dict[str, Any]:
    """What the account says of its person: the mapping's plain rules, read backwards."""
    connector = await connectors.get(act.conn, tenant_id=act.tenant_id, connector_id=case["connector_id"])
    rows = await accounts.by_ids(act.conn, tenant_id=act.tenant_id, ids=[account_id])
    if connector is None or account_id not in rows:
        return {}
    active = await mappings.active(act.conn, tenant_id=act.tenant_id, connector_ids=[connector.id])
    observed = rows[account_id].account.observed or {}
    return read_backwards(active.get((connector.id, connector.object_class)), observed)


def read_backwards(mapping: MappingVersion | None, observed: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes of a person by rules that only copy them, and hold no secret: pure."""
    return {
        rule.source: observed[rule.target]
        for rule in (mapping.rules if mapping else ())
        if rule.source
        and rule.source.isidentifier()
        and rule.source not in {"id", "external_id", "user_name", "active"}
        and not (rule.expression or rule.transforms or rule.secret)
        and rule.direction is not Direction.INBOUND
        and observed.get(rule.target) is not None
    }


def _of_account(case: Record) -> UUID:
    if case["account_id"] is None:
        raise InvalidRequest("This case is about a person who looks for an account; reject it, and one is made.")
    account_id: UUID = case["account_id"]
    return account_id
