"""Ranges of a run's listing: who lists which, and what they found that the run does not count yet.

Guarantees:

- a range is listed by one process at a time: every write carries its fence (owner, epoch), and writes nothing when
  another process has the range, or the run is not under way any more;
- what a page of a range found is counted with its checkpoint, in the range; ``owed`` hands it over to the run once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from worker.domain.run import RangeClaim, Run
from worker.store.pool import Connection
from worker.store.sql import Record, load

queries = load("run_ranges")

#: The pages of range n have the numbers from n times this on.
PAGES_A_RANGE = 1 << 24

#: More of them help nobody: so many processes do not list one target.
MOST = 64

_PROCESSED, _TOTAL, _NEW, _FOUND, _DETECTED = "processed", "accounts_total", "new", "found:", "detected:"


@dataclass(frozen=True, slots=True)
class Range:
    """The objects behind the mark ``after`` and up to ``upto``; None: no end there."""

    number: int
    after: str | None
    upto: str | None
    is_over: bool = False
    claim: RangeClaim | None = None

    @property
    def first_page(self) -> int:
        """The number of its first page."""
        return self.number * PAGES_A_RANGE


@dataclass(slots=True)
class Owed:
    """What ranges found and noted that the run does not count yet; ``facts`` of each range, in their order."""

    processed: int = 0
    total: int | None = None
    new: int = 0
    by_type: dict[str, int] = field(default_factory=dict)
    detected: dict[str, int] = field(default_factory=dict)
    tally: dict[str, int] = field(default_factory=dict)
    facts: list[dict[str, Any]] = field(default_factory=list)


async def insert(conn: Connection, run: Run, marks: Sequence[str]) -> None:
    """Divide the listing of a run at these marks."""
    await queries.insert.run(
        conn,
        tenant_id=run.tenant_id,
        run_id=run.id,
        numbers=list(range(1, len(marks) + 2)),
        after=[None, *marks],
        upto=[*marks, None],
    )


async def every(conn: Connection, run: Run) -> list[Range]:
    """All of them, in order."""
    rows = await queries.all.rows(conn, tenant_id=run.tenant_id, run_id=run.id)
    return [_range(row) for row in rows]


async def claim(conn: Connection, *, tenant_id: UUID, run_id: UUID, owner: UUID, is_helper: bool) -> Range | None:
    """The first that nobody lists, now ours. ``is_helper``: not for who leads the run."""
    row = await queries.claim.row(conn, tenant_id=tenant_id, run_id=run_id, owner=owner, is_helper=is_helper)
    return _range(row) if row else None


async def release(conn: Connection, run: Run, claimed: RangeClaim) -> None:
    """Others may go on with it, if it is still ours."""
    await queries.release.run(conn, tenant_id=run.tenant_id, id=run.id, **_fence(claimed))


async def advance(conn: Connection, run: Run, part: RangeClaim, noted: Mapping[str, Any]) -> Record | None:
    """``runs.advance`` for one range: nothing when it is not ours any more, or the run is not under way."""
    tally, facts, total = dict(noted["tally"]), dict(noted["facts"]), noted["total"]
    if noted["processed"]:
        tally[_PROCESSED] = noted["processed"]
    if total is not None:
        facts[_TOTAL] = total
    values = {**noted, "tally": tally, "facts": facts}
    return await queries.advance.row(conn, tenant_id=run.tenant_id, id=run.id, **_fence(part), **values)


def findings(by_type: Mapping[str, int], *, new: int, detected: Mapping[str, int]) -> dict[str, int]:
    """What was found, as numbers of a range's tally."""
    kinds = {_FOUND + kind: n for kind, n in by_type.items()} | {_DETECTED + kind: n for kind, n in detected.items()}
    return {**kinds, _NEW: new}


async def owed(conn: Connection, run: Run) -> Owed:
    """What the run does not count yet. The caller counts it, in the same transaction."""
    rows = await queries.owed.rows(conn, tenant_id=run.tenant_id, run_id=run.id)
    result = Owed()
    for row in rows:
        facts = row["facts"]
        result.total = facts.pop(_TOTAL, result.total)
        result.facts.append(facts)
        _add(result, row["tally"].items())
    await queries.clear.run(conn, tenant_id=run.tenant_id, run_id=run.id, numbers=[row["number"] for row in rows])
    return result


def _add(result: Owed, tally: Iterable[tuple[str, int]]) -> None:
    for name, n in tally:
        if name == _PROCESSED:
            result.processed += n
        elif name == _NEW:
            result.new += n
        else:
            kind, into = _place_of(result, name)
            into[kind] = into.get(kind, 0) + n


def _place_of(result: Owed, name: str) -> tuple[str, dict[str, int]]:
    if name.startswith(_FOUND):
        return name.removeprefix(_FOUND), result.by_type
    if name.startswith(_DETECTED):
        return name.removeprefix(_DETECTED), result.detected
    return name, result.tally


def _fence(claimed: RangeClaim) -> dict[str, Any]:
    return {"number": claimed.number, "owner": claimed.owner, "epoch": claimed.epoch}


def _range(row: Record) -> Range:
    held = RangeClaim(row["number"], row["owner"], row["epoch"]) if row["owner"] else None
    return Range(row["number"], row["after"], row["upto"], row["is_over"], held)
