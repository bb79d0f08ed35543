"""What is to be written of a batch of tries: each try's outcome as the statements want it, without I/O."""

import json
from collections.abc import Sequence
from random import Random
from typing import Any, assert_never
from uuid import UUID

from worker.domain.operation import WaitReason
from worker.domain.outcome import Cancelled, DeadLettered, Parked, Released, Retry, Succeeded
from worker.domain.processing import Finished
from worker.domain.redaction import shown
from worker.domain.retry import backoff
from worker.store.operations import Completion, Failure, Fence

#: How long an operation waits for a target that was down for a moment; the breaker takes over when it stays down.
SHORT_WAIT_S = 2.0
LONGEST_SHORT_WAIT_S = 60.0


class Ends:
    """The tries of one batch, sorted by how they ended."""

    def __init__(self) -> None:
        self.completions: list[Completion] = []
        self.failures: list[Failure] = []
        self.parked: list[Failure] = []
        self.buried: list[Failure] = []
        self.released: list[Fence] = []
        self.started: set[UUID] = set()
        #: by the reason
        self.cancelled: dict[str, list[Fence]] = {}
        self.lines: list[tuple[UUID, str, str]] = []


def sorted_ends(part: Sequence[Finished], *, rng: Random) -> Ends:
    """Sort the tries of a batch; a retry that was the last is a dead letter. ``rng`` spreads the next tries."""
    ends = Ends()
    for finished in part:
        _sort_one(ends, finished, rng)
    return ends


def _sort_one(ends: Ends, finished: Finished, rng: Random) -> None:
    op, outcome, took = finished.operation, finished.outcome, finished.duration_ms
    fence = Fence(id=op.id, epoch=op.epoch, account_id=op.account_id)
    match outcome:
        case Succeeded():
            ends.completions.append(_completion(fence, finished, outcome))
            ends.lines += [(op.id, "warn", warning) for warning in outcome.warnings]
            if outcome.skipped:
                ends.lines.append((op.id, "info", outcome.skipped))
            ends.lines += _notes(op.id, outcome.tags)
        case Retry() if op.is_last_try:
            message = f"Tries used up after {op.retry_count + 1}: {outcome.message}"
            ends.buried.append(Failure(fence, took, outcome.error_code, message, sent=outcome.sent))
            ends.lines += [(op.id, "error", message), *_said(op.id, outcome)]
        case Retry():
            delay = backoff(op.retry_count, rng=rng, retry_after=outcome.retry_after).total_seconds()
            ends.failures.append(Failure(fence, took, outcome.error_code, outcome.message, delay, sent=outcome.sent))
            line = (op.id, "warn", f"{outcome.message} The next try is in {delay:.0f} s.")
            ends.lines += [line, *_said(op.id, outcome)]
        case DeadLettered():
            ends.buried.append(Failure(fence, took, outcome.error_code, outcome.message, sent=outcome.sent))
            ends.lines += [(op.id, "error", outcome.message), *_said(op.id, outcome)]
        case Parked():
            wait = wait_of(outcome, op.parks)
            ends.parked.append(
                Failure(fence, took, outcome.error_code, outcome.message, wait, str(outcome.reason), outcome.case_id)
            )
            ends.lines.append((op.id, "info", f"Waits ({outcome.reason}): {outcome.message}"))
        case Released():
            ends.released.append(fence)
            if outcome.was_started:
                ends.started.add(op.id)
                ends.lines.append((op.id, "info", "Interrupted while it ran; the next try looks at the target first."))
        case Cancelled():
            ends.cancelled.setdefault(outcome.message, []).append(fence)
        case _:
            assert_never(outcome)


def _said(operation_id: UUID, outcome: Retry | DeadLettered) -> list[tuple[UUID, str, str]]:
    """What hooks said when they were told of the error."""
    return [*((operation_id, "warn", warning) for warning in outcome.warnings), *_notes(operation_id, outcome.tags)]


def _notes(operation_id: UUID, tags: dict[str, Any]) -> list[tuple[UUID, str, str]]:
    if not tags:
        return []
    return [(operation_id, "info", f"Noted by hooks: {json.dumps(shown(tags), sort_keys=True)}")]


def wait_of(outcome: Parked, parks: int) -> float | None:
    """Seconds until a parked operation looks again by itself; None: when its reason is gone.

    Only one that waits for its target looks: after what the target asked for, else after 2, 4, 8, … at most 60 s.
    """
    if outcome.reason is not WaitReason.TARGET_DOWN:
        return None
    if outcome.look_after is not None:
        return outcome.look_after.total_seconds()
    return float(min(SHORT_WAIT_S * 2 ** min(parks, 10), LONGEST_SHORT_WAIT_S))


def _completion(fence: Fence, finished: Finished, outcome: Succeeded) -> Completion:
    return Completion(
        fence,
        finished.duration_ms,
        finished.operation.connector_id,
        outcome.uid,
        "skipped" if outcome.skipped else "already_so" if outcome.already_so else None,
        outcome.observed,
        outcome.observed_active,
        finished.observed_hash,
        finished.hooked,
        outcome.match,
        outcome.account_gone,
        finished.agrees,
        outcome.sent,
    )
