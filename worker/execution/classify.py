"""From an exception to an outcome: the one place where a failure gets its meaning."""

from worker.domain.errors import (
    ConnectorError,
    HeldStill,
    HookError,
    LeaseLost,
    NotFound,
    PermanentError,
    SettingsError,
    TargetBusy,
    TransientError,
    UnreadableSecret,
)
from worker.domain.operation import Operation, WaitReason
from worker.domain.outcome import DeadLettered, Outcome, Parked, Released, Retry
from worker.store.pool import DatabaseGone

#: After so many waits for a target that the breaker finds healthy, the operation itself is what fails.
MOST_PARKS = 20


class Ended(Exception):
    """A step decided how the operation ends."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(type(outcome).__name__)
        self.outcome = outcome


def outcome_of(error: Exception, op: Operation) -> Outcome:
    """What a failed try ends in.

    - a system failure, a target that asks us to slow down, or a pause of our own, waits and spends no try;
    - another transient error is retried, a permanent one is a dead letter;
    - a lost answer is transient: a create that is tried again first looks for what the earlier try made;
    - a sealed value that cannot be opened is a dead letter: another try opens it no better;
    - a target that was removed, or whose settings cannot work, waits for a person, and its claims are closed;
    - without our own database, or without our lease, the operation goes back as it was;
    - anything else is our own bug: retried, because a new version may be on its way.
    """
    match error:
        case Ended():
            return error.outcome
        case LeaseLost():
            return Released(was_started=True)
        case HookError():
            return _of_hook(error)
        case ConnectorError():
            return _of_target(error, op)
        case UnreadableSecret():
            return DeadLettered(error.code, str(error))
        case SettingsError() | NotFound():
            return Parked(WaitReason.TARGET_DOWN, str(error), error_code=error.code)
        case _ if isinstance(error, DatabaseGone):
            return Released(was_started=True)
        case _:
            return Retry("internal_error", f"The daemon failed with {type(error).__name__}; this is a bug of ours.")


def _of_hook(error: HookError) -> Outcome:
    where = f" (line {line})" if (line := error.fields.get("line")) else ""
    message = f"The hook failed{where}: {error}"
    if error.retryable:
        return Retry(error.hook_class, message)
    return DeadLettered(error.hook_class, message)


def _of_target(error: ConnectorError, op: Operation) -> Outcome:
    waits = error.is_system_failure or isinstance(error, TargetBusy | HeldStill)
    if waits and op.parks < MOST_PARKS:
        retry_after = error.retry_after if isinstance(error, TransientError) else None
        return Parked(WaitReason.TARGET_DOWN, str(error), error_code=error.code, look_after=retry_after)
    if isinstance(error, PermanentError):
        return DeadLettered(error.code, str(error))
    retry_after = error.retry_after if isinstance(error, TransientError) else None
    return Retry(error.code, str(error), retry_after=retry_after)
