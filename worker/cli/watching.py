"""Follows a run: a bar with pages, rate, findings and the time that is left, on a terminal; elsewhere nothing."""

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from uuid import UUID

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from worker.cli import output
from worker.cli.arguments import RUN
from worker.cli.context import Desk
from worker.domain.errors import NotFound
from worker.domain.run import Run, RunStatus
from worker.store import run_history, runs
from worker.store.tenant import tenant

LOOK_S = 0.5
#: The rate is that of so many seconds.
_WINDOW_S = 10.0
_MINUTE, _HOUR = 60, 3600
_PHASES = {
    "listing": "listing",
    "owners": "finding owners",
    "conclusion": "concluding",
    "remediation": "repairing",
}


@dataclass(slots=True)
class Pace:
    """How fast something grows, by what it was at each look."""

    _looks: deque[tuple[float, int]] = field(default_factory=deque)

    def rate(self, done: int, *, now: float) -> float | None:
        """Note that so many are done at ``now``; how many a second, None while that is not known."""
        self._looks.append((now, done))
        while len(self._looks) > 2 and now - self._looks[1][0] >= _WINDOW_S:
            self._looks.popleft()
        (_, before), seconds = self._looks[0], now - self._looks[0][0]
        return (done - before) / seconds if seconds > 0 and done >= before else None


def told(run: Run, *, pages: int, rate: float | None) -> str:
    """What a run is at, in a line."""
    known = total_of(run)
    parts = [f"page {pages:,}"] if pages else []
    parts.append(f"{run.accounts_processed:,}{f' of {known:,}' if known else ''} accounts")
    if rate:
        parts.append(f"{rate:,.0f}/s")
    parts.append(f"{run.discrepancies_found:,} findings")
    if run.items_total:
        parts.append(f"{run.items_success:,} of {run.items_total:,} repairs")
    left = left_s(run, rate=rate)
    if left is not None:
        parts.append(f"{spelt(left)} left")
    return ", ".join(parts)


def total_of(run: Run) -> int | None:
    """How many accounts there are, as the target says, or as we know them."""
    known = run.accounts_total or run.statistics.get("known")
    return max(int(known), run.accounts_processed) if known else None


def left_s(run: Run, *, rate: float | None) -> float | None:
    """Seconds until everything is listed, at this rate; None while nobody can tell, or when that is over."""
    total = total_of(run)
    if run.phase != "listing" or not rate or total is None:
        return None
    return (total - run.accounts_processed) / rate


def spelt(seconds: float) -> str:
    """Seconds as a person says them."""
    if seconds < _MINUTE:
        return f"about {max(round(seconds), 1)} s"
    if seconds < _HOUR:
        return f"about {round(seconds / _MINUTE)} min"
    return f"about {seconds / _HOUR:.1f} h"


class RunBar:
    """A bar on standard error, where that is a terminal."""

    def __init__(self, console: Console | None = None) -> None:
        shown = console or output.errors
        columns = (TextColumn("{task.description}"), BarColumn(bar_width=20), TaskProgressColumn())
        self._bar = Progress(*columns, TextColumn("{task.fields[told]}"), console=shown, disable=not shown.is_terminal)
        self._task = self._bar.add_task("waiting for a daemon", total=None, told="")
        self._pace = Pace()

    def show(self, run: Run, *, pages: int, now: float) -> None:
        """Show where a run is."""
        if run.status is RunStatus.PENDING:
            return
        self._bar.start()
        line = told(run, pages=pages, rate=self._pace.rate(run.accounts_processed, now=now))
        self._bar.update(
            self._task,
            description=_PHASES.get(run.phase, run.phase),
            total=total_of(run),
            completed=run.accounts_processed,
            told=line,
        )

    def end(self) -> None:
        """Leave the bar as it is."""
        self._bar.stop()


async def end_of(desk: Desk, run_id: UUID) -> Run:
    """The run when it is over or put down; raises NotFound."""
    bar = RunBar()
    try:
        while (run := await the_run(desk, run_id)).status in {RunStatus.PENDING, RunStatus.RUNNING}:
            async with tenant(desk.house.pool, desk.tenant_id) as conn:
                pages = await run_history.pages(conn, tenant_id=desk.tenant_id, run_id=run_id)
            bar.show(run, pages=pages, now=time.monotonic())
            await asyncio.sleep(LOOK_S)
    finally:
        bar.end()
    return run


async def the_run(desk: Desk, run_id: UUID) -> Run:
    """A run by its id; raises NotFound."""
    async with tenant(desk.house.pool, desk.tenant_id) as conn:
        run = await runs.get(conn, tenant_id=desk.tenant_id, run_id=run_id)
    if run is None:
        raise NotFound(f"There is no run {run_id}: {RUN.advice}")
    return run
