"""A run over what has changed: what the target tells since its last token, and what changed on our side.

Also a run over single accounts and people (``Run.only``). What is looked at one by one and not found again closes its
findings; nothing is concluded about anybody else.

A batch is judged in one transaction, with a checkpoint that says what is left to do about it: which findings are no
more, and which accounts nobody owns. Whose those are is found out at the end, for all batches together, for it is
looked for among everybody. Whoever takes the run over closes what the last batch left, and goes on behind it.
"""

import asyncio
import json
import struct
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from worker.connectors import Changes
from worker.domain.account import TargetAccount
from worker.domain.discrepancy import Finding
from worker.domain.errors import ConnectorError, UnknownUid
from worker.domain.run import Only
from worker.recon import inbound
from worker.recon.conclude import FIRST, claimed_people, confirm, gone_findings, write_gone, write_missing
from worker.recon.context import RunContext
from worker.recon.examine import Examined, can_be_kept, expressions, record
from worker.recon.owners import TOGETHER_APART, found_owners, write_owners
from worker.recon.seen import hash_uids, pack, unpack
from worker.recon.singles import remarks
from worker.recon.spoilt import examine_apart, hashes_of, is_protected
from worker.recon.steps import Steps
from worker.store import accounts, connectors, discrepancies, runs
from worker.store.accounts import Known, Observed
from worker.store.pool import Connection
from worker.store.runs import Checkpoint, Progress
from worker.store.tenant import tenant

T = TypeVar("T")

#: What is read from a target one by one, and then judged together.
_PAGE = 500
#: Rows of ours that are looked at together.
_ROWS = 5_000

#: What a batch begins with in a checkpoint, and how long its hashes are.
_BATCH = b"batch\0"
_HEAD = struct.Struct("<6sq")

NO_SYNC = "This target cannot tell what has changed there; only what has changed on our side was looked at."


@dataclass(slots=True)
class Look:
    """What to look at, and what has been looked at; ``unsettled`` are accounts that may need an owner."""

    since: datetime | None
    uids: list[str] = field(default_factory=list)
    identity_ids: list[UUID] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)
    batches: int = 0
    token: str | None = None
    is_told: bool = False
    unsettled: dict[str, None] = field(default_factory=dict)

    @property
    def left(self) -> list[str]:
        """The uids that have not been seen."""
        return [
            uid for uid, number in zip(self.uids, hash_uids(self.uids).tolist(), strict=True) if number not in self.seen
        ]

    def add(self, batch: "Batch") -> None:
        """Take over what was seen, and what may need an owner."""
        self.seen |= set(unpack(batch.seen).tolist())
        self.unsettled |= dict.fromkeys(batch.unsettled)


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
    for uids in _pieces(look.left, _PAGE):
        await _look_at(steps, context, look, uids)
    await _find_owners(steps, context, look)
    await _look_for_missing(steps, context, look.identity_ids)
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
    only = run.only or Only()
    look = Look(since, list(only.uids), list(only.identity_ids))
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
        look.add(Batch.unpack(each.seen))
    if batches:
        last = batches[-1]
        look.batches, look.token, look.is_told = last.page + 1, last.next_token, last.is_last
        await _close_of(steps, context, Batch.unpack(last.seen))


async def _follow_target(steps: Steps, context: RunContext, look: Look) -> None:
    """Take the target's own word for what has changed there."""
    run = context.run
    if "sync" not in context.view.guard.capabilities:
        await _note(steps, context, {"note": NO_SYNC})
        return
    if not look.batches:
        async with tenant(steps.pool, run.tenant_id) as conn:
            look.token = await connectors.sync_token(conn, tenant_id=run.tenant_id, connector_id=run.connector_id)
    if not look.is_told:
        async with aclosing(_told(steps, context, look.token)) as pages:
            async for changes, read_at in pages:
                present = {each.uid: each.account for each in changes.changes if each.account is not None}
                gone = [each.uid for each in changes.changes if each.account is None]
                look.token, look.is_told = changes.next_token, changes.is_last
                await _settle(steps, context, look, _Seen(present, gone, read_at))
    context.facts["sync_token"] = look.token


async def _told(steps: Steps, context: RunContext, token: str | None) -> AsyncGenerator[tuple[Changes, datetime], None]:
    """What the target tells, to its end, with the moment when it was asked; one page ahead of the caller."""
    guard, place = context.view.guard, context.place

    async def ask(token: str | None) -> tuple[Changes, datetime]:
        read_at = context.database_time(datetime.now(UTC))
        return await steps.patiently(context, partial(guard.sync, place.object_class, token=token)), read_at

    ahead = asyncio.create_task(ask(token))
    try:
        while True:
            found = await ahead
            if found[0].is_last:
                yield found
                return
            ahead = asyncio.create_task(ask(found[0].next_token))
            yield found
    finally:
        ahead.cancel()
        with suppress(asyncio.CancelledError, Exception):  # nobody wants the page any more, nor why it failed
            await ahead


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
    if look.since is None:
        await _note(steps, context, await remarks(steps.pool, context, answers))
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
        found.findings += await _write_gone(conn, context, confirmed.gone, lost)
        numbers = hash_uids([*seen.present, *seen.gone])
        judged = [each for each in found.judged if each not in found.unowned] + [each.id for each in lost]
        keys = [each.key for each in found.findings]
        batch = Batch(pack(numbers), list(found.unowned.values()), judged, keys)
        touched = sum(uid not in found.settled for uid in present) + len(lost)
        unchanged = {"unchanged": len(found.settled)} if found.settled else {}
        checkpoint = Checkpoint(look.batches, look.token, look.is_told, batch.pack())
        await runs.advance(conn, context.run, Progress(processed=touched, tally=unchanged), checkpoint=checkpoint)
    look.batches += 1
    look.add(batch)
    await _close_of(steps, context, batch)


