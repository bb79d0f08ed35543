"""The third phase: what the listing did *not* show. Only a listing that is proven complete concludes anything.

What a complete listing lacks is looked for once more, one by one, before it counts as deleted. A listing that is not
believed pauses the run with a sample of what it would have meant; a person's approval lets the conclusions through.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

from worker.domain.account import TargetAccount
from worker.domain.discrepancy import DiscrepancyType, Finding
from worker.domain.errors import ConnectorError, UnknownUid
from worker.domain.run import PauseReason, RunMode
from worker.recon import classify, inbound
from worker.recon.context import RunContext
from worker.recon.examine import expressions, record
from worker.recon.listing import Listed
from worker.recon.spoilt import SPOILT, examine_apart, is_protected
from worker.recon.steps import Steps, Stop
from worker.safeguard import Completeness, Listing, judge
from worker.store import accounts, connectors, correlation, discrepancies, due_work, runs, safeguard
from worker.store.accounts import Known
from worker.store.pool import Connection
from worker.store.runs import Progress
from worker.store.tenant import tenant

FIRST = UUID(int=0)

_PAGE = 1_000
_PEOPLE = 5_000
_CONFIRMED_TOGETHER = 100
_CONCLUDED = "concluded"


class Ruling(StrEnum):
    """Whether a listing may be concluded from."""

    COMPLETE = "complete"
    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What single reads of lost accounts found; ``unsure`` could not be read."""

    gone: list[Known]
    present: dict[str, TargetAccount]
    unsure: int

    @property
    def owners(self) -> list[UUID]:
        """Whose accounts are gone."""
        return [each.identity_id for each in self.gone if each.identity_id is not None]


async def run_conclusion(steps: Steps, context: RunContext, listed: Listed) -> None:
    """Conclude what is gone and who is without an account; raises Stop when a person must look at the listing first."""
    ruling = await _rule(steps, context, listed)
    if ruling is Ruling.REJECTED:
        return
    async with steps.step(context, Progress(listing_complete=True)):
        pass
    await _confirm_lost(steps, context, listed)
    await _find_gone(steps, context)
    await _find_missing(steps, context)
    await _close(steps, context)


async def _rule(steps: Steps, context: RunContext, listed: Listed) -> Ruling:
    """Judge the listing, or take the decision that a person took about it."""
    run = context.run
    if run.approval_id is not None:
        async with tenant(steps.pool, run.tenant_id) as conn:
            approval = await safeguard.approval(conn, tenant_id=run.tenant_id, approval_id=run.approval_id)
        if approval is not None and approval["kind"] == "incomplete_target":
            if approval["status"] == "open":
                raise Stop(PauseReason.SAFEGUARD)
            return Ruling.APPROVED if approval["status"] == "approved" else Ruling.REJECTED
    if run.listing_complete:  # concluded before, and interrupted
        return Ruling.COMPLETE
    verdict = await _judge(steps, context, listed)
    if verdict.is_complete:
        return Ruling.COMPLETE
    await _hold(steps, context, listed, verdict)
    raise Stop(PauseReason.SAFEGUARD, is_noted=True)


async def _judge(steps: Steps, context: RunContext, listed: Listed) -> Completeness:
    run = context.run
    async with tenant(steps.pool, run.tenant_id) as conn:
        before = await runs.last_good(conn, run, mode=RunMode.FULL)
    listing = Listing(
        seen=listed.index.seen,
        is_ended=listed.is_ended,
        total=listed.total,
        known=context.facts.get("known", listed.index.known),
        lost=listed.index.lost,
        last_seen=before.accounts_processed if before else None,
    )
    return judge(listing, steps.limits)


async def _hold(steps: Steps, context: RunContext, listed: Listed, verdict: Completeness) -> None:
    """Ask for an approval and pause the run, in one transaction."""
    run = context.run
    sample = await _lost(steps, context, listed, after="", most=safeguard.SAMPLE)
    held = safeguard.Held(
        connector_id=run.connector_id,
        kind="incomplete_target",
        count=listed.index.lost,
        sample=[{"what": "deleted", "who": each.user_name, "uid": each.uid} for each in sample],
        reason=f"{context.view.connector.name}: {verdict.reason} Nothing is concluded from it until a person agrees.",
        run_id=run.id,
    )
    async with tenant(steps.pool, run.tenant_id) as conn:
        await runs.advance(conn, run, Progress(tally=context.take_calls()))
        approval_id = await safeguard.hold(conn, held, tenant_id=run.tenant_id)
        await runs.pause(conn, run, reason=PauseReason.SAFEGUARD, approval_id=approval_id, listing_complete=False)


