"""Brings a target and our records together: a run from its claim to its end.

    listing ──► owners ──► conclusion ──► remediation          full
    changes ────────────────────────────► remediation          delta

A run may be killed, paused or taken over between any two transactions; whoever goes on does so from the last one. It
never changes a target: what is to be changed there goes through the queue.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

import structlog

from worker.correlation import Asker
from worker.domain.away import is_away
from worker.domain.discrepancy import DiscrepancyType, Resolution
from worker.domain.errors import ConnectorError, LeaseLost, ProvisioningError, WrongState
from worker.domain.run import PauseReason, Run, RunMode, RunStatus
from worker.mapping import Evaluator
from worker.planning import Acceptance
from worker.recon.conclude import release, run_conclusion
from worker.recon.context import RunContext, TargetSource, view_of
from worker.recon.delta import run_delta
from worker.recon.looks import Look, look_at
from worker.recon.missed import run_missed
from worker.recon.owners import run_owners
from worker.recon.policy import run_policy, wait_for_approval
from worker.recon.proposals import Wish
from worker.recon.ranges import lend_a_hand, list_all, load
from worker.recon.remediate import Remediation, Repaired
from worker.recon.steps import Steps, Stop
from worker.safeguard import DEFAULT_LIMITS, SafeguardLimits
from worker.store import discrepancies, plan_items, run_waits, runs
from worker.store.pool import Pool
from worker.store.runs import Progress
from worker.store.tenant import tenant
from worker.telemetry import metrics

log = structlog.get_logger()

LISTING, OWNERS, CONCLUSION, REMEDIATION = "listing", "owners", "conclusion", "remediation"

#: How often a run is taken up again after the database went away under it.
MOST_INTERRUPTIONS = 20
AFTER_INTERRUPTION_S = 1.0


class ReconciliationEngine:
    """Processes claimed runs. ``stop`` is set when this process drains: runs are put down at their next step.

    ``evaluator`` computes the expressions of mappings, ``asker`` asks hooks and expressions whose accounts are.
    """

    def __init__(
        self,
        pool: Pool,
        targets: TargetSource,
        acceptance: Acceptance,
        *,
        stop: asyncio.Event | None = None,
        limits: SafeguardLimits = DEFAULT_LIMITS,
        evaluator: Evaluator | None = None,
        asker: Asker | None = None,
    ) -> None:
        self._pool = pool
        self._targets = targets
        self._remediation = Remediation(acceptance)
        self._steps = Steps(pool, stop or asyncio.Event(), limits, evaluator, asker)

    async def process(self, run: Run) -> None:
        """Take a claimed run to its end, or to where somebody must decide; see ``run``."""
        await self.run(run)

    async def run(self, run: Run) -> Run | None:
        """The run as it is left: completed, failed, cancelled or paused; None when another process has it now.

        What a target refuses fails the run, in words. What nobody foresaw fails it too, and is raised.
        """
        try:
            return await self._to_the_end(run)
        except LeaseLost:
            log.warning("reconciliation.lost", run_id=str(run.id), tenant_id=str(run.tenant_id))
            return None

    async def help(self, tenant_id: UUID, run_id: UUID, *, owner: UUID) -> None:
        """List ranges of a run that another process leads, until none is free or somebody asks for a stop."""
        with suppress(Stop, LeaseLost):
            await lend_a_hand(self._steps, self._targets, tenant_id=tenant_id, run_id=run_id, owner=owner)

    async def preview(self, tenant_id: UUID, connector_id: UUID, wishes: Sequence[Wish]) -> tuple[Repaired, ...]:
        """What these repairs would change, before and after; nothing is written."""
        async with tenant(self._pool, tenant_id) as conn:
            return await self._remediation.preview(conn, tenant_id=tenant_id, connector_id=connector_id, wishes=wishes)

    async def look(self, tenant_id: UUID, account_id: UUID) -> Look:
        """Both sides of one account, its target read at this moment; raises NotFound."""
        return await look_at(self._pool, self._targets, tenant_id=tenant_id, account_id=account_id)

    async def _to_the_end(self, run: Run) -> Run:
        for attempt in range(MOST_INTERRUPTIONS):
            try:
                if attempt:
                    run = await self._renewed(run)
                return await self._attempt(run)
            except runs.Interrupted:
                if attempt == MOST_INTERRUPTIONS - 1 or self._steps.stop.is_set():
                    raise
                await asyncio.sleep(AFTER_INTERRUPTION_S)
        raise AssertionError("unreachable")

    async def _renewed(self, run: Run) -> Run:
        """The run as its last transaction left it; raises LeaseLost when it is not ours any more."""
        async with tenant(self._pool, run.tenant_id) as conn:
            found = await runs.get(conn, tenant_id=run.tenant_id, run_id=run.id)
        if found is None or (found.owner, found.epoch) != (run.owner, run.epoch):
            raise LeaseLost("Another process has taken this run over.", run_id=str(run.id))
        return found

    async def _attempt(self, run: Run) -> Run:
        started = time.monotonic()
        context: RunContext | None = None
        try:
            context = await self._open(run)
            await self._phases(context)
        except Stop as stop:
            return await self._put_down(run, stop)
        except (LeaseLost, *runs.Interrupted):
            raise
        except ConnectorError as error:
            if run.only is None and is_away(error):
                return await self._wait(run, context, error)
            return await self._end(run, RunStatus.FAILED, context, started, error=str(error))
        except ProvisioningError as error:
            return await self._end(run, RunStatus.FAILED, context, started, error=str(error))
        except Exception:
            await self._end(run, RunStatus.FAILED, context, started, error="An error in provisiond; see its log.")
            raise
        return await self._end(run, RunStatus.COMPLETED, context, started)

    async def _open(self, run: Run) -> RunContext:
        view = await view_of(self._pool, self._targets, tenant_id=run.tenant_id, connector_id=run.connector_id)
        if view.connector.closed_because:
            raise WrongState(view.connector.closed_because)
        async with tenant(self._pool, run.tenant_id) as conn:
            ahead = await runs.now(conn) - datetime.now(UTC)
            if not run.dry_run:
                await plan_items.ask_if_outranked(conn, tenant_id=run.tenant_id)
        # Too little by the way back of the answer: so a moment never seems later on the database than it is.
        context = RunContext(run, view, clock_ahead=ahead)
        async with self._steps.step(context):
            pass  # a stop that was asked for before we came
        return context

    async def _phases(self, context: RunContext) -> None:
        run = context.run
        if run.phase != REMEDIATION:
            since = await self._since(run)
            if run.mode is RunMode.DELTA and (run.only or since is not None):
                await run_delta(self._steps, context, since=None if run.only else since)
            else:
                await self._full(context)
            await self._enter(context, REMEDIATION)
        await run_policy(self._steps, context, self._remediation)
        await release(self._steps, context)
        await wait_for_approval(self._steps, context)

    async def _full(self, context: RunContext) -> None:
        listed = await load(self._steps, context)
        if context.run.phase == LISTING:
            await list_all(self._steps, context, listed)
            await self._enter(context, OWNERS)
        if context.run.phase in {LISTING, OWNERS}:
            await run_owners(self._steps, context, seen=listed.index)
            await self._enter(context, CONCLUSION)
        await run_conclusion(self._steps, context, listed)
        await run_missed(self._steps, context)

    async def _since(self, run: Run) -> datetime | None:
        """When the last good run began; without one a delta has nothing to start from and becomes a full run."""
        if run.mode is not RunMode.DELTA:
            return None
        async with tenant(self._pool, run.tenant_id) as conn:
            before = await runs.last_good(conn, run)
        return before.started_at if before else None

    async def _enter(self, context: RunContext, phase: str) -> None:
        """Go on to this phase, and add what the one before took to the run's statistics."""
        now = time.monotonic()
        took = {f"{context.phase}_ms": round(1000 * (now - context.entered))}
        async with self._steps.step(context, Progress(phase=phase, tally=took)):
            context.phase, context.entered = phase, now

    async def _put_down(self, run: Run, stop: Stop) -> Run:
        if stop.is_noted:
            return await self._renewed_as_is(run)
        async with tenant(self._pool, run.tenant_id) as conn:
            if stop.reason is None:
                ended = await runs.finish(conn, run, status=RunStatus.CANCELLED)
            else:
                ended = await runs.pause(conn, run, reason=stop.reason)
        log.info("reconciliation.put_down", run_id=str(run.id), status=str(ended.status), reason=ended.pause_reason)
        return ended

    async def _wait(self, run: Run, context: RunContext | None, error: ConnectorError) -> Run:
        """Put the run down until its target may be back; who asked for single accounts is told at once instead."""
        async with tenant(self._pool, run.tenant_id) as conn:
            if context is not None and context.calls:
                await runs.advance(conn, run, Progress(tally=context.take_calls()))
            left = await run_waits.wait_for_target(conn, run, error)
        log.warning("reconciliation.waits", run_id=str(run.id), status=str(left.status), reason=str(error))
        return left

    async def _renewed_as_is(self, run: Run) -> Run:
        async with tenant(self._pool, run.tenant_id) as conn:
            found = await runs.get(conn, tenant_id=run.tenant_id, run_id=run.id)
        log.info("reconciliation.put_down", run_id=str(run.id), reason=str(PauseReason.SAFEGUARD))
        return found or run

    async def _end(
        self, run: Run, status: RunStatus, context: RunContext | None, started: float, *, error: str | None = None
    ) -> Run:
        async with tenant(self._pool, run.tenant_id) as conn:
            if context is not None and context.calls:
                await runs.advance(conn, run, Progress(tally=context.take_calls()))
            ended = await runs.finish(conn, run, status=status, error_message=error)
            found = await discrepancies.counts(conn, tenant_id=run.tenant_id, connector_id=run.connector_id)
        took = time.monotonic() - started
        name = context.view.connector.name if context else str(run.connector_id)
        metrics.recon_runs_total.labels(name, str(run.kind), str(run.mode), str(status)).inc()
        metrics.recon_accounts_total.labels(name).inc(max(0, ended.accounts_processed - run.accounts_processed))
        metrics.recon_run_seconds.labels(name, str(run.kind)).observe(took)
        for kind in DiscrepancyType:
            metrics.discrepancies.labels(name, str(kind)).set(found.get((kind, Resolution.PENDING), 0))
        if status is RunStatus.COMPLETED and run.only is None:
            metrics.last_success_timestamp.labels(name, str(run.kind)).set_to_current_time()
        log.info(
            "reconciliation.finished",
            run_id=str(run.id),
            tenant_id=str(run.tenant_id),
            correlation_id=str(run.correlation_id),
            connector=name,
            status=str(status),
            accounts=ended.accounts_processed,
            found=ended.discrepancies_found,
            took=round(took, 3),
        )
        return ended