async def _close_of(steps: Steps, context: RunContext, batch: Batch) -> None:
    """Close what is no longer so of a batch; done again, it changes nothing.

    Not where it was judged: whoever repairs locks findings first, then accounts.
    """
    if batch.judged:
        async with steps.step(context) as conn:
            await _close(conn, context, account_ids=batch.judged, keys=batch.keys)


async def _settled(steps: Steps, context: RunContext, present: dict[str, TargetAccount]) -> set[str]:
    """Those that are as they were when they last were as wanted: a listing does not look at them either."""
    if not present:
        return set()
    async with tenant(steps.pool, context.run.tenant_id) as conn:
        agreed = await accounts.agreed(conn, context.place, list(present))
    hashes = hashes_of(context.view, list(present.values())).tolist()
    return {uid for uid, content in zip(present, hashes, strict=True) if agreed.get(uid) == content}


def _to_judge(context: RunContext, objects: dict[str, TargetAccount]) -> dict[str, TargetAccount]:
    return {uid: one for uid, one in objects.items() if can_be_kept(uid) and not is_protected(context.view, one)}


async def _known(steps: Steps, context: RunContext, uids: Sequence[str]) -> list[Known]:
    if not uids:
        return []
    async with tenant(steps.pool, context.run.tenant_id) as conn:
        rows = await accounts.by_uids(conn, context.place, uids)
    return [Known(row.account.id, uid, row.account.identity_id, row.account.live, None) for uid, row in rows.items()]


async def _write_gone(
    conn: Connection, context: RunContext, gone: Sequence[Known], lost: Sequence[Known]
) -> list[Finding]:
    """Note what is gone; what that means for those who had it is found."""
    unowned = [each.id for each in lost if not each.identity_id and not each.live]
    ids = [each.id for each in gone]
    if not ids and not unowned:
        return []
    await write_gone(conn, context, gone=ids, unowned=unowned)
    if not ids:
        return []
    rows = await accounts.gone_before(conn, context.place, after=FIRST, limit=len(ids), ids=ids)
    findings = gone_findings(context, rows)
    await record(conn, context.run, findings)
    return findings


async def _find_owners(steps: Steps, context: RunContext, look: Look) -> None:
    """Correlate those of the accounts looked at that nobody owns; done again, it changes nothing."""

    async def pages(together: Sequence[str]) -> AsyncGenerator[list[Observed], None]:
        for uids in _pieces(together, _ROWS):
            yield await _unowned(steps, context, uids)

    for together in _pieces(list(look.unsettled), TOGETHER_APART):
        async with aclosing(found_owners(steps, context, partial(pages, together))) as found:
            async for results in found:
                async with steps.step(context) as conn:
                    keys = (await write_owners(conn, context, results)).keys
                async with steps.step(context) as conn:
                    await _close(conn, context, account_ids=[each.id for each, _ in results], keys=keys)


async def _unowned(steps: Steps, context: RunContext, uids: Sequence[str]) -> list[Observed]:
    async with tenant(steps.pool, context.run.tenant_id) as conn:
        rows = await accounts.by_uids(conn, context.place, uids)
    return [
        Observed(s.account.id, uid, s.account.observed or {}, s.account.observed_active, s.observed_hash or 0)
        for uid, s in rows.items()
        if s.account.identity_id is None and not s.account.live
    ]


async def _look_for_missing(steps: Steps, context: RunContext, identity_ids: Sequence[UUID]) -> None:
    if not identity_ids:
        return
    async with tenant(steps.pool, context.run.tenant_id) as conn:
        claimed = await claimed_people(conn, context)
    for ids in _pieces(identity_ids, _ROWS):
        async with steps.step(context) as conn:
            people = await accounts.without_account_of(conn, context.place, ids)
            keys = await write_missing(conn, context, people, claimed=claimed)
        async with steps.step(context) as conn:
            await _close(conn, context, identity_ids=ids, keys=keys)


async def _close(
    conn: Connection,
    context: RunContext,
    *,
    account_ids: Sequence[UUID] = (),
    identity_ids: Sequence[UUID] = (),
    keys: Iterable[str],
) -> None:
    """Close what is no longer so of these accounts and people."""
    if not account_ids and not identity_ids:
        return
    run = context.run
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


async def _note(steps: Steps, context: RunContext, facts: dict[str, Any]) -> None:
    context.facts |= facts
    async with steps.step(context, Progress(facts=facts)):
        pass


def _pieces(things: Sequence[T], size: int) -> list[Sequence[T]]:
    return [things[at : at + size] for at in range(0, len(things), size)]
