"""Views of hooks."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from worker.actions.bindings import doubt
from worker.actions.hook_trials import Replayed, told
from worker.console import (
    AttributeChange,
    HookActivationRow,
    HookBindingRow,
    HookDetail,
    HookFailure,
    HookFilter,
    HookNumbers,
    HookPage,
    HookRow,
    HookTestRow,
    HookVersionRow,
    ReplayedRow,
    TrialView,
)
from worker.domain.errors import HookError
from worker.domain.hook import FailurePolicy, HookPhase, HookResult, Patch
from worker.domain.hook_trials import answer_of, differences, failure_of
from worker.domain.operation import OperationType
from worker.execution import HooksPreview
from worker.store import bindings, hook_stats, hook_tests, hooks
from worker.store.hook_stats import Summary
from worker.store.hooks import HookQuery
from worker.store.pool import Connection
from worker.store.sql import Record

_DAY = timedelta(hours=24)
_VERSIONS, _ACTIVATIONS, _BINDINGS = 50, 20, 100


async def page(conn: Connection, tenant_id: UUID, *, where: HookFilter) -> HookPage:
    """One page of hooks, each with how it fared within the last day."""
    query = HookQuery(kind=where.kind, q=where.q, is_suspended=where.is_suspended, connector_id=where.connector_id)
    rows = await hooks.page(conn, tenant_id=tenant_id, where=query, limit=where.limit, offset=where.offset)
    ids = [row["id"] for row in rows]
    known = await _summaries(conn, tenant_id, ids)
    places = await bindings.places(conn, tenant_id=tenant_id, hook_ids=ids)
    total = await hooks.count(conn, tenant_id=tenant_id, where=query)
    shown = tuple(replace(_row(row, known[row["id"]]), places=tuple(places.get(row["id"], ()))) for row in rows)
    return HookPage(rows=shown, total=total, as_of=datetime.now(UTC))


async def detail(
    conn: Connection, tenant_id: UUID, *, hook_id: UUID, version: int | None, newest: int | None = None
) -> HookDetail | None:
    """One hook with all that its page shows; None when there is no such hook or version."""
    found = await hooks.page(conn, tenant_id=tenant_id, where=HookQuery(id=hook_id), limit=1)
    if not found:
        return None
    row = found[0]
    where: dict[str, Any] = {"tenant_id": tenant_id, "hook_id": hook_id}
    shown = version or row["active_version"] or row["latest_version"]
    sources = await hooks.versions(conn, **where, version=shown) if shown is not None else []
    if version is not None and not sources:
        return None
    summary = (await _summaries(conn, tenant_id, [hook_id]))[hook_id]
    # Versions are numbered without gaps.
    newer = max((row["latest_version"] or 0) - newest, 0) if newest else 0
    versions = await hooks.versions(conn, **where, limit=_VERSIONS, offset=newer)
    return HookDetail(
        row=_row(row, summary),
        shown=shown,
        source=sources[0]["source"] if sources else "",
        versions=tuple(_version(each, active=row["active_version"]) for each in versions),
        activations=tuple(
            HookActivationRow(version=each["version"], at=each["activated_at"], by=each["activated_by_name"])
            for each in await hooks.activations(conn, **where, limit=_ACTIVATIONS)
        ),
        bindings=tuple(_binding(each) for each in await bindings.page(conn, **where, limit=_BINDINGS)),
        tests=tuple(
            HookTestRow(
                **{name: each[name] for name in ("id", "name", "function", "context", "expected")},
                etag=hook_tests.from_row(each).etag,
            )
            for each in await hook_tests.page(conn, **where, limit=hook_tests.MAX_TESTS)
        ),
        by_version=tuple(_numbers(each) for each in summary.versions),
    )


def trial_view(said: HookResult | HookError, *, attributes: Any) -> TrialView:
    """An answer, and what it does to the ``attributes`` of the context."""
    if isinstance(said, HookError):
        found = failure_of(said)
        return TrialView(ok=False, failure=_failure(found), logs=tuple(found.get("logs", ())))
    before: Mapping[str, Any] = attributes if isinstance(attributes, dict) else {}
    after = said.decision.apply(dict(before)) if isinstance(said.decision, Patch) else before
    return TrialView(
        ok=True,
        function=said.function,
        result=answer_of(said),
        changes=_changes(before, after),
        logs=said.logs,
        duration_us=said.duration_us,
    )


def rehearsed_view(found: HooksPreview, *, hook_id: UUID, function: str) -> TrialView:
    """What a hook answered to a person's account, and what all hooks together make of it."""
    asked = told(found, hook_id=hook_id, function=function)
    if asked is None:
        return TrialView(ok=False, refused=f"The hook was not asked: {found.ends or 'it does nothing here'}")
    context, said = asked
    return replace(
        trial_view(said, attributes={}),
        changes=_changes(found.before, found.after) if found.ends is None else (),
        context=context,
        ends=found.ends,
        warnings=found.warnings,
    )


def replayed_row(replayed: Replayed) -> ReplayedRow:
    """A recorded call that ends otherwise."""
    return ReplayedRow(
        function=replayed.call.function,
        version=replayed.call.version,
        recorded_at=replayed.call.recorded_at,
        operation_id=replayed.call.context.get("operation_id"),
        differences=tuple(differences(answer_of(replayed.before), answer_of(replayed.after))),
    )


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[AttributeChange, ...]:
    return tuple(
        AttributeChange(name, before.get(name), after.get(name))
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    )


async def _summaries(conn: Connection, tenant_id: UUID, hook_ids: list[UUID]) -> dict[UUID, Summary]:
    since = datetime.now(UTC) - _DAY
    return await hook_stats.summary(conn, tenant_id=tenant_id, hook_ids=hook_ids, since=since)


def _row(row: Record, known: Summary) -> HookRow:
    shown = {name: value for name, value in row.items() if name != "created_at"}
    return HookRow(**shown, numbers=_numbers(known))


def _numbers(known: Summary) -> HookNumbers:
    return HookNumbers(
        calls=known.calls,
        errors=known.errors,
        p50_us=known.p50_us,
        p99_us=known.p99_us,
        last_error=str(known.last_error.get("message", "")) if known.last_error else None,
        last_error_at=known.last_error_at,
        version=known.version,
    )


def _version(row: Record, *, active: int | None) -> HookVersionRow:
    return HookVersionRow(
        version=row["version"],
        note=row["note"],
        functions=tuple(row["functions"]),
        libraries=tuple((each["name"], each["version"]) for each in row["libraries"]),
        created_at=row["created_at"],
        created_by=row["created_by_name"],
        is_active=row["version"] == active,
        was_active=row["was_active"],
    )


def _binding(row: Record) -> HookBindingRow:
    return HookBindingRow(
        id=row["id"],
        connector_id=row["connector_id"],
        connector_name=row["connector_name"] or "deleted connector",
        object_class=row["object_class"],
        warning=doubt(row),
        phase=HookPhase(row["phase"]),
        operation_types=tuple(OperationType(each) for each in row["operation_types"]),
        position=row["position"],
        on_error=FailurePolicy(row["on_error"]),
        budget_ms=row["budget_ms"],
        enabled=row["enabled"],
        params=row["params"],
        permissions=tuple(row["permissions"]),
        version=row["version"],
    )


def _failure(found: Mapping[str, Any]) -> HookFailure:
    return HookFailure(
        hook_class=found["class"],
        message=found["message"],
        line=found.get("line"),
        column=found.get("column"),
        module=found.get("module"),
        snippet=found.get("snippet"),
        frames=tuple(found.get("frames", ())),
    )
