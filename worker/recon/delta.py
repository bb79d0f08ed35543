"""A run over what has changed: what the target tells since its last token, and what changed on our side.

Also a run over single accounts and people: ``statistics["only"] = {"uids": [...], "identities": [...]}``. What is
looked at one by one and not found again closes its findings; nothing is concluded about anybody else.

A batch is judged in one transaction, with a checkpoint that says what is left to do about it: whose its accounts are,
which findings are no more. Whoever takes the run over does that first, and then goes on behind it.
"""

import asyncio
import json
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar
from uuid import UUID

from worker.domain.account import TargetAccount
from worker.domain.errors import ConnectorError, UnknownUid
from worker.recon import inbound
from worker.recon.conclude import FIRST, claimed_people, confirm, gone_findings, write_gone, write_missing
from worker.recon.context import RunContext
from worker.recon.examine import Examined, can_be_kept, expressions, record
from worker.recon.owners import owners_of, write_owners
from worker.recon.seen import hash_uids, pack, unpack
from worker.recon.spoilt import examine_apart, hashes_of, is_protected
from worker.recon.steps import Steps
from worker.store import accounts, connectors, discrepancies, runs
from worker.store.accounts import Known, Observed
from worker.store.pool import Connection
from worker.store.runs import Checkpoint, Progress
from worker.store.tenant import tenant

T = TypeVar("T")

_PAGE = 500

#: What a batch begins with in a checkpoint, and how long its hashes are.
_BATCH = b"batch\0"
_HEAD = struct.Struct("<6sq")

NO_SYNC = "This target cannot tell what has changed there; only what has changed on our side was looked at."


@dataclass(slots=True)
class Look:
    """What to look at, and what has been looked at."""

    since: datetime | None
    uids: list[str] = field(default_factory=list)
    identity_ids: list[UUID] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)
    batches: int = 0
    token: str | None = None
    is_told: bool = False

    @property
    def left(self) -> list[str]:
        """The uids that have not been seen."""
        return [
            uid for uid, number in zip(self.uids, hash_uids(self.uids).tolist(), strict=True) if number not in self.seen
        ]


@dataclass(frozen=True, slots=True)
class Batch:
    """What was judged together, by hash, and what is left to do: accounts that may need an owner, findings to close."""

    seen: bytes
    unsettled: list[str]
    judged: list[UUID]
    keys: list[str]

    def pack(self) -> bytes:
        left = {"unsettled": self.unsettled, "judged": [str(each) for each in self.judged], "keys": self.keys}
        return _HEAD.pack(_BATCH, len(self.seen)) + self.seen + json.dumps(left).encode()

    @classmethod
    def unpack(cls, packed: bytes) -> "Batch":
        """Read one; of an older version there are only the hashes."""
        if not packed.startswith(_BATCH):
            return cls(packed, [], [], [])
        end = _HEAD.size + _HEAD.unpack_from(packed)[1]
        left = json.loads(packed[end:])
        return cls(packed[_HEAD.size : end], left["unsettled"], [UUID(each) for each in left["judged"]], left["keys"])


async def run_delta(steps: Steps, context: RunContext, *, since: datetime | None) -> None:
    """Look at what changed after ``since``, or only at what the run names."""
    look = await _scope(steps, context, since)
    await _take_up(steps, context, look)
    if since is not None:
        await _follow_target(steps, context, look)
    for uids in _pieces(look.left):
        await _look_at(steps, context, look, uids)
    for ids in _pieces(look.identity_ids):
        await _look_for_missing(steps, context, ids)
    if since is not None and not context.run.dry_run and "sync_token" in context.facts:
        async with steps.step(context) as conn:
            await connectors.set_sync_token(
                conn,
                tenant_id=context.run.tenant_id,
                connector_id=context.run.connector_id,
                token=context.facts["sync_token"],
            )


async def _scope(steps: Steps, context: RunContext, since: datetime | None) -> Look:
    run = context.run
    only = run.statistics.get("only", {})
    look = Look(since, list(only.get("uids", [])), [UUID(each) for each in only.get("identities", [])])
    async with tenant(steps.pool, run.tenant_id) as conn:
        if since is not None:
            look.uids = await accounts.touched_since(conn, context.place, since=since)
            look.identity_ids = await accounts.identities_changed_since(conn, tenant_id=run.tenant_id, since=since)
        else:
            rows = await accounts.of_identities(conn, context.place, look.identity_ids)
            look.uids += [s.account.uid for s in rows.values() if s.account.uid and s.account.uid not in look.uids]
    return look


