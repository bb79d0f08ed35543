"""Views of operations."""

import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from worker.console import (
    AttemptView,
    AttributeChange,
    ChainView,
    FollowUpView,
    LogLine,
    OperationDetail,
    OperationFilter,
    OperationPage,
    OperationRow,
)
from worker.domain.known import known
from worker.domain.operation import OperationStatus, OperationType, Origin, WaitReason
from worker.domain.redaction import shown_payload
from worker.service.desk.audit import entries_of
from worker.service.desk.briefs import briefs, change, gone
from worker.service.desk.flow import Day
from worker.service.desk.slices import cut, ends_of
from worker.store import follow_ups, listings, listings_audit, listings_people, listings_waiting
from worker.store.listings import OperationQuery
from worker.store.pool import Connection
from worker.store.sql import Record

_SENT_AGAIN = re.compile(r"Sent again as ([0-9a-f-]{36})")
_CAUSES_SHOWN = 8


async def page(conn: Connection, tenant_id: UUID, *, where: OperationFilter, day: Day) -> OperationPage:
    """One slice of the list with its counts."""
    query, ends = query_of(where), ends_of(where)
    tally = await listings.tally(conn, tenant_id, where=query)
    rows = await listings.operations(
        conn,
        tenant_id,
        where=query,
        before=ends.before,
        after=ends.after,
        limit=ends.limit,
        known=tally.by_status,
    )
    shown, cursors = cut(rows, where)
    seconds = await listings.queries.recent_times.value(conn, tenant_id=tenant_id, connector_id=where.connector_id)
    total = sum(tally.by_status.values()) if where.status is None else tally.by_status.get(where.status, 0)
    return OperationPage(
        rows=tuple(row_of(row) for row in shown),
        counts=tally.by_status,
        total=total,
        as_of=datetime.now(UTC),
        cursors=cursors,
        error_codes=_causes(tally.by_error, where.status),
        oldest_pending_at=tally.oldest_pending,
        success_rate=day.success_rate,
        avg_processing_time_secs=seconds,
    )


async def detail(conn: Connection, tenant_id: UUID, *, operation_id: UUID) -> OperationDetail | None:
    """Everything about one."""
    row = await listings.operation(conn, tenant_id, operation_id)
    if row is None:
        return None
    connectors = await briefs(conn, tenant_id)
    accounts = await listings_people.accounts(conn, tenant_id, account_id=row["account_id"])
    attempts = await listings.attempts(conn, tenant_id, operation_id=operation_id)
    logs = await listings.logs(conn, tenant_id, operation_id=operation_id)
    still = await listings_waiting.standstill(conn, tenant_id, operation_id=operation_id)
    account = accounts[0] if accounts else None
    return OperationDetail(
        row=row_of(row),
        connector=connectors.get(row["connector_id"]) or gone(row["connector_id"]),
        payload=shown_payload(row["payload"]),
        changes=_sent(row, attempts) if row["status"] == OperationStatus.COMPLETED else _changes(row, account),
        attempts=tuple(_attempt(each) for each in attempts),
        logs=tuple(LogLine(line["at"], line["level"], line["message"]) for line in logs),
        started_at=row["started_at"],
        completed_at=row.get("completed_at") or row.get("dead_at"),
        idempotency_key=row["idempotency_key"],
        correlation_id=row["correlation_id"],
        run_id=row["run_id"],
        case_id=row["case_id"],
        hold_id=row["approval_id"],
        account_id=row["account_id"],
        identity_version=row["identity_version"],
        mapping_version=row["mapping_version"],
        redrive_of=row["redrive_of"],
        redriven_as=_redriven_as(row.get("resolution_notes")),
        chain=await _chain(conn, tenant_id, operation_id=operation_id),
        resolution_notes=row.get("resolution_notes"),
        resolved_by=await _name_of(conn, tenant_id, row.get("resolved_by")),
        resolved_at=row.get("resolved_at"),
        version=row["version"],
        details=_details(row, account, logs),
        lane_ahead=still.ahead if still is not None else 0,
        lane_head=still.head_id if still is not None and still.ahead else None,
        audit=await entries_of(conn, tenant_id, object_type="operation", object_id=str(operation_id)),
    )


async def _chain(conn: Connection, tenant_id: UUID, *, operation_id: UUID) -> ChainView:
    rows = await follow_ups.of_operation(conn, tenant_id, operation_id=operation_id)
    cause = next((row["operation_id"] for row in rows if row["made_id"] == operation_id), None)
    return ChainView(cause, tuple(_follow_up(row) for row in rows if row["operation_id"] == operation_id))


