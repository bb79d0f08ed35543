"""What operators hear of tries that ended: figures of all, a line of each while they can be read."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import assert_never

import structlog

from worker.domain.outcome import Cancelled, DeadLettered, Parked, Released, Retry, Succeeded
from worker.domain.processing import Finished
from worker.telemetry import metrics

log = structlog.get_logger()

#: When more than this many of a kind end well together, one line says how many.
LINES_TOGETHER = 20


def tell(ended: Sequence[Finished]) -> None:
    """Count and log how tries ended; of those that fail alike, one a minute is logged."""
    kinds: dict[tuple[str, str, str], list[Finished]] = defaultdict(list)
    for finished in ended:
        kinds[finished.connector, finished.operation.operation_type.value, status_of(finished)].append(finished)
    for (connector, kind, status), alike in kinds.items():
        metrics.operations_total.labels(connector, kind, status).inc(len(alike))
        metrics.operation_duration_seconds.labels(connector, kind).observe_all(
            [finished.duration_ms / 1000 for finished in alike]
        )
        if status == "completed":
            _tell_waits(connector, alike)
        if status == "completed" and len(alike) > LINES_TOGETHER:
            log.info("operations.finished", connector=connector, type=kind, status=status, operations=len(alike))
        else:
            for finished in alike:
                _tell_one(finished, status)


def _tell_waits(connector: str, completed: Sequence[Finished]) -> None:
    now = datetime.now(UTC)
    waits = [(now - made).total_seconds() for f in completed if (made := f.operation.created_at) is not None]
    metrics.operation_wait_seconds.labels(connector).observe_all([max(wait, 0.0) for wait in waits])


def _tell_one(finished: Finished, status: str) -> None:
    op = finished.operation
    cause = cause_of(finished)
    ids = {"tenant_id": op.tenant_id, "operation_id": op.id, "correlation_id": op.correlation_id, "run_id": op.run_id}
    log.info(
        "operation.finished",
        connector=finished.connector,
        type=op.operation_type.value,
        status=status,
        error_code=getattr(finished.outcome, "error_code", None),
        attempt=op.attempt_number,
        took_ms=finished.duration_ms,
        **{name: str(value) for name, value in ids.items() if value is not None},
        **({"cause": cause} if cause else {}),
    )


def cause_of(finished: Finished) -> str | None:
    """What all that fail alike have in common, so that one of them is logged a minute; None for what did not fail."""
    match finished.outcome:
        case Retry() | DeadLettered() as outcome:
            return f"{finished.connector} {status_of(finished)} {outcome.error_code}"
        case Parked() as outcome:
            return f"{finished.connector} {outcome.reason} {outcome.error_code}"
        case _:
            return None


def status_of(finished: Finished) -> str:
    """The status that the operation has after this try."""
    match finished.outcome:
        case Succeeded():
            return "completed"
        case Retry():
            return "dead_letter" if finished.operation.is_last_try else "failed"
        case DeadLettered():
            return "dead_letter"
        case Parked():
            return "awaiting_system"
        case Released():
            return "pending"
        case Cancelled():
            return "cancelled"
        case _:
            assert_never(finished.outcome)
