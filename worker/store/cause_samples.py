"""The largest causes of very many mismatches, from a few in many places: what a page can afford.

Up to ``COUNTED`` mismatches all of them are grouped. Beyond that a sample is, whose size does not grow with them: what
explains one in a thousand is found, and numbers are estimates. What is approved is counted exactly elsewhere.
"""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from worker.domain.discrepancy import Resolution
from worker.store import cause_repairs
from worker.store.cause_repairs import Group
from worker.store.listings import custom_plans
from worker.store.pool import Connection
from worker.store.sql import Record, load

queries = load("cause_samples")

#: Grouping so many takes a tenth of a second.
COUNTED = 50_000
#: Where a sample is taken, and how many at each place.
PLACES, AT_EACH = 100, 300
_LAST = (1 << 128) - 1


async def largest(
    conn: Connection,
    *,
    tenant_id: UUID,
    connector_id: UUID,
    run_id: UUID | None = None,
    settled: bool = False,
    least: int = 1,
    limit: int = 50,
    counted: int = COUNTED,
) -> list[Group]:
    """What ``cause_repairs.groups`` gives, estimated where there are more than ``counted``; the largest first."""
    await custom_plans(conn)
    where: dict[str, Any] = {"tenant_id": tenant_id, "connector_id": connector_id}
    statuses = [str(each) for each in Resolution] if settled else [Resolution.PENDING.value]
    if await queries.many.value(conn, statuses=statuses, limit=counted + 1, **where) <= counted:
        return await cause_repairs.groups(conn, run_id=run_id, settled=settled, least=least, limit=limit, **where)
    return await _sampled(conn, where, statuses=statuses, run_id=run_id, settled=settled, least=least, limit=limit)


async def _sampled(
    conn: Connection,
    where: dict[str, Any],
    *,
    statuses: list[str],
    run_id: UUID | None,
    settled: bool,
    least: int,
    limit: int,
) -> list[Group]:
    total = await queries.total.value(conn, statuses=statuses, **where)
    ends = await queries.ends.row(conn, settled=settled, **where)
    if ends is None or ends["first"] is None:
        return []
    starts = list(places(ends["first"], ends["last"]))
    rows = await queries.groups.rows(
        conn,
        run_id=run_id,
        settled=settled,
        starts=starts,
        ends=[*starts[1:], UUID(int=_LAST)],
        each=AT_EACH,
        limit=limit,
        **where,
    )
    scale = total / rows[0]["looked"] if rows else 1.0
    known = await cause_repairs.samples(conn, keys=[row["sample"] for row in rows], **where)
    found = [_scaled(row, scale, known.get(row["sample"])) for row in rows]
    return [each for each in found if each.count >= least]


def _scaled(row: Record, scale: float, sample: Record | None) -> Group:
    n, alone, still = (round(row[name] * scale) for name in ("n", "alone", "open"))
    return Group(row["cause"], n, alone, still, sample, is_estimated=True)


def places(first: UUID, last: UUID) -> Iterator[UUID]:
    """Ids as far from each other as can be, from the first on: ids are in the order of time. Pure."""
    width = max((last.int - first.int) // PLACES, 1)
    return (UUID(int=first.int + place * width) for place in range(PLACES))