async def _take_up(steps: Steps, context: RunContext, look: Look) -> None:
    """Go on where an earlier process was: behind its last batch, once that is done with."""
    async with tenant(steps.pool, context.run.tenant_id) as conn:
        batches = await runs.checkpoints(conn, context.run)
    for each in batches:
        look.seen |= set(unpack(Batch.unpack(each.seen).seen).tolist())
    if batches:
        last = batches[-1]
        look.batches, look.token, look.is_told = last.page + 1, last.next_token, last.is_last
        await _finish(steps, context, Batch.unpack(last.seen))


async def _follow_target(steps: Steps, context: RunContext, look: Look) -> None:
    """Take the target's own word for what has changed there."""
    guard, place, run = context.view.guard, context.place, context.run
    if "sync" not in guard.capabilities:
        await _note(steps, context, {"note": NO_SYNC})
        return
    if not look.batches:
        async with tenant(steps.pool, run.tenant_id) as conn:
            look.token = await connectors.sync_token(conn, tenant_id=run.tenant_id, connector_id=run.connector_id)
    while not look.is_told:
        read_at = context.database_time(datetime.now(UTC))
        changes = await steps.patiently(context, partial(guard.sync, place.object_class, token=look.token))
        present = {each.uid: each.account for each in changes.changes if each.account is not None}
        gone = [each.uid for each in changes.changes if each.account is None]
        look.token, look.is_told = changes.next_token, changes.is_last
        await _settle(steps, context, look, _Seen(present, gone, read_at))
    context.facts["sync_token"] = look.token


@dataclass(frozen=True, slots=True)
class _Seen:
    """Objects as they are, and uids that are said to be gone."""

    present: dict[str, TargetAccount]
    gone: list[str]
    read_at: datetime


async def _look_at(steps: Steps, context: RunContext, look: Look, uids: Sequence[str]) -> None:
    """Read these objects one by one and judge them; one that cannot be read is left as it is."""
    guard, place = context.view.guard, context.place
    if "get" not in guard.capabilities:
        return
    gate = asyncio.Semaphore(guard.limits.concurrency)

    async def read(uid: str) -> TargetAccount | ConnectorError | None:
        async with gate:
            try:
                return await steps.patiently(context, lambda: guard.get(place.object_class, uid))
            except UnknownUid:
                return None
            except ConnectorError as error:
                return error

    read_at = context.database_time(datetime.now(UTC))
    answers = dict(zip(uids, await asyncio.gather(*map(read, uids)), strict=True))
    present = {uid: answer for uid, answer in answers.items() if isinstance(answer, TargetAccount)}
    gone = [uid for uid, answer in answers.items() if answer is None]
    look.is_told = True  # what the target tells comes before, and is over
    await _settle(steps, context, look, _Seen(present, gone, read_at))


async def _settle(steps: Steps, context: RunContext, look: Look, seen: _Seen) -> None:
    """Judge what was seen and write it down, close what is no longer so. What has not changed is not counted."""
    lost = await _known(steps, context, [uid for uid in seen.gone if can_be_kept(uid)])
    confirmed = await confirm(steps, context, [each for each in lost if each.identity_id and not each.live])
    present = _to_judge(context, {**seen.present, **confirmed.present})
    settled = await _settled(steps, context, present)
    doubtful = {uid: one for uid, one in present.items() if uid not in settled}
    computed = await expressions(steps, context, doubtful, read_at=seen.read_at)
    async with steps.step(context) as conn:
        await inbound.withdraw(conn, context, confirmed.owners)
        found = Examined(settled=settled)
        if doubtful:
            found = await examine_apart(conn, context, doubtful, read_at=seen.read_at, computed=computed)
            found.settled |= settled
        unowned = [each.id for each in lost if not each.identity_id and not each.live]
        await write_gone(conn, context, gone=[each.id for each in confirmed.gone], unowned=unowned)
        keys = [each.key for each in found.findings] + await _record_gone(conn, context, confirmed.gone)
        unsettled = [uid for uid in present if uid not in found.settled]
        numbers = hash_uids([*seen.present, *seen.gone])
        batch = Batch(pack(numbers), unsettled, found.judged + [each.id for each in lost], keys)
        touched = len(unsettled) + len(lost)
        unchanged = {"unchanged": len(found.settled)} if found.settled else {}
        checkpoint = Checkpoint(look.batches, look.token, look.is_told, batch.pack())
        await runs.advance(conn, context.run, Progress(processed=touched, tally=unchanged), checkpoint=checkpoint)
    look.batches += 1
    look.seen |= set(numbers.tolist())
    await _finish(steps, context, batch)


