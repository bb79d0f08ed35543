"""A listing in ranges, on which several processes work at the same time.

Whoever leads the run divides the listing, once, where the connector can and its setting ``listing_ranges`` says so.
Each process, the leader among them, takes the next range that nobody lists, with a fence and checkpoints of its own;
one whose process died is taken over by another. The leader counts for the run what is found, and goes on to the next
phase when every range is over: nothing is concluded from some of them.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog

from worker.connectors import Span
from worker.domain.errors import ConnectorError, LeaseLost
from worker.domain.run import RangeClaim, Run, RunStatus
from worker.recon.context import RunContext, TargetSource, view_of
from worker.recon.listing import Listed, note_start, run_listing, take_up
from worker.recon.seen import SeenIndex, unpack
from worker.recon.spoilt import MOST_TOLD
from worker.recon.steps import Steps, Stop
from worker.store import accounts, due_work, run_ranges, runs
from worker.store.pool import Connection
from worker.store.run_ranges import Range
from worker.store.runs import Checkpoint, Progress
from worker.store.tenant import tenant

log = structlog.get_logger()

#: The setting of a connector: how many ranges its listing is divided into.
LISTING_RANGES = "listing_ranges"

#: How often the leader counts for the run what is found.
COUNT_S = 1.0

#: How often a leader with nothing to list looks whether the others are done, or gone.
LOOK_S = 0.2

_LISTING = "listing"


async def load(steps: Steps, context: RunContext) -> Listed:
    """What is known of the target, and what this run has seen of it so far, by its checkpoints."""
    run = context.run
    async with tenant(steps.pool, run.tenant_id) as conn:
        listed = Listed(SeenIndex.load(await accounts.index(conn, context.place)))
        checkpoints, ranges = await runs.checkpoints(conn, run), await run_ranges.every(conn, run)
    if ranges:
        sum_up(listed, ranges, checkpoints)
    else:
        take_up(listed, checkpoints)
    return listed


def sum_up(listed: Listed, ranges: Sequence[Range], checkpoints: Sequence[Checkpoint]) -> None:
    """What ranges have seen is seen; the listing is over, and has ended well, when that is so of each of them."""
    last: dict[int, Checkpoint] = {}
    for each in checkpoints:
        listed.index.mark(unpack(each.seen))
        listed.total = each.total if each.total is not None else listed.total
        last[each.page // run_ranges.PAGES_A_RANGE] = each
    listed.pages = len(checkpoints)
    listed.is_over = all(each.is_over for each in ranges)
    listed.is_ended = all(each.number in last and last[each.number].is_last for each in ranges)


async def list_all(steps: Steps, context: RunContext, listed: Listed) -> None:
    """List from where it stopped to the end, alone or with others; ``listed`` holds the result."""
    await note_start(steps, context, listed)
    if not await _is_divided(steps, context, listed):
        await run_listing(steps, context, listed)
        return
    run = context.run
    async with tenant(steps.pool, run.tenant_id) as conn:
        await due_work.ask(conn, run.tenant_id, due_work.Kind.RANGE, run.id)
    async with _counting(steps, context):
        while (claimed := await _next(steps, context)) is not None:
            await _list_range(steps, context, claimed, listed.index)
    async with steps.step(context) as conn:
        facts = await _count(conn, context)
        await due_work.forget(conn, run.tenant_id, due_work.Kind.RANGE, run.id)
        ranges, checkpoints = await run_ranges.every(conn, run), await runs.checkpoints(conn, run)
    context.facts |= facts
    sum_up(listed, ranges, checkpoints)


async def lend_a_hand(steps: Steps, targets: TargetSource, *, tenant_id: UUID, run_id: UUID, owner: UUID) -> None:
    """List ranges of a run that another process leads, until none is free.

    What fails here is not held against the run: the range is put back, and its leader meets the failure, or does not.
    """
    async with tenant(steps.pool, tenant_id) as conn:
        run = await runs.get(conn, tenant_id=tenant_id, run_id=run_id)
        claimed = await _claimed(conn, run, owner=owner, is_helper=True)
        if run is None or claimed is None:
            await _rest(conn, run, tenant_id, run_id, owner=owner)
            return
        ahead = await runs.now(conn) - datetime.now(UTC)
    async with _put_back(steps, run, claimed):
        view = await view_of(steps.pool, targets, tenant_id=tenant_id, connector_id=run.connector_id)
        context = RunContext(run, view, clock_ahead=ahead)
        async with tenant(steps.pool, tenant_id) as conn:
            index = SeenIndex.load(await accounts.index(conn, context.place))
    while claimed is not None:
        async with _put_back(steps, run, claimed):
            await _list_range(steps, context, claimed, index)
        log.info("reconciliation.range_listed", run_id=str(run.id), number=claimed.number)
        async with tenant(steps.pool, tenant_id) as conn:
            claimed = await _claimed(conn, run, owner=owner, is_helper=True)


async def _is_divided(steps: Steps, context: RunContext, listed: Listed) -> bool:
    """Divide the listing, unless it has begun; whether it is."""
    run, guard, place = context.run, context.view.guard, context.place
    async with tenant(steps.pool, run.tenant_id) as conn:
        if await run_ranges.every(conn, run):
            return True
    count = ranges_wanted(context.view.connector.settings)
    if listed.pages or count == 1 or "ranges" not in guard.capabilities:
        return False
    try:
        marks = await guard.marks(place.object_class, count=count)
    except LeaseLost:
        raise
    except ConnectorError as error:  # to count all keys may take longer than any page does: one process lists them then
        log.warning("recon.undivided", run_id=str(run.id), error=str(error))
        return False
    if not marks:
        return False
    async with steps.step(context) as conn:
        await run_ranges.insert(conn, run, list(dict.fromkeys(marks))[: count - 1])
    return True


def ranges_wanted(settings: Mapping[str, Any]) -> int:
    """Into how many ranges a listing is divided, by the settings of its connector."""
    wanted = settings.get(LISTING_RANGES, 1)
    return min(max(wanted, 1), run_ranges.MOST) if isinstance(wanted, int) else 1


async def _next(steps: Steps, context: RunContext) -> Range | None:
    """The next range for the leader, waiting for those of others to be over or left; None: all are over."""
    run = context.run
    while run.owner is not None:
        async with tenant(steps.pool, run.tenant_id) as conn:
            claimed = await _claimed(conn, run, owner=run.owner, is_helper=False)
            if claimed is not None or all(each.is_over for each in await run_ranges.every(conn, run)):
                return claimed
        await steps.sleep(LOOK_S)
        async with steps.step(context):
            pass  # a stop that was asked for while we waited
    raise LeaseLost("A run that nobody has cannot be led.", run_id=str(run.id))


async def _list_range(steps: Steps, context: RunContext, claimed: Range, index: SeenIndex) -> None:
    """List one range from where it stopped to its end; others may have it whatever comes of that."""
    if claimed.claim is None:
        raise LeaseLost("A range that nobody has cannot be listed.", run_id=str(context.run.id))
    run = replace(context.run, part=claimed.claim)
    part = RunContext(run, context.view, clock_ahead=context.clock_ahead)
    listed = Listed(index, Span(claimed.after, claimed.upto), pages=claimed.first_page)
    try:
        async with tenant(steps.pool, run.tenant_id) as conn:
            take_up(listed, await runs.checkpoints(conn, run, number=claimed.number))
        await run_listing(steps, part, listed)
    finally:
        await _release(steps, run, claimed.claim)


async def _release(steps: Steps, run: Run, claim: RangeClaim) -> None:
    with suppress(*runs.Interrupted):  # then it is free when our lease is over
        async with tenant(steps.pool, run.tenant_id) as conn:
            await run_ranges.release(conn, run, claim)


@asynccontextmanager
async def _counting(steps: Steps, context: RunContext) -> AsyncIterator[None]:
    """Count for the run, every now and then, what is found in its ranges."""

    async def count() -> None:
        while True:
            await asyncio.sleep(COUNT_S)
            async with steps.step(context) as conn:
                facts = await _count(conn, context)
            context.facts |= facts

    counting = asyncio.create_task(count())
    try:
        yield
    finally:
        counting.cancel()
        # whoever asked for a stop, or has the run now, is met by the page at work as well
        with suppress(asyncio.CancelledError, Stop, LeaseLost, *runs.Interrupted):
            await counting


async def _count(conn: Connection, context: RunContext) -> dict[str, Any]:
    """Count what is owed; the facts of the run that are new, known once this is committed."""
    run, owed = context.run, await run_ranges.owed(conn, context.run)
    facts = _merged(context.facts, owed.facts)
    if owed.processed or owed.tally or facts:
        await runs.advance(conn, run, Progress(owed.processed, total=owed.total, tally=owed.tally, facts=facts))
    await runs.tally_findings(conn, run, owed.by_type, new=owed.new, detected=owed.detected)
    return facts


def _merged(known: Mapping[str, Any], noted: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What ranges noted: of lists everything that is in one of them, as far as people look at it."""
    found: dict[str, Any] = {}
    for facts in noted:
        for name, value in facts.items():
            before = found.get(name, known.get(name, []))
            is_list = isinstance(value, list) and isinstance(before, list)
            found[name] = [*before, *(one for one in value if one not in before)][:MOST_TOLD] if is_list else value
    return {name: value for name, value in found.items() if known.get(name) != value}


