"""Keeping the counts of operations short and right.

Statements that accept and end operations add rows of counts (``operations.sql``); lists sum them (``listings.sql``).
"""

from uuid import UUID

from worker.store.pool import Connection
from worker.store.sql import load

queries = load("operation_counts")

#: An hour of so many, or a minute of four times as many, is counted as one: lists read its rows one by one where a time
#: ends within it.
FEW = 10_000

#: Counts of what ended are of the day of the end: rows come to this one, and to the one before around midnight.
_NEW_DAYS_BACK = 1
_ALL_DAYS_BACK = 100_000


async def fold(conn: Connection, tenant_id: UUID, *, limit: int, of_all_days: bool = True) -> int:
    """Make one row of those that count the same, at most ``limit`` of a day and of what lives; how many it made.

    The sums never change. Safe when several do it at once. Older days, to which nothing comes any more, are only read
    with ``of_all_days``: what keeps them from being folded further may have ended meanwhile.
    """
    made = await queries.fold_living.run(conn, tenant_id=tenant_id, few=FEW, limit=limit)
    back = _ALL_DAYS_BACK if of_all_days else _NEW_DAYS_BACK
    for row in await queries.days.rows(conn, tenant_id=tenant_id, few=FEW, back=back):
        made += await queries.fold.run(conn, tenant_id=tenant_id, day=row["completed_day"], few=FEW, limit=limit)
    return made


async def recount(conn: Connection, tenant_id: UUID) -> int:
    """Set right what is counted of what lives; how many counts were wrong. Leaves it to whoever does it just now.

    Reads all that lives. A process of the step before counts nothing: while one runs, its work is missing until then.
    """
    if not await queries.alone.value(conn, tenant_id=tenant_id):
        return 0
    return await queries.recount.run(conn, tenant_id=tenant_id)


async def find_others(conn: Connection, tenant_id: UUID, *, limit: int) -> int:
    """Note of at most ``limit`` accounts that they hold operations of other people; of how many it was missing.

    In a transaction of its own, and a short one: whoever works on their lanes waits for it. Reads all that lives.
    """
    return await queries.find_others.run(conn, tenant_id=tenant_id, limit=limit)


async def tenants(conn: Connection, *, after: UUID | None, limit: int) -> list[UUID]:
    """The next tenants in the order of their ids."""
    return [row["id"] for row in await queries.tenants.rows(conn, after=after, limit=limit)]
