"""The first phase of a full run: list the target page by page and judge what each page shows.

A page is one transaction: its checkpoint, what it found, the rows it changed. So a run that is killed anywhere goes on
behind its last page and ends as if it had never been interrupted. The next page is fetched while one is judged, and no
further ahead: a slow database holds the listing back.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from worker.connectors import Page
from worker.domain.errors import ListingChanged
from worker.recon.context import RunContext
from worker.recon.examine import examine, expressions
from worker.recon.seen import SeenIndex, hash_uids, pack, unpack
from worker.recon.spoilt import Odd, examine_the_rest, hashes_of, is_protected
from worker.recon.steps import Steps
from worker.store import accounts, runs
from worker.store.runs import Checkpoint, Progress
from worker.store.tenant import tenant

#: How often a target may say that its listing must begin again before the run fails.
MOST_RESTARTS = 3


@dataclass(slots=True)
class Listed:
    """What the listing of a run has come to. ``is_ended``: its last page said that it is the last."""

    index: SeenIndex
    pages: int = 0
    token: str | None = None
    is_over: bool = False
    is_ended: bool = False
    total: int | None = None


@dataclass(frozen=True, slots=True)
class _Fetched:
    page: Page
    read_at: datetime


async def load(steps: Steps, context: RunContext) -> Listed:
    """What is known of the target, and what this run has seen of it so far, by its checkpoints."""
    run = context.run
    async with tenant(steps.pool, run.tenant_id) as conn:
        index = SeenIndex.load(await accounts.index(conn, context.place))
        checkpoints = await runs.checkpoints(conn, run)
    listed = Listed(index)
    for checkpoint in checkpoints:
        index.mark(unpack(checkpoint.seen))
        listed.pages = checkpoint.page + 1
        listed.total = checkpoint.total if checkpoint.total is not None else listed.total
    if checkpoints:
        last = checkpoints[-1]
        listed.token, listed.is_ended = last.next_token, last.is_last
        listed.is_over = last.next_token is None
    return listed


async def run_listing(steps: Steps, context: RunContext, listed: Listed) -> None:
    """List from where it stopped to the end; ``listed`` holds the result."""
    await _note_start(steps, context, listed)
    restarts = 0
    while not listed.is_over:
        try:
            async with aclosing(_pages(steps, context, listed.token)) as pages:
                async for fetched in pages:
                    await _judge_page(steps, context, listed, fetched)
        except ListingChanged:
            restarts += 1
            if restarts > MOST_RESTARTS:
                raise
            listed.token = None  # what was seen stays seen: a page that comes again is not judged twice


async def _note_start(steps: Steps, context: RunContext, listed: Listed) -> None:
    """Remember, once a run, how much was known and where changes start that this listing may not show."""
    if "known" in context.facts:
        return
    facts: dict[str, Any] = {"known": listed.index.known}
    if "sync" in context.view.guard.capabilities:
        place, guard = context.place, context.view.guard
        changes = await steps.patiently(context, lambda: guard.sync(place.object_class, token=None))
        facts["sync_token"] = changes.next_token
    context.facts |= facts
    async with steps.step(context, Progress(total=listed.index.known or None, facts=facts)):
        pass


async def _pages(steps: Steps, context: RunContext, token: str | None) -> AsyncGenerator[_Fetched, None]:
    """Pages to the end, one ahead of the caller."""
    ahead = asyncio.create_task(_fetch(steps, context, token))
    try:
        while True:
            fetched = await ahead
            follows = fetched.page.next_token
            if follows is not None and not fetched.page.is_last:
                ahead = asyncio.create_task(_fetch(steps, context, follows))
                yield fetched
            else:
                yield fetched
                return
    finally:
        ahead.cancel()
        with suppress(asyncio.CancelledError, Exception):  # nobody wants the page any more, nor why it failed
            await ahead


async def _fetch(steps: Steps, context: RunContext, token: str | None) -> _Fetched:
    guard, place = context.view.guard, context.place
    read_at = context.database_time(datetime.now(UTC))
    page = await steps.patiently(context, lambda: guard.search(place.object_class, token=token))
    return _Fetched(page, read_at)


async def _judge_page(steps: Steps, context: RunContext, listed: Listed, fetched: _Fetched) -> None:
    page, view = fetched.page, context.view
    objects = {each.uid: each for each in page.accounts if each.uid}
    seen, uids = list(objects.values()), hash_uids(objects)
    is_first, is_settled = listed.index.examine(uids, hashes_of(view, seen))
    doubtful = [seen[at] for at in np.flatnonzero(is_first & ~is_settled)]
    judged = {each.uid: each for each in doubtful if not is_protected(view, each)}
    end = None if page.is_last else page.next_token
    checkpoint = Checkpoint(listed.pages, end, page.is_last, pack(uids[is_first]), page.total)
    tally = {"protected": len(doubtful) - len(judged)} if len(judged) < len(doubtful) else {}
    progress = Progress(processed=int(np.count_nonzero(is_first)), total=page.total, tally=tally)
    computed = await expressions(steps, context, judged, read_at=fetched.read_at)
    calls = context.calls
    try:
        async with steps.step(context, progress, checkpoint=checkpoint) as conn:
            if judged:
                await examine(conn, context, judged, read_at=fetched.read_at, computed=computed)
    except Odd as failure:  # the page once more, without the one that it failed for
        context.calls = calls
        async with steps.step(context, progress, checkpoint=checkpoint) as conn:
            await examine_the_rest(conn, context, judged, read_at=fetched.read_at, computed=computed, failure=failure)
    listed.index.mark(uids)
    listed.pages += 1
    listed.token, listed.is_over, listed.is_ended = end, end is None, page.is_last
    listed.total = page.total if page.total is not None else listed.total
