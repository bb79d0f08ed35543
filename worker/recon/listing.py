"""The first phase of a full run: list the target page by page and judge what each page shows.

A page is one transaction: its checkpoint, what it found, the rows it changed. So a run that is killed anywhere goes on
behind its last page and ends as if it had never been interrupted. While a page is written the next one is fetched and
hashed, and none further ahead: at most two are not written yet, and a slow database holds the listing back.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from worker.connectors import Page, Span
from worker.domain.account import TargetAccount
from worker.domain.errors import ListingChanged
from worker.recon.context import RunContext
from worker.recon.examine import examine, expressions
from worker.recon.seen import Hashes, SeenIndex, hash_uids, pack, unpack
from worker.recon.spoilt import Odd, examine_the_rest, hashes_of, is_protected
from worker.recon.steps import Steps
from worker.store.runs import Checkpoint, Progress

#: How often a target may say that its listing must begin again before the run fails.
MOST_RESTARTS = 3

#: So many accounts are hashed before others get a turn: the database answers, and waits for the next question.
HASHED_AT_ONCE = 250


@dataclass(slots=True)
class Listed:
    """What the listing of a run, or of a part of it, has come to. ``is_ended``: its last page said that it is the last.

    ``pages`` is the number of the next one.
    """

    index: SeenIndex
    span: Span | None = None
    pages: int = 0
    token: str | None = None
    is_over: bool = False
    is_ended: bool = False
    total: int | None = None


@dataclass(frozen=True, slots=True)
class _Fetched:
    """A page as it was read, and its accounts by uid."""

    page: Page
    read_at: datetime
    objects: dict[str, TargetAccount]

    @property
    def end(self) -> str | None:
        """Where the listing goes on."""
        return None if self.page.is_last else self.page.next_token

    @property
    def is_end(self) -> bool:
        return self.end is None


@dataclass(frozen=True, slots=True)
class _Looked:
    """What a page comes to: who in it is judged, and what is noted with that."""

    judged: dict[str, TargetAccount]
    read_at: datetime
    progress: Progress
    checkpoint: Checkpoint


def take_up(listed: Listed, checkpoints: Sequence[Checkpoint]) -> None:
    """Go on behind these pages."""
    index = listed.index
    for checkpoint in checkpoints:
        index.mark(unpack(checkpoint.seen))
        listed.pages = checkpoint.page + 1
        listed.total = checkpoint.total if checkpoint.total is not None else listed.total
    if checkpoints:
        last = checkpoints[-1]
        listed.token, listed.is_ended = last.next_token, last.is_last
        listed.is_over = last.next_token is None


async def run_listing(steps: Steps, context: RunContext, listed: Listed) -> None:
    """List from where it stopped to the end; ``listed`` holds the result."""
    restarts = 0
    while not listed.is_over:
        try:
            await _list(steps, context, listed)
        except ListingChanged:
            restarts += 1
            if restarts > MOST_RESTARTS:
                raise
            listed.token = None  # what was seen stays seen: a page that comes again is not judged twice


async def note_start(steps: Steps, context: RunContext, listed: Listed) -> None:
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


async def _list(steps: Steps, context: RunContext, listed: Listed) -> None:
    """From the token to the end of the listing."""
    writing: asyncio.Task[None] | None = None
    ahead = asyncio.create_task(_fetch(steps, context, listed.span, listed.token, behind=None))
    try:
        while True:
            fetched = await _arrived(ahead, writing)
            if not fetched.is_end:
                ahead = asyncio.create_task(_fetch(steps, context, listed.span, fetched.end, behind=writing))
            uids, contents = await _hashed(context, fetched.objects)
            if writing is not None:
                await writing
            looked = _look_at(context, listed, fetched, uids, contents)
            is_end = fetched.is_end
            del fetched  # a page is large, and what has not changed in it is of no more use
            writing = asyncio.create_task(_write(steps, context, looked))
            if is_end:
                await writing
                return
    finally:
        await _drop(ahead, writing)


async def _fetch(
    steps: Steps, context: RunContext, span: Span | None, token: str | None, *, behind: "asyncio.Task[None] | None"
) -> _Fetched:
    """The page at the token, once ``behind`` is written."""
    if behind is not None:
        await asyncio.wait([behind])
        behind.result()
    guard, place = context.view.guard, context.place
    read_at = context.database_time(datetime.now(UTC))
    page = await steps.patiently(context, lambda: guard.search(place.object_class, token=token, span=span))
    return _Fetched(page, read_at, {each.uid: each for each in page.accounts if each.uid})


async def _arrived(ahead: "asyncio.Task[_Fetched]", writing: "asyncio.Task[None] | None") -> _Fetched:
    """The page; when it cannot be had, what came before it is written down and people are heeded first."""
    try:
        return await ahead
    except Exception:
        if writing is not None:
            await writing
        raise


async def _hashed(context: RunContext, objects: dict[str, TargetAccount]) -> tuple[Hashes, npt.NDArray[np.int64]]:
    """Hashes of the uids and the contents of a page, with a look at what has been answered meanwhile in between."""
    seen = list(objects.values())
    contents = []
    for at in range(0, len(seen), HASHED_AT_ONCE):
        contents.append(hashes_of(context.view, seen[at : at + HASHED_AT_ONCE]))
        await asyncio.sleep(0)
    return hash_uids(objects), np.concatenate(contents) if contents else np.zeros(0, dtype=np.int64)


def _look_at(
    context: RunContext, listed: Listed, fetched: _Fetched, uids: Hashes, contents: npt.NDArray[np.int64]
) -> _Looked:
    """What of a page must be judged, and where the listing is when that is written."""
    page, view = fetched.page, context.view
    is_first, is_settled = listed.index.examine(uids, contents)
    seen = list(fetched.objects.values())
    doubtful = [seen[at] for at in np.flatnonzero(is_first & ~is_settled)]
    judged = {each.uid: each for each in doubtful if not is_protected(view, each)}
    checkpoint = Checkpoint(listed.pages, fetched.end, page.is_last, pack(uids[is_first]), page.total)
    tally = {"protected": len(doubtful) - len(judged)} if len(judged) < len(doubtful) else {}
    listed.index.mark(uids)
    listed.pages += 1
    listed.token, listed.is_over, listed.is_ended = fetched.end, fetched.is_end, page.is_last
    listed.total = page.total if page.total is not None else listed.total
    progress = Progress(processed=int(np.count_nonzero(is_first)), total=page.total, tally=tally)
    return _Looked(judged, fetched.read_at, progress, checkpoint)


async def _write(steps: Steps, context: RunContext, looked: _Looked) -> None:
    """Judge and write down, in one transaction; whoever cannot be judged is left out of it."""
    judged, read_at = looked.judged, looked.read_at
    computed = await expressions(steps, context, judged, read_at=read_at)
    calls = context.calls
    try:
        async with steps.step(context, looked.progress, checkpoint=looked.checkpoint) as conn:
            if judged:
                await examine(conn, context, judged, read_at=read_at, computed=computed)
    except Odd as failure:  # the page once more, without the one that it failed for
        context.calls += calls
        async with steps.step(context, looked.progress, checkpoint=looked.checkpoint) as conn:
            await examine_the_rest(conn, context, judged, read_at=read_at, computed=computed, failure=failure)


async def _drop(*tasks: "asyncio.Task[Any] | None") -> None:
    """Nobody wants any more what these come to, nor why they failed."""
    for each in tasks:
        if each is not None and not each.done():
            each.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await each
        elif each is not None and not each.cancelled():
            each.exception()
