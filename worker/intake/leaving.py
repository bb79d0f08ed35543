"""The end of an import: who is no longer in the source, and whether that may be believed."""

from dataclasses import dataclass
from uuid import UUID

import structlog

from worker.domain.operation import Origin
from worker.domain.run import PauseReason, Run, RunStatus
from worker.intake.seen import SeenKeys
from worker.safeguard import Listing, SafeguardLimits, judge
from worker.store import identities, plan_items, runs, safeguard, source_accounts, tenant
from worker.store.pool import Pool
from worker.store.runs import Progress
from worker.store.source_accounts import KnownRow, Source

log = structlog.get_logger(__name__)

#: Rows looked at, or buried, in one transaction.
PAGE = 2000


@dataclass(frozen=True, slots=True)
class Listed:
    """What a listing showed: how many rows, what the source says it has, whether its end was marked."""

    rows: int
    total: int | None
    is_ended: bool


@dataclass(slots=True)
class Census:
    """Rows known before this run, those of them not seen, and the first of those."""

    known: int = 0
    lost: int = 0
    sample: tuple[UUID, ...] = ()

    def add(self, rows: list[KnownRow], missing: list[bool]) -> None:
        self.known += sum(not row.is_new for row in rows)
        gone = [row.id for row, is_missing in zip(rows, missing, strict=True) if is_missing]
        self.lost += len(gone)
        self.sample = (*self.sample, *gone)[: safeguard.SAMPLE]


class Leaving:
    """Concludes one import whose listing is over."""

    def __init__(self, pool: Pool, run: Run, *, source: Source, seen: SeenKeys, limits: SafeguardLimits) -> None:
        self._pool = pool
        self._run = run
        self._source = source
        self._seen = seen
        self._limits = limits

    async def conclude(self, listed: Listed) -> None:
        """Make those who left inactive and end the run, or put it down until a person has decided about them."""
        census = await self._count()
        reason = await self._doubt(listed, census)
        if reason is None or not census.lost:
            # what was held is none, though few are lost by now: most may have been buried before a restart
            await self._remove(is_complete=reason is None and self._run.listing_complete is not False)
            return
        match await self._decision():
            case "approved":
                await self._remove(is_complete=False)
            case "rejected" | "expired":
                await self._keep_everybody(census, reason)
            case _:
                await self._hold(census, reason)

    async def _count(self) -> Census:
        census = Census()
        after = ""
        while rows := await self._known(after):
            census.add(rows, self._seen.missing(row.uid for row in rows))
            after = rows[-1].uid
        return census

    async def _known(self, after: str) -> list[KnownRow]:
        async with tenant.tenant(self._pool, self._run.tenant_id) as conn:
            return await source_accounts.known(conn, self._source, after=after, limit=PAGE, run_id=self._run.id)

    async def _doubt(self, listed: Listed, census: Census) -> str | None:
        """Why this listing is not believed, if so."""
        async with tenant.tenant(self._pool, self._run.tenant_id) as conn:
            last = await runs.last_good(conn, self._run)
        verdict = judge(
            Listing(
                seen=listed.rows,
                is_ended=listed.is_ended,
                total=listed.total,
                known=census.known,
                lost=census.lost,
                last_seen=last.accounts_processed if last else None,
            ),
            self._limits,
        )
        return None if verdict.is_complete else verdict.reason

    async def _decision(self) -> str | None:
        if self._run.approval_id is None:
            return None
        async with tenant.tenant(self._pool, self._run.tenant_id) as conn:
            found = await safeguard.approval(conn, tenant_id=self._run.tenant_id, approval_id=self._run.approval_id)
        return str(found["status"]) if found else None

    async def _remove(self, *, is_complete: bool) -> None:
        """Page by page, each in its own transaction; a second process that goes on finds what is left."""
        after = ""
        while rows := await self._known(after):
            missing = self._seen.missing(row.uid for row in rows)
            gone = [row.id for row, is_missing in zip(rows, missing, strict=True) if is_missing]
            if gone and await self._bury(gone):
                await self._finish(RunStatus.CANCELLED, is_complete=is_complete)
                return
            after = rows[-1].uid
        await self._finish(RunStatus.COMPLETED, is_complete=is_complete)

    async def _bury(self, gone: list[UUID]) -> bool:
        """Whether somebody asked to cancel."""
        run = self._run
        async with tenant.tenant(self._pool, run.tenant_id) as conn:
            requests = await runs.advance(conn, run, Progress(phase="conclude", tally={"vanished": len(gone)}))
            if not run.dry_run:
                left = await source_accounts.bury(conn, self._source, ids=gone, run_id=run.id)
                moved = await identities.deactivate(conn, tenant_id=run.tenant_id, ids=left)
                await plan_items.ask(
                    conn,
                    tenant_id=run.tenant_id,
                    identity_ids=moved,
                    origin=Origin.SOURCE,
                    run_id=run.id,
                    correlation_ids=[run.correlation_id] * len(moved),
                )
        return requests.cancel

    async def _hold(self, census: Census, reason: str) -> None:
        run = self._run
        async with tenant.tenant(self._pool, run.tenant_id) as conn:
            await runs.advance(conn, run, Progress(phase="conclude", facts={"doubt": reason}))
            shown = await source_accounts.names(conn, tenant_id=run.tenant_id, ids=census.sample)
            held = safeguard.Held(
                connector_id=run.connector_id,
                kind="incomplete_source",
                count=census.lost,
                sample=[{"what": "deactivate", "who": row["user_name"], "uid": row["uid"]} for row in shown],
                reason=f"{reason} Nobody was made inactive; approve only if these people have really left.",
                run_id=run.id,
            )
            approval_id = await safeguard.hold(conn, held, tenant_id=run.tenant_id)
            await runs.pause(conn, run, reason=PauseReason.SAFEGUARD, approval_id=approval_id, listing_complete=False)
        log.warning("import.held", run_id=str(run.id), held=census.lost)

    async def _keep_everybody(self, census: Census, reason: str) -> None:
        async with tenant.tenant(self._pool, self._run.tenant_id) as conn:
            facts = {"doubt": reason, "kept": census.lost}
            await runs.advance(conn, self._run, Progress(phase="conclude", facts=facts))
        await self._finish(RunStatus.COMPLETED, is_complete=False)

    async def _finish(self, status: RunStatus, *, is_complete: bool) -> None:
        async with tenant.tenant(self._pool, self._run.tenant_id) as conn:
            ended = await runs.finish(conn, self._run, status=status, listing_complete=is_complete)
        log.info(
            "import.finished",
            run_id=str(ended.id),
            connector_id=str(ended.connector_id),
            status=ended.status.value,
            items_error=ended.items_error,
        )