async def _lost(steps: Steps, context: RunContext, listed: Listed, *, after: str, most: int) -> list[Known]:
    """Known accounts that the listing did not show, in uid order after ``after``; at most so many."""
    found: list[Known] = []
    if not listed.index.lost:
        return found
    while len(found) < most:
        async with tenant(steps.pool, context.run.tenant_id) as conn:
            page = await accounts.uids(conn, context.place, after=after, limit=_PAGE)
        found += [each for each in page if listed.index.is_lost(each.uid)]
        if len(page) < _PAGE:
            break
        after = page[-1].uid
    return found[:most]


async def _confirm_lost(steps: Steps, context: RunContext, listed: Listed) -> None:
    after, left = "", listed.index.lost
    while left and (lost := await _lost(steps, context, listed, after=after, most=min(left, _CONFIRMED_TOGETHER))):
        after, left = lost[-1].uid, left - len(lost)
        owned = [each for each in lost if each.identity_id is not None and not each.live]
        unowned = [each.id for each in lost if each.identity_id is None and not each.live]
        read_at = context.database_time(datetime.now(UTC))
        confirmed = await confirm(steps, context, owned)
        tally = {"unconfirmed": confirmed.unsure} if confirmed.unsure else {}
        present = {uid: seen for uid, seen in confirmed.present.items() if not is_protected(context.view, seen)}
        computed = await expressions(steps, context, present, read_at=read_at)
        async with steps.step(context, Progress(tally=tally)) as conn:
            await inbound.withdraw(conn, context, confirmed.owners)
            if present:
                await examine_apart(conn, context, present, read_at=read_at, computed=computed)
            await write_gone(conn, context, gone=[each.id for each in confirmed.gone], unowned=unowned)


async def confirm(steps: Steps, context: RunContext, lost: Sequence[Known]) -> Confirmed:
    """Look for each of these once more. A target that reads no single object is taken at its listing's word."""
    guard, place = context.view.guard, context.place
    if "get" not in guard.capabilities:
        return Confirmed(list(lost), {}, 0)

    async def look(known: Known) -> TargetAccount | ConnectorError | None:
        try:
            return await steps.patiently(context, lambda: guard.get(place.object_class, known.uid))
        except UnknownUid:
            return None
        except ConnectorError as error:  # one that cannot be read is not gone
            return error

    gate = asyncio.Semaphore(guard.limits.concurrency)

    async def look_in_turn(known: Known) -> TargetAccount | ConnectorError | None:
        async with gate:
            return await look(known)

    answers = await asyncio.gather(*(look_in_turn(each) for each in lost))
    return _sorted(lost, answers)


def _sorted(lost: Sequence[Known], answers: Sequence[TargetAccount | ConnectorError | None]) -> Confirmed:
    result = Confirmed([], {}, sum(isinstance(each, ConnectorError) for each in answers))
    for known, answer in zip(lost, answers, strict=True):
        if answer is None:
            result.gone.append(known)
        elif isinstance(answer, TargetAccount):
            result.present[known.uid] = answer
    return result


async def write_gone(conn: Connection, context: RunContext, *, gone: Sequence[UUID], unowned: Sequence[UUID]) -> None:
    """Note that these objects are gone; rows of those that were nobody's go with them."""
    run = context.run
    await accounts.mark_gone(conn, tenant_id=run.tenant_id, ids=[*gone, *unowned], run_id=run.id)
    if unowned:
        await accounts.drop_gone(conn, tenant_id=run.tenant_id, ids=unowned)
        await correlation.drop_keys(conn, tenant_id=run.tenant_id, account_ids=unowned)


