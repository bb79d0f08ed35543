"""The words of the console: codes and numbers become short sentences for a person. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from worker.console.views import ConnectorBrief, OperationRow
from worker.domain.conflict import ConflictOutcome, ConflictType
from worker.domain.connector import BreakerState, ConnectorStatus
from worker.domain.operation import OperationStatus, OperationType, Origin, WaitReason
from worker.domain.run import RunTrigger


class Words(dict[str, str]):
    """Sentences by code; a code that only a later version knows is told in its own words."""

    def __missing__(self, code: str) -> str:
        return plain(str(code))


STATUS_WORDS = Words(
    {
        OperationStatus.PENDING: "Pending",
        OperationStatus.IN_PROGRESS: "In progress",
        OperationStatus.COMPLETED: "Completed",
        OperationStatus.FAILED: "Failed",
        OperationStatus.DEAD_LETTER: "Dead letter",
        OperationStatus.AWAITING_SYSTEM: "Waiting",
        OperationStatus.RESOLVED: "Resolved",
        OperationStatus.CANCELLED: "Cancelled",
    }
)

WAIT_WORDS = Words(
    {
        WaitReason.TARGET_DOWN: "the target does not answer, or asked us to wait",
        WaitReason.MAINTENANCE: "the target is in maintenance",
        WaitReason.BREAKER: "the breaker of the target is open",
        WaitReason.BASELINE: "the target has not been listed completely yet",
        WaitReason.CASE: "somebody must say whose account it is",
        WaitReason.CONFLICT: "somebody must settle a conflict",
        WaitReason.APPROVAL: "the safeguard holds it until somebody approves",
    }
)

ORIGIN_WORDS = Words(
    {
        Origin.EVENT: "an event",
        Origin.SOURCE: "a source import",
        Origin.RECON: "a reconciliation run",
        Origin.MAPPING: "a new mapping",
        Origin.API: "the API",
        Origin.CONSOLE: "the console",
        Origin.EMERGENCY: "the emergency disable",
    }
)

TRIGGER_WORDS: dict[RunTrigger, str] = {
    RunTrigger.SCHEDULED: "the schedule",
    RunTrigger.MANUAL: "a person",
    RunTrigger.WEBHOOK: "an event",
    RunTrigger.RESUME: "a run that goes on",
    RunTrigger.WATCH: "a changed file",
}


CONFLICT_WORDS: dict[ConflictType, str] = {
    ConflictType.CONCURRENT_UPDATE: "Two operations disagree",
    ConflictType.STALE_DATA: "A newer plan disagrees",
    ConflictType.MISSING_TARGET: "The account is gone",
    ConflictType.EXTERNAL_CHANGE: "The target was changed",
}

#: What a person may decide, in words: about two operations, and about one and its target.
OUTCOMES_OF_TWO: dict[ConflictOutcome, str] = {
    ConflictOutcome.SUPERSEDED: "The newer counts: cancel the older",
    ConflictOutcome.REJECTED: "The older counts: cancel the newer",
    ConflictOutcome.MERGED: "Both as one: the newer value, of several values what either adds or removes",
    ConflictOutcome.APPLIED: "Run both, the older first",
}
OUTCOMES_AT_TARGET: dict[ConflictOutcome, str] = {
    ConflictOutcome.APPLIED: "Ours counts: go on",
    ConflictOutcome.REJECTED: "What is at the target counts: cancel the operation",
}


@dataclass(frozen=True, slots=True)
class Cause:
    """What an error code means: a title, and what a person can do about it."""

    title: str
    advice: str


CAUSES: dict[str, Cause] = {
    "target_unavailable": Cause("Target cannot be reached", "Look at the target and the way to it; it is tried again."),
    "target_timeout": Cause("Target did not answer in time", "Look at the load of the target; it is tried again."),
    "target_busy": Cause("Target asks us to slow down", "Nothing to do: the next try waits as long as it asked."),
    "held_still": Cause("The daemon was held still meanwhile", "Nothing to do: it is tried again."),
    "outcome_unknown": Cause("Sent, but no answer came", "Nothing to do: the account is read before any second try."),
    "unknown_uid": Cause("No such account at the target", "Reconcile the target, or send it again as a create."),
    "already_exists": Cause("The account exists already", "Reconcile the target so that the account is linked."),
    "invalid_attributes": Cause(
        "Target refuses a value", "Correct the value at its source or here, and send it again."
    ),
    "access_refused": Cause("Target does not allow this", "Give the daemon's account at the target this right."),
    "credentials_rejected": Cause("Target rejects our credentials", "Renew the credentials of the connector."),
    "unsupported": Cause("Connector cannot do this", "Change the policy of the connector, or resolve it by hand."),
    "uid_taken": Cause("The account is another person's", "Decide in the case whose account it is."),
    "protected_account": Cause("The account is protected", "Change the protected filter if that is not wanted."),
    "connector_bug": Cause("The connector failed by itself", "Look at its message; report it, then retry."),
    "listing_changed": Cause("The listing changed meanwhile", "Nothing to do: it starts again from the beginning."),
    "lease_lost": Cause("A worker was lost while it ran", "Look at its payload before it is retried."),
    "internal_error": Cause("The daemon failed", "This is a mistake of ours: report it; it is tried again."),
    "hook.deadline": Cause("A hook ran too long", "Correct the hook, then retry."),
    "hook.memory": Cause("A hook used too much memory", "Correct the hook, then retry."),
    "hook.limit": Cause("A hook went over a limit", "Correct the hook, then retry."),
    "hook.compile": Cause("A hook cannot be compiled", "Correct the hook's source, then retry."),
    "hook.syntax": Cause("A hook cannot be read", "Correct the hook's source, then retry."),
    "hook.script": Cause("A hook failed", "Correct the hook, then retry."),
    "hook.fail": Cause("A hook said no for now", "Read its message; it is tried again."),
    "hook.result": Cause("A hook gave back something unusable", "Correct the hook, then retry."),
    "hook.reject": Cause("A hook rejected it", "Read its message; correct the identity, or resolve it."),
    "hook.crash": Cause("A hook crashed its sandbox", "Correct the hook, then retry."),
    "hook.busy": Cause("No sandbox was free", "Nothing to do: it is tried again."),
    "hook.suspended": Cause("A hook is suspended after failures", "Correct the hook and activate it again."),
}

UNNAMED = Cause("It did not work", "Read the answer of the target below.")


def cause_of(code: str | None) -> Cause:
    """The cause that an error code names; hook codes without an entry of their own read as a failed hook."""
    if code is None:
        return UNNAMED
    return CAUSES.get(code) or (
        CAUSES["hook.script"] if code.startswith("hook.") else Cause(plain(code), UNNAMED.advice)
    )


def plain(code: str) -> str:
    """A code as words: ``last_write_wins`` becomes "Last write wins"."""
    return code.replace("_", " ").replace(".", " ").strip().capitalize()


def verb_of(row: OperationRow) -> str:
    """create, update, delete; an update that sets the active flag reads as disable or enable."""
    if row.operation_type is OperationType.UPDATE and row.active is not None:
        return "enable" if row.active else "disable"
    return str(row.operation_type)


def trouble_of(row: OperationRow) -> str | None:
    """The one line that says what is wrong or awaited, its class first; None when there is nothing to say."""
    if row.status is OperationStatus.AWAITING_SYSTEM:
        return WAIT_WORDS[row.wait_reason] if row.wait_reason else "it waits"
    if row.error_code and row.status is not OperationStatus.COMPLETED:
        return cause_of(row.error_code).title
    return None


def connector_trouble(brief: ConnectorBrief) -> str | None:
    """One sentence when a target is not taking work, else None."""
    match brief.status, brief.breaker:
        case ConnectorStatus.INACTIVE, _:
            return f"{brief.name} is switched off."
        case ConnectorStatus.MAINTENANCE, _:
            return f"{brief.name} is in maintenance; its operations wait."
        case ConnectorStatus.ERROR, _:
            return f"{brief.name} cannot be used as it is configured."
        case _, BreakerState.OPEN:
            return f"{brief.name} does not answer; its operations wait and spend no try."
        case _, BreakerState.HALF_OPEN:
            return f"{brief.name} is coming back; a few operations probe it."
        case _:
            return None


def number(value: float | None) -> str:
    """A count with thin groups: 12 345. None is a dash."""
    if value is None:
        return "–"
    return f"{value:,.0f}".replace(",", "\u202f")


def count(value: int, one: str, many: str | None = None) -> str:
    """A number with its noun: "1 account", "12 accounts"."""
    return f"{number(value)} {one if value == 1 else (many or one + 's')}"


def percent(share: float | None) -> str:
    """A share of 0..1; never rounds up to a hundred or down to nothing."""
    if share is None:
        return "–"
    if 0.9995 <= share < 1:
        return "> 99.9 %"
    if 0 < share < 0.0005:
        return "< 0.1 %"
    return f"{share * 100:.1f} %".replace(".0 %", " %")


def span(seconds: float | timedelta | None) -> str:
    """A duration in its two largest units at most: 340 ms, 4.2 s, 3 min 20 s, 2 h 5 min, 6 d."""
    if seconds is None:
        return "–"
    value = seconds.total_seconds() if isinstance(seconds, timedelta) else float(seconds)
    value = abs(value)
    if value < 1:
        return f"{value * 1000:.0f} ms"
    if value < 10:
        return f"{value:.1f} s".replace(".0 s", " s")
    if value < 60:
        return f"{value:.0f} s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes} min" + (f" {rest} s" if rest and minutes < 10 else "")
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h" + (f" {minutes} min" if minutes and hours < 10 else "")
    return f"{hours // 24} d"


def micros(value: float | None) -> str:
    """A duration in microseconds: 240 µs, 1.3 ms, 2 s."""
    if value is None:
        return "–"
    if value < 1000:
        return f"{value:.0f} µs"
    return f"{value / 1000:.1f} ms".replace(".0 ms", " ms") if value < 100_000 else span(value / 1_000_000)


def age(at: datetime, *, now: datetime) -> str:
    """How long ago, or how far ahead: "3 min ago", "in 40 s", "now"."""
    seconds = (now - at).total_seconds()
    if -1 < seconds < 1:
        return "now"
    whole = span(timedelta(seconds=int(abs(seconds)))).split(" ")
    short = " ".join(whole[:2])
    return f"{short} ago" if seconds > 0 else f"in {short}"


def shown(value: Any) -> str:
    """An attribute value as a person reads it; nothing is an en dash, secrets are named and hidden."""
    if value is None or value == []:
        return "–"
    if isinstance(value, dict) and value.get("secret") is True:
        return "hidden"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(shown(item) for item in value)
    return str(value)
