import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
import structlog

from worker.domain.ids import uuid7
from worker.domain.operation import Operation, OperationType, WaitReason
from worker.domain.outcome import Cancelled, DeadLettered, Outcome, Parked, Released, Retry, Succeeded
from worker.domain.processing import Finished
from worker.queue.telling import LINES_TOGETHER, cause_of, tell
from worker.telemetry import logs, metrics


def ended(outcome: Outcome, **fields: Any) -> Finished:
    op = Operation(
        tenant_id=uuid7(),
        id=uuid7(),
        connector_id=uuid7(),
        account_id=uuid7(),
        operation_type=OperationType.UPDATE,
        object_class="user",
        payload={},
        **fields,
    )
    return Finished(op, outcome, 7, connector="crm")


@pytest.fixture
def written() -> Iterator[StringIO]:
    """Log lines as they are written; logging is global, so it is put back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = StringIO()
    logs.configure(format="json", stream=stream)
    yield stream
    root.handlers[:], root.level = handlers, level
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


@pytest.mark.parametrize(
    ("outcome", "cause"),
    [
        pytest.param(Retry("timeout", "No answer."), "crm failed timeout", id="failed"),
        pytest.param(DeadLettered("invalid", "Bad value."), "crm dead_letter invalid", id="given up"),
        pytest.param(Parked(WaitReason.TARGET_DOWN, "Down.", "refused"), "crm target_down refused", id="waits"),
        pytest.param(Succeeded("u"), None, id="completed"),
        pytest.param(Released(), None, id="released"),
        pytest.param(Cancelled("By a person."), None, id="cancelled"),
    ],
)
def test_only_what_did_not_succeed_shares_a_cause(outcome: Outcome, cause: str | None) -> None:
    assert cause_of(ended(outcome)) == cause


def test_thousands_that_fail_alike_write_one_short_line_with_their_ids(written: StringIO) -> None:
    first, *others = [
        ended(Retry("timeout", "x" * 5000), run_id=uuid7(), correlation_id=uuid7(), max_retries=3) for _ in range(1000)
    ]
    tell([first])
    tell(others)

    (line,) = written.getvalue().splitlines()
    said = json.loads(line)
    assert len(line) <= 1024
    assert {name: said[name] for name in ("tenant_id", "operation_id", "correlation_id", "run_id")} == {
        "tenant_id": str(first.operation.tenant_id),
        "operation_id": str(first.operation.id),
        "correlation_id": str(first.operation.correlation_id),
        "run_id": str(first.operation.run_id),
    }


def test_each_completion_is_told_with_how_long_it_took_from_its_acceptance(written: StringIO) -> None:
    def waited() -> float:
        return metrics.registry.get_sample_value("provisiond_operation_wait_seconds_sum", {"connector": "crm"}) or 0.0

    before = waited()
    tell([ended(Succeeded("u"), created_at=datetime.now(UTC) - timedelta(hours=1)) for _ in range(2)])

    assert len(written.getvalue().splitlines()) == 2
    assert waited() - before >= 7200


def test_many_that_complete_together_are_told_in_one_line(written: StringIO) -> None:
    tell([ended(Succeeded("u")) for _ in range(LINES_TOGETHER + 1)])

    (line,) = map(json.loads, written.getvalue().splitlines())
    assert (line["event"], line["operations"]) == ("operations.finished", LINES_TOGETHER + 1)