def _follow_up(row: Record) -> FollowUpView:
    return FollowUpView(
        row["hook_name"], row["type"], row["made_id"], row["due_at"], row["note"], is_waiting=row["status"] == "waiting"
    )


def query_of(where: OperationFilter) -> OperationQuery:
    """The filter of a page as the store knows it."""
    return OperationQuery(
        connector_id=where.connector_id,
        user_id=where.user_id,
        status=where.status,
        operation_type=where.operation_type,
        from_date=where.from_date,
        to_date=where.to_date,
        q=where.q,
        error_code=where.error_code,
        run_id=where.run_id,
    )


def row_of(row: Record) -> OperationRow:
    """One line of a table."""
    payload = row["payload"]
    wait_reason = row.get("wait_reason")
    return OperationRow(
        id=row["id"],
        operation_type=known(OperationType, row["operation_type"]),
        status=known(OperationStatus, row["status"]),
        connector_id=row["connector_id"],
        connector_name=row["connector_name"] or "deleted connector",
        subject=row["user_name"] or row["target_uid"] or f"account {str(row['account_id'])[-6:]}",
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        object_class=row["object_class"],
        active=payload.get("active"),
        user_id=row["user_id"],
        target_uid=row["target_uid"],
        wait_reason=known(WaitReason, wait_reason) if wait_reason else None,
        error_code=row["error_code"],
        error_message=row["error_message"],
        retry_count=row["retry_count"],
        max_retries=row["max_retries"],
        next_retry_at=row.get("next_retry_at"),
        priority=row["priority"],
        origin=known(Origin, row["origin"]),
    )


def _causes(by_error: dict[tuple[str, str], int], status: OperationStatus | None) -> tuple[tuple[str, int], ...]:
    counts: dict[str, int] = {}
    for (state, code), n in by_error.items():
        if status in {None, state}:
            counts[code] = counts.get(code, 0) + n
    return tuple(sorted(counts.items(), key=lambda each: (-each[1], each[0]))[:_CAUSES_SHOWN])


def _changes(row: Record, account: Record | None) -> tuple[AttributeChange, ...]:
    """The account as last observed, against what the operation wants of it."""
    is_create = row["operation_type"] == OperationType.CREATE
    observed = (account["observed"] or {}) if account is not None and not is_create else {}
    payload = shown_payload(row["payload"])
    wanted = [change(name, observed.get(name), value) for name, value in payload.get("attributes", {}).items()]
    if isinstance(payload.get("active"), bool):
        before = account["observed_active"] if account is not None and not is_create else None
        wanted.append(AttributeChange("active", before, payload["active"]))
    return tuple(wanted)


def _sent(row: Record, attempts: list[Record]) -> tuple[AttributeChange, ...]:
    """What the try that worked sent; the payload when it had nothing to send."""
    sent = next((each["sent"] for each in reversed(attempts) if each["sent"]), shown_payload(row["payload"]))
    values = dict(sent.get("attributes") or {})
    if isinstance(sent.get("active"), bool):
        values["active"] = sent["active"]
    return tuple(change(name, None, value) for name, value in values.items())


def _attempt(row: Record) -> AttemptView:
    return AttemptView(
        attempt_number=row["attempt_number"],
        started_at=row["started_at"],
        completed_at=row["completed_at"],
        success=row["success"],
        has_parked=row["outcome"] == "waits",
        error_code=row["error_code"],
        error_message=row["error_message"],
        duration_ms=row["duration_ms"],
        worker=str(row["worker"])[-6:] if row["worker"] else None,
        sent=row["sent"],
    )


async def _name_of(conn: Connection, tenant_id: UUID, principal_id: UUID | None) -> str | None:
    if principal_id is None:
        return None
    return (await listings_audit.names(conn, tenant_id, ids=[principal_id])).get(principal_id)


def _redriven_as(notes: str | None) -> UUID | None:
    found = _SENT_AGAIN.search(notes or "")
    return UUID(found[1]) if found else None


def _details(row: Record, account: Record | None, logs: list[Record]) -> dict[str, Any]:
    """What else is worth knowing: how it ended, why the account is theirs."""
    found: dict[str, Any] = {}
    ending = row.get("ending")
    if ending == "skipped":
        found["skipped"] = logs[-1]["message"] if logs else "nothing was to be done"
    elif ending:
        found["ending"] = ending
    if row["operation_type"] == OperationType.CREATE and account is not None and account["match"]:
        found["match"] = account["match"]
    return found