async def _claimed(conn: Connection, run: Run | None, *, owner: UUID, is_helper: bool) -> Range | None:
    if run is None:
        return None
    return await run_ranges.claim(conn, tenant_id=run.tenant_id, run_id=run.id, owner=owner, is_helper=is_helper)


@asynccontextmanager
async def _put_back(steps: Steps, run: Run, claimed: Range) -> AsyncIterator[None]:
    """Leave a range that cannot be listed here to others, and do not come back to it at once."""
    is_done = False
    try:
        yield
        is_done = True
    except (Stop, LeaseLost):
        log.info("reconciliation.range_left", run_id=str(run.id), number=claimed.number)
        raise
    finally:
        if not is_done and claimed.claim is not None:
            await _release(steps, run, claimed.claim)
            await _sleep_on(steps, run)


async def _sleep_on(steps: Steps, run: Run) -> None:
    with suppress(*runs.Interrupted):
        async with tenant(steps.pool, run.tenant_id) as conn:
            next_look = await runs.now(conn) + runs.LOOK_AGAIN
            await due_work.settle(conn, run.tenant_id, due_work.Kind.RANGE, run.id, next_due=next_look)


async def _rest(conn: Connection, run: Run | None, tenant_id: UUID, run_id: UUID, *, owner: UUID) -> None:
    """Nothing is free for us: look again when a process may have died, or never when there is nothing left."""
    is_listing = run is not None and run.status is RunStatus.RUNNING and run.phase == _LISTING
    if run is None or not is_listing or all(each.is_over for each in await run_ranges.every(conn, run)):
        await due_work.forget(conn, tenant_id, due_work.Kind.RANGE, run_id)
    elif run.owner != owner:  # else others may well find what we, who lead it, do not help with
        next_look = await runs.now(conn) + runs.LOOK_AGAIN
        await due_work.settle(conn, tenant_id, due_work.Kind.RANGE, run_id, next_due=next_look)
