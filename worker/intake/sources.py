"""Import runs: a source is read page by page into identities.

A page is one transaction: people, the source's account rows, what is to be planned, the counts and the checkpoint. At
the end come the rows that were not seen: their people become inactive, unless the listing cannot be trusted; then the
run waits for a person who has been shown whom it would hit.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol
from uuid import UUID

import structlog

from worker.connectors import ConnectorGuard, Page
from worker.domain.away import is_away
from worker.domain.connector import Connector
from worker.domain.errors import ConnectorError, LeaseLost, ListingChanged, NotFound, SettingsError, TransientError
from worker.domain.run import PauseReason, Run, RunStatus
from worker.intake.form import ImportForm, Unreadable, form_of
from worker.intake.leaving import Leaving, Listed
from worker.intake.rows import Into, PageResult, Raced, import_rows, importable
from worker.intake.seen import SeenKeys
from worker.safeguard import DEFAULT_LIMITS, SafeguardLimits
from worker.store import connectors, plan_items, run_waits, runs, tenant
from worker.store.pool import Connection, Pool
from worker.store.runs import Checkpoint, Progress, Requests
from worker.store.source_accounts import Source
from worker.telemetry import metrics

log = structlog.get_logger(__name__)

#: Errors shown with a run; all are counted.
SHOWN_ERRORS = 20
#: Seconds before a page is asked for again; after the last one the run fails.
RETRY_PAGE_AFTER = (1.0, 5.0, 15.0)
RACES = 3
#: How often a source may say that its listing must begin again before the run fails; and the fact that counts it.
MOST_RESTARTS = 3
RESTARTS = "restarts"


class SourceTarget(Protocol):
    """A connector with its guard."""

    @property
    def connector(self) -> Connector: ...
    @property
    def guard(self) -> ConnectorGuard: ...


class Sources(Protocol):
    """Where connectors with their guards are had: ``worker.connectors.Targets``."""

    async def get(self, tenant_id: UUID, connector_id: UUID) -> SourceTarget: ...


@dataclass(slots=True)
class Reading:
    """An import on its way."""

    run: Run
    connector: Connector
    guard: ConnectorGuard
    form: ImportForm
    seen: SeenKeys = field(default_factory=SeenKeys)
    page: int = 0
    token: str | None = None
    rows: int = 0
    total: int | None = None
    is_listed: bool = False
    is_ended: bool = False
    restarts: int = 0
    shown: list[dict[str, str]] = field(default_factory=list)

    def show(self, errors: Sequence[Unreadable]) -> None:
        """Keep the first errors for people to see."""
        found = [{"uid": _printable(each.uid[:200]), "message": each.message} for each in errors]
        self.shown = [*self.shown, *(each for each in found if each not in self.shown)][:SHOWN_ERRORS]

    @property
    def source(self) -> Source:
        return Source(self.run.tenant_id, self.connector.id, self.connector.object_class)

    def pass_by(self, checkpoint: Checkpoint) -> None:
        """Go on behind this page; one without a way on is the last, whether it says so or not."""
        self.page, self.token, self.total = checkpoint.page + 1, checkpoint.next_token, checkpoint.total
        self.is_ended = checkpoint.is_last
        self.is_listed = checkpoint.is_last or checkpoint.next_token is None


class Importer:
    """Takes import runs to their end, or to where somebody must decide; see ``worker.domain.run.RunProcessor``."""

    def __init__(
        self,
        pool: Pool,
        *,
        sources: Sources,
        is_stopping: Callable[[], bool] = lambda: False,
        retry_page_after: Sequence[float] = RETRY_PAGE_AFTER,
        limits: SafeguardLimits = DEFAULT_LIMITS,
    ) -> None:
        self._pool = pool
        self._sources = sources
        self._is_stopping = is_stopping
        self._retry_page_after = tuple(retry_page_after)
        self._limits = limits

    async def process(self, run: Run) -> None:
        """Go on with a claimed run. Raises LeaseLost, having written nothing, when another process has it now."""
        try:
            reading = await self._open(run)
            if await self._list(reading):
                leaving = Leaving(self._pool, run, source=reading.source, seen=reading.seen, limits=self._limits)
                await leaving.conclude(Listed(reading.rows, reading.total, reading.is_ended))
        except (LeaseLost, Raced, *runs.Interrupted):  # the next round goes on from the last page
            raise
        except (ConnectorError, SettingsError, NotFound) as error:
            await self._give_up(run, error)
        except Exception:
            # What nobody foresaw would meet the next try as well, and the one after it, for ever.
            await self._fail(run, "An error in provisiond; see its log.")
            raise
        await self._observe(run)

    async def _open(self, run: Run) -> Reading:
        found = await self._sources.get(run.tenant_id, run.connector_id)
        reading = Reading(run, found.connector, found.guard, form_of(found.connector))
        reading.shown, reading.rows = list(run.statistics.get("errors", [])), run.accounts_processed
        reading.restarts = run.statistics.get(RESTARTS, 0)
        async with tenant.tenant(self._pool, run.tenant_id) as conn:
            await plan_items.ask_if_outranked(conn, tenant_id=run.tenant_id)
            for checkpoint in await runs.checkpoints(conn, run):
                reading.seen.restore(checkpoint.seen)
                reading.pass_by(checkpoint)
        return reading

    async def _list(self, reading: Reading) -> bool:
        """Read what is left of the source; False when somebody asked to stop on the way."""
        while not reading.is_listed:
            if self._is_stopping():
                await self._pause(reading.run, PauseReason.SHUTDOWN)
                return False
            try:
                requests = await self._next_page(reading)
            except ListingChanged:
                await self._begin_again(reading)
                continue
            if requests.cancel:
                await self._end(reading.run, RunStatus.CANCELLED)
                return False
            if requests.pause and not reading.is_listed:
                await self._pause(reading.run, PauseReason.PERSON)
                return False
        return True

    async def _next_page(self, reading: Reading) -> Requests:
        page = await self._ask(reading)
        repeated, packed = reading.seen.add(account.uid for account in page.accounts)
        checkpoint = Checkpoint(reading.page, page.next_token, page.is_last, packed, page.total)
        requests = await self._keep(reading, page, repeated, checkpoint)
        reading.rows += repeated.count(False)
        reading.pass_by(checkpoint)
        return requests

    async def _begin_again(self, reading: Reading) -> None:
        """List from the beginning, as the source wishes; a row that was seen stays seen, and is not taken twice."""
        reading.restarts += 1
        if reading.restarts > MOST_RESTARTS:
            raise ListingChanged
        async with tenant.tenant(self._pool, reading.run.tenant_id) as conn:
            await runs.advance(conn, reading.run, Progress(facts={RESTARTS: reading.restarts}))
        reading.token = None

    async def _ask(self, reading: Reading) -> Page:
        """One page; what only needs a moment is asked for again, a listing that broke off is not."""
        for delay in (*self._retry_page_after, None):
            try:
                return await reading.guard.search(reading.connector.object_class, token=reading.token)
            except (ListingChanged, LeaseLost):
                raise
            except TransientError as error:
                if delay is None:
                    raise
                log.info("import.page_retried", run_id=str(reading.run.id), error_code=error.code)
                await asyncio.sleep(delay)
        raise AssertionError("the last round returns or raises")

    async def _keep(self, reading: Reading, page: Page, repeated: list[bool], checkpoint: Checkpoint) -> Requests:
        for _ in range(RACES - 1):
            try:
                return await self._write(reading, page, repeated, checkpoint)
            except Raced:
                continue
        return await self._write(reading, page, repeated, checkpoint)

    async def _write(self, reading: Reading, page: Page, repeated: list[bool], checkpoint: Checkpoint) -> Requests:
        run = reading.run
        if reading.restarts:
            page, repeated = _new_in(page, repeated), [False] * repeated.count(False)
        accounts, errors = importable(page.accounts, repeated)
        into = Into(run, reading.source, reading.form, reading.seen)
        async with tenant.tenant(self._pool, run.tenant_id, is_growing=True) as conn:
            result = await import_rows(conn, into, accounts)
            result.errors += errors
            result.total = len(repeated)
            reading.show(result.errors)
            noted = replace(checkpoint, seen=checkpoint.seen + result.claimed)
            requests = await _note(conn, reading, result, noted, rows=repeated.count(False))
        metrics.recon_accounts_total.labels(reading.connector.name).inc(result.total)
        for what, count in result.tally().items():
            metrics.identities_total.labels(what).inc(count)
        return requests

    async def _observe(self, run: Run) -> None:
        """Count the run if it is over."""
        async with tenant.tenant(self._pool, run.tenant_id) as conn:
            ended = await runs.get(conn, tenant_id=run.tenant_id, run_id=run.id)
            connector = await connectors.get(conn, tenant_id=run.tenant_id, connector_id=run.connector_id)
        if ended is None or ended.status.is_live or connector is None:
            return
        kind = ended.kind.value
        metrics.recon_runs_total.labels(connector.name, kind, ended.mode.value, ended.status.value).inc()
        if ended.status is RunStatus.COMPLETED:
            metrics.last_success_timestamp.labels(connector.name, kind).set_to_current_time()

    async def _pause(self, run: Run, reason: PauseReason) -> None:
        async with tenant.tenant(self._pool, run.tenant_id) as conn:
            await runs.pause(conn, run, reason=reason)

    async def _end(self, run: Run, status: RunStatus) -> None:
        async with tenant.tenant(self._pool, run.tenant_id) as conn:
            await runs.finish(conn, run, status=status)

    async def _give_up(self, run: Run, error: Exception) -> None:
        """A source that may come back is waited for; else the run says why it cannot be read, and is over."""
        if not isinstance(error, ConnectorError) or not is_away(error):
            await self._fail(run, str(error))
            return
        async with tenant.tenant(self._pool, run.tenant_id) as conn:
            left = await run_waits.wait_for_target(conn, run, error)
        log.warning("import.waits", run_id=str(run.id), status=str(left.status), reason=str(error))

    async def _fail(self, run: Run, message: str) -> None:
        """A source that cannot be read removes nobody: the run says why and is over."""
        log.warning("import.failed", run_id=str(run.id), connector_id=str(run.connector_id))
        async with tenant.tenant(self._pool, run.tenant_id) as conn:
            await runs.finish(conn, run, status=RunStatus.FAILED, error_message=message, listing_complete=False)


def _new_in(page: Page, repeated: Sequence[bool]) -> Page:
    """What of a page has not come before: of a listing that began again most has, and that is no mistake."""
    return replace(page, accounts=tuple(a for a, is_old in zip(page.accounts, repeated, strict=True) if not is_old))


def _printable(text: str) -> str:
    """What made a key unfit to be kept must not be kept with its error."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


async def _note(
    conn: Connection, reading: Reading, result: PageResult, checkpoint: Checkpoint, *, rows: int
) -> Requests:
    """Counts and checkpoint, ``rows`` being new ones; a run that is not ours any more undoes the page."""
    facts: dict[str, Any] = {"errors": reading.shown} if result.errors else {}
    requests = await runs.advance(
        conn,
        reading.run,
        Progress(processed=rows, total=checkpoint.total, tally=result.tally(), facts=facts),
        checkpoint=checkpoint,
    )
    await runs.tally_items(
        conn,
        reading.run,
        total=result.total,
        success=result.total - len(result.errors),
        error=len(result.errors),
    )
    return requests
