"""Follows a run: a bar with pages, rate, findings and the time that is left, on a terminal; elsewhere nothing."""

import asyncio
from uuid import UUID

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from worker import recon
from worker.cli import output
from worker.cli.arguments import RUN
from worker.cli.context import Desk
from worker.domain.errors import NotFound
from worker.domain.run import Run, RunStatus
from worker.store import run_history, runs
from worker.store.run_history import Listed
from worker.store.tenant import tenant

LOOK_S = 0.5
_MINUTE, _HOUR = 60, 3600
_PHASES = {
    "listing": "listing",
    "owners": "finding owners",
    "conclusion": "concluding",
    "remediation": "repairing",
}


def told(run: Run, listed: Listed) -> str:
    """What a run is at, in a line: its pace is that of the last minute."""
    pages, rate = listed.pages, recon.pace(run, listed)
    known = recon.expected(run)
    parts = [f"page {pages:,}"] if pages else []
    if (ranges := listed.ranges) is not None:
        parts.append(f"{ranges.done} of {ranges.total} ranges, {ranges.at_work} at work")
    parts.append(f"{run.accounts_processed:,}{f' of {known:,}' if known else ''} accounts")
    if rate:
        parts.append(f"{rate:,.0f}/s")
    parts.append(f"{run.discrepancies_found:,} findings")
    if run.items_total:
        parts.append(f"{run.items_success:,} of {run.items_total:,} repairs")
    left = recon.seconds_left(run, rate=rate)
    if left is not None:
        parts.append(f"{spelt(left)} left")
    return ", ".join(parts)


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

    def show(self, run: Run, listed: Listed) -> None:
        """Show where a run is."""
        if run.status is RunStatus.PENDING:
            return
        self._bar.start()
        self._bar.update(
            self._task,
            description=_PHASES.get(run.phase, run.phase),
            total=recon.expected(run),
            completed=run.accounts_processed,
            told=told(run, listed),
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
                listed = await run_history.listed(conn, tenant_id=desk.tenant_id, run_id=run_id)
            bar.show(run, listed)
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
