"""How often hooks were called, how they failed and how long they took: counts of minutes that all processes add to."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from worker.store.pool import Connection
from worker.store.sql import Record, load

queries = load("hook_stats")

#: Calls of up to 64 microseconds are in the first bucket; each other is for twice as long as the one before it.
BUCKETS = 16
FIRST_US = 64
#: The class of a call that did not fail.
OK = "ok"


@dataclass(slots=True)
class Counted:
    """Calls of one version in one minute that ended in one way; durations in microseconds."""

    calls: int = 0
    total_us: int = 0
    histogram: list[int] = field(default_factory=lambda: [0] * BUCKETS)
    last_error: dict[str, Any] | None = None
    last_at: datetime | None = None

    def add(self, duration_us: int, *, at: datetime, error: dict[str, Any] | None = None) -> None:
        """Count one call."""
        self.calls += 1
        self.total_us += duration_us
        self.histogram[bucket_of(duration_us)] += 1
        self.last_error, self.last_at = error, at

    def joined(self, newer: "Counted") -> "Counted":
        """This and what was counted after it."""
        both = [a + b for a, b in zip(self.histogram, newer.histogram, strict=True)]
        return Counted(self.calls + newer.calls, self.total_us + newer.total_us, both, newer.last_error, newer.last_at)


@dataclass(frozen=True, slots=True)
class Key:
    """What is counted together; ``minute`` is its beginning, ``hook_class`` is ``ok`` or the class of the failure."""

    hook_id: UUID
    minute: datetime
    version: int
    hook_class: str


@dataclass(frozen=True, slots=True)
class Summary:
    """What is known of the calls of one version, or of all of a hook's (``version`` None).

    ``errors``: how many failed, by class. ``p50_us`` and ``p99_us`` are of the calls that did not fail, None without
    any; true within their bucket, whose ends are a factor of two apart. ``last_error`` as the script's failure was.
    """

    calls: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    p50_us: int | None = None
    p99_us: int | None = None
    last_error: dict[str, Any] | None = None
    last_error_at: datetime | None = None
    version: int | None = None
    versions: tuple["Summary", ...] = ()


def bucket_of(duration_us: int) -> int:
    """The place in a histogram of a call that took so long."""
    return min(max(((max(duration_us, 1) - 1) // FIRST_US).bit_length(), 0), BUCKETS - 1)


def percentile(histogram: Sequence[int], share: float) -> int | None:
    """The duration in microseconds that this share of calls did not exceed; None when there were none."""
    total = sum(histogram)
    if not total:
        return None
    wanted = share * total
    for place, count in enumerate(histogram):
        if count and wanted <= count:
            low, high = (0, FIRST_US) if place == 0 else (FIRST_US << (place - 1), FIRST_US << place)
            return round(low + (high - low) * max(wanted, 0) / count)
        wanted -= count
    return FIRST_US << (BUCKETS - 1)


async def add(conn: Connection, tenant_id: UUID, counted: dict[Key, Counted]) -> None:
    """Add what a process counted, in one statement."""
    if not counted:
        return
    await queries.add.run(
        conn,
        tenant_id=tenant_id,
        hook_ids=[key.hook_id for key in counted],
        minutes=[key.minute for key in counted],
        versions=[key.version for key in counted],
        classes=[key.hook_class for key in counted],
        calls=[each.calls for each in counted.values()],
        totals_us=[each.total_us for each in counted.values()],
        histograms=[each.histogram for each in counted.values()],
        last_errors=[each.last_error for each in counted.values()],
        last_at=[each.last_at for each in counted.values()],
    )


async def summary(
    conn: Connection, *, tenant_id: UUID, hook_ids: Sequence[UUID], since: datetime
) -> dict[UUID, Summary]:
    """Calls since a moment by hook, each with its ``versions``, the newest first; all hooks asked for are there."""
    rows = await queries.summary.rows(conn, tenant_id=tenant_id, hook_ids=list(hook_ids), since=since)
    of_hook: dict[UUID, list[Record]] = {each: [] for each in hook_ids}
    for row in rows:
        of_hook[row["hook_id"]].append(row)
    return {hook_id: _summed(found) for hook_id, found in of_hook.items()}


async def prune(conn: Connection, tenant_id: UUID, *, before: datetime, limit: int) -> int:
    """Drop counts of minutes before a moment; how many rows."""
    return await queries.prune.run(conn, tenant_id=tenant_id, before=before, limit=limit)


def _summed(rows: Sequence[Record]) -> Summary:
    versions = sorted({row["version"] for row in rows}, reverse=True)
    parts = tuple(_part([row for row in rows if row["version"] == version], version) for version in versions)
    return _part(rows, None, parts)


def _part(rows: Sequence[Record], version: int | None, parts: tuple[Summary, ...] = ()) -> Summary:
    errors: dict[str, int] = {}
    histogram = [0] * BUCKETS
    failed = [row for row in rows if row["class"] != OK]
    for row in failed:
        errors[row["class"]] = errors.get(row["class"], 0) + row["calls"]
    for row in rows:
        if row["class"] == OK:
            histogram = [a + b for a, b in zip(histogram, row["histogram"], strict=True)]
    last = max(failed, key=lambda row: row["last_at"], default=None)
    return Summary(
        calls=sum(row["calls"] for row in rows),
        errors=errors,
        p50_us=percentile(histogram, 0.5),
        p99_us=percentile(histogram, 0.99),
        last_error=last["last_error"] if last is not None else None,
        last_error_at=last["last_at"] if last is not None else None,
        version=version,
        versions=parts,
    )