async def _find_gone(steps: Steps, context: RunContext) -> None:
    """Links to objects that are gone, found now or by an earlier run."""
    after = FIRST
    while True:
        async with steps.step(context) as conn:
            page = await accounts.gone_before(conn, context.place, after=after, limit=_PAGE)
            findings = gone_findings(context, page)
            await record(conn, context.run, findings)
        if len(page) < _PAGE:
            return
        after = page[-1].id


def gone_findings(context: RunContext, rows: Sequence[accounts.Gone]) -> list[Finding]:
    """What accounts that are gone mean: pure. One that should be gone, or is being made anew, means nothing."""
    view = context.view
    return [
        classify.deleted(
            each.id,
            uid=each.uid,
            identity_id=each.identity_id,
            who=each.user_name,
            is_wanted=each.is_enabled and each.wanted is not None,
            was_read="get" in view.guard.capabilities,
            rules=view.rules,
        )
        for each in rows
        if not each.live and not (each.wanted is None and each.wanted_active is False)
    ]


async def _find_missing(steps: Steps, context: RunContext) -> None:
    async with tenant(steps.pool, context.run.tenant_id) as conn:
        claimed = await claimed_people(conn, context)
        people = await accounts.without_account(conn, context.place)
    for ids in people.pieces(_PEOPLE):
        async with steps.step(context) as conn:
            page = await accounts.without_account_of(conn, context.place, ids)
            await write_missing(conn, context, page, claimed=claimed)


async def write_missing(
    conn: Connection, context: RunContext, people: Sequence[accounts.Unprovided], *, claimed: frozenset[UUID]
) -> list[str]:
    """Record those in scope for whom nothing is under way; the keys of the findings.

    Somebody whose account may be one that nobody owns is left out: that is another finding. ``claimed`` are those who
    share such an account with others.
    """
    view, run = context.view, context.run
    sure = await discrepancies.claimed_of(
        conn,
        tenant_id=run.tenant_id,
        connector_id=run.connector_id,
        run_id=run.id,
        identity_ids=[each.identity.id for each in people],
    )
    findings = [
        classify.missing(each.identity.id, who=each.identity.user_name, account_id=each.account_id, rules=view.rules)
        for each in people
        if view.is_mapped
        and not each.is_under_way
        and each.identity.id not in claimed
        and each.identity.id not in sure
        and view.in_scope(each.identity.as_identity().as_source())
    ]
    await record(conn, context.run, findings)
    return [each.key for each in findings]


async def claimed_people(conn: Connection, context: RunContext) -> frozenset[UUID]:
    """People to whom an open question of this run offers an account that nobody owns, among others."""
    claimed: set[UUID] = set()
    after = FIRST
    while True:
        page = await discrepancies.of_run(
            conn,
            tenant_id=context.run.tenant_id,
            connector_id=context.run.connector_id,
            run_id=context.run.id,
            types=[DiscrepancyType.COLLISION],
            after=after,
            limit=_PAGE,
        )
        claimed |= {one.identity_id for each in page for one in each.finding.suggestions if one.identity_id}
        if len(page) < _PAGE:
            return frozenset(claimed)
        after = page[-1].id


async def _close(steps: Steps, context: RunContext) -> None:
    """Close what was not found again. Now the run has compared everything, or closes nothing."""
    run = context.run
    async with steps.step(context, Progress(facts={_CONCLUDED: True})) as conn:
        closed = 0
        if SPOILT not in context.facts:
            closed = await discrepancies.close_unseen(
                conn, tenant_id=run.tenant_id, connector_id=run.connector_id, run_id=run.id
            )
        if closed:
            await runs.advance(conn, run, Progress(tally={"closed": closed}))
    context.facts[_CONCLUDED] = True


async def release(steps: Steps, context: RunContext) -> None:
    """After the first complete listing of a target creates may go: what is there already is known, and linked."""
    run = context.run
    if run.dry_run or not context.facts.get(_CONCLUDED):
        return
    where = {"tenant_id": run.tenant_id, "connector_id": run.connector_id}
    async with steps.step(context) as conn:
        if await connectors.set_baseline(conn, **where):
            await due_work.ask(conn, run.tenant_id, due_work.Kind.CLAIM, run.connector_id)
        if "sync_token" in context.facts:
            await connectors.set_sync_token(conn, token=context.facts["sync_token"], **where)