async def _settled(steps: Steps, context: RunContext, present: dict[str, TargetAccount]) -> set[str]:
    """Those that are as they were when they last were as wanted: a listing does not look at them either."""
    if not present:
        return set()
    async with tenant(steps.pool, context.run.tenant_id) as conn:
        agreed = await accounts.agreed(conn, context.place, list(present))
    hashes = hashes_of(context.view, list(present.values())).tolist()
    return {uid for uid, content in zip(present, hashes, strict=True) if agreed.get(uid) == content}


async def _finish(steps: Steps, context: RunContext, batch: Batch) -> None:
    """What comes after a batch was judged; done again, it changes nothing."""
    keys = batch.keys + await _find_owners(steps, context, batch.unsettled)
    await _close(steps, context, account_ids=batch.judged, identity_ids=[], keys=keys)


def _to_judge(context: RunContext, objects: dict[str, TargetAccount]) -> dict[str, TargetAccount]:
    return {uid: one for uid, one in objects.items() if can_be_kept(uid) and not is_protected(context.view, one)}


async def _known(steps: Steps, context: RunContext, uids: Sequence[str]) -> list[Known]:
    if not uids:
        return []
    async with tenant(steps.pool, context.run.tenant_id) as conn:
        rows = await accounts.by_uids(conn, context.place, uids)
    return [Known(row.account.id, uid, row.account.identity_id, row.account.live, None) for uid, row in rows.items()]


async def _record_gone(conn: Connection, context: RunContext, gone: Sequence[Known]) -> list[str]:
    if not gone:
        return []
    ids = [each.id for each in gone]
    rows = await accounts.gone_before(conn, context.place, after=FIRST, limit=len(ids), ids=ids)
    findings = gone_findings(context, rows)
    await record(conn, context.run, findings)
    return [each.key for each in findings]


async def _find_owners(steps: Steps, context: RunContext, uids: Sequence[str]) -> list[str]:
    """Correlate those of the accounts looked at that nobody owns."""
    async with tenant(steps.pool, context.run.tenant_id) as conn:
        rows = await accounts.by_uids(conn, context.place, uids) if uids else {}
    unowned = [
        Observed(s.account.id, uid, s.account.observed or {}, s.account.observed_active, s.observed_hash or 0)
        for uid, s in rows.items()
        if s.account.identity_id is None and not s.account.live
    ]
    results = await owners_of(steps, context.view, unowned)
    if not results:
        return []
    async with steps.step(context) as conn:
        return (await write_owners(conn, context, results)).keys


async def _look_for_missing(steps: Steps, context: RunContext, ids: Sequence[UUID]) -> None:
    async with steps.step(context) as conn:
        claimed = await claimed_people(conn, context)
        people = await accounts.without_account_of(conn, context.place, ids)
        keys = await write_missing(conn, context, people, claimed=claimed)
    await _close(steps, context, account_ids=[], identity_ids=ids, keys=keys)


async def _close(
    steps: Steps, context: RunContext, *, account_ids: Sequence[UUID], identity_ids: Sequence[UUID], keys: Iterable[str]
) -> None:
    if not account_ids and not identity_ids:
        return
    run = context.run
    async with steps.step(context) as conn:
        closed = await discrepancies.close_settled(
            conn,
            tenant_id=run.tenant_id,
            connector_id=run.connector_id,
            account_ids=account_ids,
            identity_ids=identity_ids,
            found_keys=list(keys),
        )
        if closed:
            await runs.advance(conn, run, Progress(tally={"closed": closed}))


async def _note(steps: Steps, context: RunContext, facts: dict[str, str]) -> None:
    context.facts |= facts
    async with steps.step(context, Progress(facts=facts)):
        pass


def _pieces(things: Sequence[T]) -> list[Sequence[T]]:
    return [things[at : at + _PAGE] for at in range(0, len(things), _PAGE)]
