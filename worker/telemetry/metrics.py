"""Every metric of the daemon, in a registry of our own.

Names are public and kept by a snapshot test. Labels are bounded: the name of a connector, a type, a status or a
class of result; never a tenant, a person, an id or an address.
"""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from worker.telemetry.histogram import BatchHistogram

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_CALL_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0)
_WAIT_SECONDS = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0, 3600.0, 21600.0, 86400.0)
_HOOK_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
_RUN_SECONDS = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 10800.0, 43200.0)

# A series with the birth time of each other series doubles what is scraped and is read by nobody.
disable_created_metrics()  # type: ignore[no-untyped-call]  # the library forgot to annotate it
registry = CollectorRegistry()
ProcessCollector(namespace="provisiond", registry=registry)


def _counter(name: str, text: str, *labels: str) -> Counter:
    return Counter(f"provisiond_{name}", text, labels, registry=registry)


def _gauge(name: str, text: str, *labels: str) -> Gauge:
    return Gauge(f"provisiond_{name}", text, labels, registry=registry)


def _seconds(name: str, text: str, *labels: str, buckets: tuple[float, ...]) -> Histogram:
    return Histogram(f"provisiond_{name}", text, labels, registry=registry, buckets=buckets)


def _many_seconds(name: str, text: str, *labels: str, buckets: tuple[float, ...]) -> BatchHistogram:
    return BatchHistogram(f"provisiond_{name}", text, labels, registry=registry, buckets=buckets)


# The queue
operations_total = _counter(
    "operations_total", "Tries of operations that ended, by the status they ended in.", "connector", "type", "status"
)
operation_wait_seconds = _many_seconds(
    "operation_wait_seconds",
    "Time from an operation's acceptance to its completion, waits included.",
    "connector",
    buckets=_WAIT_SECONDS,
)
operation_duration_seconds = _many_seconds(
    "operation_duration_seconds",
    "Time one try of an operation took, hooks and correlation included.",
    "connector",
    "type",
    buckets=_CALL_SECONDS,
)
claims_total = _counter(
    "claims_total", "Looks for work in the queue, by whether any was found (work, empty).", "result"
)
claimed_operations_total = _counter("claimed_operations_total", "Operations this process took to run.", "connector")
fenced_total = _counter(
    "fenced_total", "Results that were refused because another process owned the operation by then."
)
rescued_total = _counter("rescued_total", "Operations taken back from a process that fell silent.")
queue_depth = _gauge("queue_depth", "Operations that are not finished, by status.", "status")
queue_target_depth = _gauge(
    "queue_target_depth", "Operations of a target that are not finished, by status.", "connector", "status"
)
held_oldest_seconds = _gauge(
    "held_oldest_seconds", "How long the operation that was claimed first, of those running now, has been held."
)
queue_rows = _gauge(
    "queue_rows", "Rows of the queue's table by PostgreSQL's estimate, by kind (live, dead: not vacuumed yet).", "kind"
)
oldest_snapshot_transactions = _gauge(
    "oldest_snapshot_transactions",
    "Transactions since the oldest snapshot that keeps dead rows, by whose it is (ours, other, prepared, slot).",
    "holder",
)
oldest_snapshot_seconds = _gauge(
    "oldest_snapshot_seconds", "Age of the oldest snapshot that keeps dead rows, where it can be seen.", "holder"
)
history_first_day_timestamp = _gauge(
    "history_first_day_timestamp", "The first day of history that is kept, as Unix time in seconds."
)
history_last_day_timestamp = _gauge(
    "history_last_day_timestamp", "The last day that history has a place for, as Unix time in seconds."
)
oldest_pending_seconds = _gauge(
    "oldest_pending_seconds", "Age of the oldest operation that could run now and does not."
)
running_operations = _gauge("running_operations", "Operations this process runs at this moment.")
dead_letters = _gauge("dead_letters", "Operations given up that wait for a person.", "connector")
last_claim_timestamp = _gauge(
    "last_claim_timestamp", "When this process last looked for work, as Unix time in seconds."
)

