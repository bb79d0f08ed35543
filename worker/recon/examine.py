"""Looks at some accounts and writes down what was found, in the caller's transaction.

One statement reads the rows of those accounts; everything is decided from that; then at most one statement each writes
findings, new rows and changed rows, findings first as whoever repairs them does. Nothing changed: nothing is written.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from worker.correlation import match_keys
from worker.domain.account import Account, AccountState, TargetAccount
from worker.domain.correlation import MatchKey, Side
from worker.domain.discrepancy import Finding, Resolution
from worker.domain.ids import uuid7
from worker.domain.run import Run
from worker.domain.storable import is_storable
from worker.mapping import Computed, compute
from worker.recon import classify, inbound
from worker.recon.context import RunContext, View
from worker.recon.inbound import Returned
from worker.recon.steps import Steps
from worker.store import accounts, correlation, discrepancies, runs
from worker.store.accounts import Observed, Shadow
from worker.store.discrepancies import Recorded
from worker.store.pool import Connection
from worker.store.tenant import tenant

#: What still fits into an index, in bytes.
LONGEST_UID = 2000


@dataclass(slots=True)
class Examined:
    """What a look at some accounts comes to.

    Two kinds are not judged: ``settled`` ones are as they were when they last were, and those of ``busy`` have an
    operation under way. ``unowned`` are the uids of those that nobody owns, by id of the account.
    """

    new: list[Observed] = field(default_factory=list)
    changed: list[Observed] = field(default_factory=list)
    rekeyed: list[Observed] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    judged: list[UUID] = field(default_factory=list)
    settled: set[str] = field(default_factory=set)
    unowned: dict[UUID, str] = field(default_factory=dict)
    busy: int = 0


async def examine(
    conn: Connection,
    context: RunContext,
    objects: Mapping[str, TargetAccount],
    *,
    read_at: datetime,
    computed: Mapping[str, Computed],
) -> Examined:
    """Judge these objects (by uid), none of them protected, as the target showed them at ``read_at``.

    One that cannot be stored at all is left out, a value that cannot be stored counts as none. ``computed`` is what
    ``expressions`` gave for them.
    """
    view, run = context.view, context.run
    objects = {uid: as_stored(seen) for uid, seen in objects.items() if can_be_kept(uid)}
    shadows = await accounts.by_uids(conn, view.place, list(objects))
    owners = await _owners(conn, run, shadows)
    speaking = _speaking(objects, shadows, view=view, read_at=read_at)
    returned = await inbound.look(conn, view, objects, speaking, computed=computed)
    found = judge(objects, shadows, owners, view=view, read_at=read_at, returned=returned)
    await record(conn, run, found.findings)
    await inbound.write(conn, context, returned)
    inserted = await accounts.insert_seen(conn, view.place, found.new, run_id=run.id)
    await accounts.write_observed(conn, found.changed, tenant_id=run.tenant_id, run_id=run.id, read_at=read_at)
    await _write_keys(conn, view, [each for each in found.new if each.id in inserted] + found.rekeyed)
    return found


def judge(
    objects: Mapping[str, TargetAccount],
    shadows: Mapping[str, Shadow],
    owners: Mapping[UUID, str],
    *,
    view: View,
    read_at: datetime,
    returned: Returned | None = None,
) -> Examined:
    """Decide what each object means: pure. ``owners`` are the names of people by id, ``returned`` what people take."""
    result, returned = Examined(), returned or Returned()
    for uid, seen in objects.items():
        shadow = shadows.get(uid)
        seen_hash = view.hash_of(seen)
        if shadow is None:
            result.new.append(Observed(uuid7(), uid, seen.attributes, seen.active, seen_hash))
            result.unowned[result.new[-1].id] = uid
        elif shadow.account.live or _has_moved(shadow, read_at):
            result.busy += 1
        elif _is_settled(shadow, seen, seen_hash):
            result.settled.add(uid)
        elif shadow.account.identity_id is None:
            _judge_unowned(result, shadow, seen, seen_hash)
        else:
            who = owners.get(shadow.account.identity_id, "")
            _judge_owned(result, shadow, seen, seen_hash, view=view, who=who, returned=returned)
    return result


def _speaking(
    objects: Mapping[str, TargetAccount], shadows: Mapping[str, Shadow], *, view: View, read_at: datetime
) -> dict[str, Account]:
    """The rows of the accounts that may say something new about their owners."""
    if not view.inbound:
        return {}
    return {
        uid: shadow.account
        for uid, shadow in shadows.items()
        if not (shadow.account.live or _has_moved(shadow, read_at))
        and not _is_settled(shadow, objects[uid], view.hash_of(objects[uid]))
    }


def can_be_kept(uid: str) -> bool:
    """Whether an account can be known by this uid."""
    return bool(uid) and is_storable(uid) and len(uid.encode()) <= LONGEST_UID


def as_stored(seen: TargetAccount) -> TargetAccount:
    """The account without values that the database cannot hold."""
    if all(map(is_storable, seen.attributes.values())):
        return seen
    return replace(seen, attributes={name: value for name, value in seen.attributes.items() if is_storable(value)})


async def expressions(
    steps: Steps, context: RunContext, objects: Mapping[str, TargetAccount], *, read_at: datetime
) -> dict[str, Computed]:
    """What expressions give for those of these objects (by uid) that have an owner to say something new about.

    Before the step that writes it down: no connection is held while the sandbox works, or while it has no room.
    """
    view = context.view
    if not any(rule.expression for rule in view.inbound):
        return {}
    objects = {uid: as_stored(seen) for uid, seen in objects.items() if can_be_kept(uid)}
    async with tenant(steps.pool, context.run.tenant_id) as conn:
        shadows = await accounts.by_uids(conn, view.place, list(objects))
    speaking = _speaking(objects, shadows, view=view, read_at=read_at)
    uids = [uid for uid, account in speaking.items() if account.identity_id is not None]
    seen = [objects[uid].attributes for uid in uids]
    found = await steps.with_room(
        context, lambda: compute(view.inbound, seen, evaluator=steps.evaluator, secrets=view.secrets)
    )
    return dict(zip(uids, found, strict=True))


async def record(conn: Connection, run: Run, findings: Sequence[Finding]) -> list[Recorded]:
    """Write findings and count those that this run has not counted before; ignored ones do not count."""
    recorded = await discrepancies.record(
        conn, tenant_id=run.tenant_id, connector_id=run.connector_id, run_id=run.id, findings=findings
    )
    counted = [each for each in recorded if each.is_first_in_run and each.resolution is Resolution.PENDING]
    await runs.tally_findings(
        conn,
        run,
        dict(Counter(str(each.type) for each in counted)),
        new=sum(each.is_new for each in counted),
        detected=dict(Counter(str(each.type) for each in counted if each.is_new or each.is_reopened)),
    )
    return recorded


async def _owners(conn: Connection, run: Run, shadows: Mapping[str, Shadow]) -> dict[UUID, str]:
    ids = {s.account.identity_id for s in shadows.values() if s.account.identity_id is not None and not s.account.live}
    if not ids:
        return {}
    rows = await accounts.names(conn, tenant_id=run.tenant_id, ids=list(ids))
    return {identity_id: row["user_name"] for identity_id, row in rows.items()}


def _has_moved(shadow: Shadow, read_at: datetime) -> bool:
    return shadow.last_change_at is not None and shadow.last_change_at >= read_at


def _is_settled(shadow: Shadow, seen: TargetAccount, seen_hash: int) -> bool:
    """Nothing about it has changed; of one that nobody owns everything counts, for anything may tell whose it is."""
    account = shadow.account
    if shadow.observed_hash != seen_hash or account.state is not AccountState.ACTIVE:
        return False
    if account.identity_id is not None:
        return shadow.is_agreed
    return account.observed == seen.attributes and account.observed_active == seen.active


def _judge_unowned(result: Examined, shadow: Shadow, seen: TargetAccount, seen_hash: int) -> None:
    account = shadow.account
    result.judged.append(account.id)
    result.unowned[account.id] = seen.uid
    observed = Observed(account.id, seen.uid, seen.attributes, seen.active, seen_hash)
    result.changed.append(observed)
    if account.observed != seen.attributes or account.state is AccountState.DEAD:
        result.rekeyed.append(observed)


def _judge_owned(
    result: Examined, shadow: Shadow, seen: TargetAccount, seen_hash: int, *, view: View, who: str, returned: Returned
) -> None:
    account = shadow.account
    result.judged.append(account.id)
    taken = returned.taken.get(account.id, {})
    finding = classify.mismatch(account, seen, view.rules, who=who, state_hash=seen_hash, taken=taken)
    if finding is not None:
        result.findings.append(finding)
    # one that says something new is looked at once more: a dry run leaves that to the next, and what is wanted changes
    says_more = returned.people.get(account.identity_id or account.id) == account.id or account.id in returned.unheard
    agrees = finding is None and not says_more
    if classify.must_be_written(
        account,
        observed_hash=shadow.observed_hash,
        seen_hash=seen_hash,
        agrees=agrees,
        is_agreed=shadow.is_agreed,
    ):
        result.changed.append(
            Observed(account.id, seen.uid, seen.attributes, seen.active, seen_hash, agrees, shadow.ours)
        )


async def _write_keys(conn: Connection, view: View, objects: Sequence[Observed]) -> None:
    if objects:
        keys = await asyncio.to_thread(_keys, view, objects)
        place = view.place
        await correlation.put_keys(conn, tenant_id=place.tenant_id, connector_id=place.connector_id, keys=keys)


def _keys(view: View, objects: Sequence[Observed]) -> dict[UUID, Sequence[MatchKey]]:
    return {each.id: match_keys(each.attributes, view.rule_set, side=Side.ACCOUNT) for each in objects}
