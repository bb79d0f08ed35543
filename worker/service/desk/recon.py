"""Views of runs and findings."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from worker import recon
from worker.actions.deltas import why_no_delta
from worker.actions.schedules import in_words
from worker.console import (
    DiscrepancyFilter,
    DiscrepancyPage,
    DiscrepancyRow,
    HoldView,
    ReconciliationView,
    RunDetail,
    RunRow,
    Slice,
    Suggestion,
)
from worker.domain.known import known
from worker.domain.operation import OperationStatus
from worker.domain.run import Only, Run, RunStatus
from worker.service.desk import approvals
from worker.service.desk.briefs import brief_of, change
from worker.service.desk.causes import cause_row
from worker.service.desk.slices import cut, ends_of
from worker.store import connectors, listings_findings, listings_runs, listings_targets, run_history, runs, schedules
from worker.store.listings_findings import FindingQuery
from worker.store.pool import Connection
from worker.store.run_history import Listed
from worker.store.sql import Record

_SAMPLE = 10
_TOP_CAUSES = 5


async def overview(conn: Connection, tenant_id: UUID, *, connector_id: UUID, part: Slice) -> ReconciliationView | None:
    """The runs of one connector."""
    found = await listings_targets.connectors(conn, tenant_id, connector_id=connector_id)
    if not found:
        return None
    ends = ends_of(part)
    rows = await listings_runs.page(
        conn, tenant_id, connector_id=connector_id, before=ends.before, after=ends.after, limit=ends.limit
    )
    shown, cursors = cut(rows, part)
    live = await listings_runs.page(conn, tenant_id, connector_id=connector_id, only_live=True, limit=1)
    connector = await connectors.get(conn, tenant_id=tenant_id, connector_id=connector_id)
    schedule = await schedules.of_connector(conn, tenant_id=tenant_id, connector_id=connector_id)
    is_on = schedule is not None and schedule.enabled
    findings = await listings_targets.open_findings(conn, tenant_id)
    return ReconciliationView(
        connector=brief_of(found[0]),
        runs=tuple(run_row(row) for row in shown),
        live=run_row(live[0]) if live else None,
        open_by_type=findings.get(connector_id, {}),
        schedule=in_words(schedule) if schedule is not None and is_on else None,
        next_run_at=schedule.next_run_at if schedule is not None and is_on else None,
        can_delta=connector is not None and why_no_delta(connector) is None,
        has_baseline=not found[0]["lacks_baseline"],
        cursors=cursors,
        as_of=datetime.now(UTC),
    )


async def run(
    conn: Connection, tenant_id: UUID, *, connector_id: UUID, run_id: UUID, rules: approvals.Rules
) -> RunDetail | None:
    """One run with its report."""
    rows = await listings_runs.page(conn, tenant_id, connector_id=connector_id, run_id=run_id, limit=1)
    stored = await runs.get(conn, tenant_id=tenant_id, run_id=run_id)
    found = await listings_targets.connectors(conn, tenant_id, connector_id=connector_id)
    if not rows or stored is None or not found:
        return None
    report = await recon.report(conn, stored)
    sample = await listings_findings.page(
        conn, tenant_id, where=FindingQuery(connector_id, run_id=run_id), limit=_SAMPLE
    )
    speed = report["performance_metrics"]
    is_live = stored.status in {RunStatus.PENDING, RunStatus.RUNNING, RunStatus.PAUSED}
    listed = await run_history.listed(conn, tenant_id=tenant_id, run_id=run_id) if is_live else Listed()
    pace = recon.pace(stored, listed) if is_live else speed["accounts_per_second"]
    return RunDetail(
        row=run_row(rows[0]),
        connector=brief_of(found[0]),
        correlation_id=stored.correlation_id,
        by_type=_present(report["discrepancy_summary"]["by_type"]),
        by_resolution=_present(report["discrepancy_summary"]["by_resolution"]),
        by_action=_present(report["action_summary"]["by_action"]) or _taken_over(stored),
        by_result=_present(report["action_summary"]["by_result"]),
        top_attributes=tuple((each["attribute_name"], each["count"]) for each in report["top_mismatched_attributes"]),
        causes=tuple(cause_row(each) for each in report["one_cause_groups"][:_TOP_CAUSES]),
        errors=tuple(await listings_runs.errors(conn, tenant_id, run_id=run_id)),
        duration_seconds=listings_runs.duration(stored),
        accounts_per_second=pace,
        api_calls_made=speed["api_calls_made"],
        pages=listed.pages,
        ranges=(listed.ranges.total, listed.ranges.done, listed.ranges.at_work) if listed.ranges else None,
        expected=recon.expected(stored) if is_live else None,
        seconds_left=recon.seconds_left(stored, rate=pace),
        notes=tuple(report["notes"]),
        hold=await _hold(conn, tenant_id, stored.approval_id, rules=rules),
        sample=await _finding_rows(conn, tenant_id, sample),
        as_of=datetime.now(UTC),
    )


async def findings(
    conn: Connection, tenant_id: UUID, *, connector_id: UUID, where: DiscrepancyFilter
) -> DiscrepancyPage | None:
    """One slice of the findings of a connector."""
    found = await listings_targets.connectors(conn, tenant_id, connector_id=connector_id)
    if not found:
        return None
    query = FindingQuery(
        connector_id, where.discrepancy_type, where.resolution_status, where.attribute_name, where.run_id, where.q
    )
    ends = ends_of(where)
    rows = await listings_findings.page(
        conn, tenant_id, where=query, before=ends.before, after=ends.after, limit=ends.limit
    )
    shown, cursors = cut(rows, where)
    counts = await listings_findings.counts(conn, tenant_id, where=query)
    by_type: Counter[str] = Counter()
    by_status: Counter[str] = Counter()
    for (kind, status), n in counts.items():
        by_type[kind] += n if where.resolution_status in {None, status} else 0
        by_status[status] += n if where.discrepancy_type in {None, kind} else 0
    last = await listings_runs.page(conn, tenant_id, connector_id=connector_id, limit=1)
    return DiscrepancyPage(
        connector=brief_of(found[0]),
        rows=await _finding_rows(conn, tenant_id, shown),
        by_type=dict(by_type),
        by_status=dict(by_status),
        total=by_type[where.discrepancy_type] if where.discrepancy_type else by_type.total(),
        as_of=datetime.now(UTC),
        cursors=cursors,
        last_run=run_row(last[0]) if last else None,
    )


async def findings_by_id(
    conn: Connection, tenant_id: UUID, *, connector_id: UUID, ids: Sequence[UUID]
) -> tuple[DiscrepancyRow, ...]:
    """These findings."""
    rows = await listings_findings.by_ids(conn, tenant_id, connector_id=connector_id, ids=ids)
    return await _finding_rows(conn, tenant_id, rows)


def run_row(row: Record) -> RunRow:
    """One run as a line of a table."""
    only = Only.of(row["statistics"])
    return RunRow(
        id=row["id"],
        connector_id=row["connector_id"],
        connector_name=row["connector_name"] or "deleted connector",
        kind=row["kind"],
        mode=row["mode"],
        status=row["status"],
        created_at=row["created_at"],
        dry_run=row["dry_run"],
        only=len(only.uids) + len(only.identity_ids) if only else None,
        trigger=row["trigger"],
        started_at=row["started_at"],
        completed_at=row["completed_at"],
        updated_at=row["updated_at"],
        listing_complete=row["listing_complete"],
        accounts_total=row["accounts_total"],
        accounts_processed=row["accounts_processed"],
        discrepancies_found=row["discrepancies_found"],
        items_total=row["items_total"],
        items_success=row["items_success"],
        items_error=row["items_error"],
        created_by=row["created_by_name"],
        pause_reason=row["pause_reason"],
        error_message=row["error_message"],
    )


def _present(counts: dict[str, int]) -> dict[str, int]:
    """Without what did not occur."""
    return {name: n for name, n in counts.items() if n}


def _taken_over(run: Run) -> dict[str, int]:
    """What an import did with its rows."""
    return {name: run.statistics[name] for name in ("created", "updated", "unchanged") if run.statistics.get(name)}


async def _hold(
    conn: Connection, tenant_id: UUID, approval_id: UUID | None, *, rules: approvals.Rules
) -> HoldView | None:
    if approval_id is None:
        return None
    return await approvals.hold(conn, tenant_id, hold_id=approval_id, rules=rules)


async def _finding_rows(conn: Connection, tenant_id: UUID, rows: Sequence[Record]) -> tuple[DiscrepancyRow, ...]:
    claimants = {UUID(each["identity_id"]) for row in rows for each in _claims(row)}
    names = await listings_findings.names(conn, tenant_id, ids=sorted(claimants)) if claimants else {}
    return tuple(_finding_row(row, names) for row in rows)


def _finding_row(row: Record, names: dict[UUID, tuple[str, str]]) -> DiscrepancyRow:
    claimed = dict.fromkeys(UUID(each["identity_id"]) for each in _claims(row))
    return DiscrepancyRow(
        id=row["id"],
        discrepancy_type=row["discrepancy_type"],
        first_seen_at=row["first_seen_at"],
        last_seen_at=row["last_seen_at"],
        identity_id=row["identity_id"],
        identity_name=row["identity_name"],
        external_uid=row["external_uid"],
        account_name=row["account_name"],
        attributes=tuple(
            change(name, each.get("actual"), each.get("expected")) for name, each in row["attributes"].items()
        ),
        suggestions=tuple(
            Suggestion(each["action"], each["direction"], each.get("reason", ""))
            for each in _distinct(row["suggested_actions"])
        ),
        candidates=tuple((id_, _told_apart(names.get(id_))) for id_ in claimed),
        resolution_status=row["resolution_status"],
        resolved_action=row["resolved_action"],
        resolved_at=row["resolved_at"],
        resolved_by=row["resolved_by_name"],
        ignored_reason=row["ignored_reason"],
        ignored_until=row["ignored_until"],
        occurrences=row["occurrences"],
        operation_id=row["resolved_operation"],
        operation_status=known(OperationStatus, row["operation_status"]) if row["operation_status"] else None,
        case_id=row["case_id"],
    )


def _told_apart(name: tuple[str, str] | None) -> str:
    """A candidate's name with what namesakes do not share."""
    return f"{name[0]} ({name[1]})" if name is not None else "somebody"


def _claims(row: Record) -> list[dict[str, str]]:
    """The suggestions that name a person."""
    return [each for each in row["suggested_actions"] if each.get("identity_id")]


def _distinct(suggestions: list[dict[str, str]]) -> list[dict[str, str]]:
    """One of each action and direction: to whom an account is linked is chosen among the candidates."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for each in suggestions:
        found.setdefault((each["action"], each["direction"]), each)
    return list(found.values())