# Targets
breaker_state = _gauge(
    "breaker_state", "Whether a target is called: 0 yes, 1 tried carefully after a failure, 2 not called.", "connector"
)
target_calls_total = _counter(
    "target_calls_total",
    "Calls to a target by kind of call and result (ok, or the class of the error).",
    "connector",
    "call",
    "result",
)
target_call_seconds = _seconds(
    "target_call_seconds", "Time a target took to answer a call.", "connector", "call", buckets=_CALL_SECONDS
)
target_slots_in_use = _gauge("target_slots_in_use", "Operations of a target that this process runs now.", "connector")

# Reconciliation and import
recon_runs_total = _counter(
    "recon_runs_total", "Runs that ended, by kind, mode and status.", "connector", "kind", "mode", "status"
)
recon_accounts_total = _counter("recon_accounts_total", "Accounts that runs have read from a target.", "connector")
retired_total = _counter("retired_total", "Rows of reconciliation and correlation let go of for their age.", "what")
recon_run_seconds = _seconds("recon_run_seconds", "Time a run took.", "connector", "kind", buckets=_RUN_SECONDS)
discrepancies = _gauge("discrepancies", "Differences found by runs and not settled yet.", "connector", "type")
last_success_timestamp = _gauge(
    "last_success_timestamp",
    "When a run of this connector last completed, as Unix time in seconds.",
    "connector",
    "kind",
)

# Intake and planning
inbox_events_total = _counter(
    "inbox_events_total", "Events received, by source and result (accepted, duplicate, rejected).", "source", "result"
)
inbox_depth = _gauge("inbox_depth", "Events accepted and not planned yet.")
identities_total = _counter(
    "identities_total", "Identities written, by what happened (created, updated, deleted, unchanged).", "result"
)
planned_total = _counter(
    "planned_total",
    "Identities compared with an account they should have, by result (create, update, delete, nothing, error).",
    "connector",
    "result",
)
correlations_total = _counter(
    "correlations_total",
    "Searches for the account of an identity that is to get one, by decision (auto, review, none).",
    "connector",
    "decision",
)
open_cases = _gauge("open_cases", "Correlation cases that wait for a person.", "connector")
safeguard_held_total = _counter(
    "safeguard_held_total", "Removals held back because there were too many at once.", "connector"
)

# Hooks
hook_calls_total = _counter(
    "hook_calls_total", "Calls of scripts by result: ok, or the class of the error such as hook.timeout.", "class"
)
hook_seconds = _seconds("hook_seconds", "Time a call of a script took.", buckets=_HOOK_SECONDS)
hook_workers = _gauge("hook_workers", "Sandboxed processes for scripts that are alive.")
hook_restarts_total = _counter("hook_restarts_total", "Sandboxed processes replaced, by reason (lost, worn).", "reason")
hook_suspensions_total = _counter(
    "hook_suspensions_total", "Scripts stopped for killing their sandboxes, by what they are: hook or mapping.", "kind"
)
sandbox_level = _gauge(
    "sandbox_level",
    "How well scripts are locked in: 2 by the kernel's system call filter, 1 by limits only, 0 not at all.",
)

# The daemon
loop_runs_total = _counter(
    "loop_runs_total", "Rounds of the background duties, by result (ok, database_away, failed).", "duty", "result"
)
loop_seconds = _seconds("loop_seconds", "Time one round of a background duty took.", "duty", buckets=_CALL_SECONDS)
heartbeat_timestamp = _gauge(
    "heartbeat_timestamp", "When this process last renewed its lease, as Unix time in seconds."
)
workers_alive = _gauge("workers_alive", "Daemon processes on this database that hold a lease.")
database_pool_connections = _gauge(
    "database_pool_connections", "Connections to our database, by state (busy, idle).", "state"
)
http_requests_total = _counter(
    "http_requests_total",
    "Requests to API and console, by method and class of status (2xx, 4xx, ...).",
    "method",
    "status",
)
http_request_seconds = _seconds(
    "http_request_seconds", "Time until the answer to a request began.", "method", buckets=_CALL_SECONDS
)
log_lines_suppressed_total = _counter("log_lines_suppressed_total", "Log lines left out because many failed alike.")
build_info = Info("provisiond_build", "Version of the daemon and of Python.", registry=registry)


def render() -> bytes:
    """All metrics in the text format of Prometheus, to be sent as ``CONTENT_TYPE``."""
    return generate_latest(registry)
