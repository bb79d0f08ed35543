"""Tenant transactions: the only way to touch tenant data.

``SET LOCAL`` and never ``SET`` or ``set_config``: it ends with the transaction, so a pooled connection carries no
tenant to its next user, behind a transaction pooler as well, and a distributed server passes it on to its nodes.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from worker.store import due_work, notify
from worker.store.pool import (
    AnswerLost,
    Connection,
    DatabaseTrouble,
    Fate,
    OnlyReads,
    Pool,
    Unusable,
    fate_of,
    manners_of,
    throw_away,
)

#: A whole target waits for the end of a hot transaction. When its commit is not answered for so long it is looked for;
#: and a server that did not hear of a commit gives up what it would have held for whoever never comes back.
SILENT_S = 10.0
#: Undoing takes no time; whoever waits longer has lost the connection, and has waited for it once already.
ROLLBACK_S = 5.0


@asynccontextmanager
async def transaction(
    conn: Connection, tenant_id: UUID, *, is_hot: bool = False, by_hash: bool = False, is_growing: bool = False
) -> AsyncIterator[Connection]:
    """Open a transaction that sees the rows of one tenant; begin and setting travel in one round trip.

    ``is_hot``: for what works in batches and finds its rows by keys. It must not be planned as scans of a table
    that had next to no rows when it was last looked at, and neither side waits for the other longer than ``SILENT_S``
    once it is at its end. ``by_hash``: for what joins whole batches, which must not be compared pair by pair, and locks
    rows in the order of their keys, which is that of an index. ``is_growing``: for batches that read tables which may
    have been empty a moment ago, in the first import. Of an empty table every index looks alike, and the plan would be
    kept: so statements are planned for the tables as they are, until ``keep_plans``.
    """
    scans = "; SET LOCAL enable_seqscan = off" if is_hot or is_growing else ""
    joins = "; SET LOCAL enable_nestloop = off; SET LOCAL enable_bitmapscan = off" if by_hash else ""
    plans = "; SET LOCAL plan_cache_mode = force_custom_plan" if is_growing else ""
    waits = f"; SET LOCAL idle_in_transaction_session_timeout = {1000 * SILENT_S:.0f}" if is_hot else ""
    try:
        opening = manners_of(conn).opening
        await conn.execute(
            f"BEGIN{opening}; SET LOCAL app.tenant_id = '{UUID(str(tenant_id))}'{scans}{joins}{plans}{waits}"
        )
    except Unusable:
        throw_away(conn)
        raise
    with notify.told(conn), due_work.collected(conn):
        try:
            yield conn
            await due_work.write_asked(conn)
        except BaseException:
            await _roll_back(conn)
            raise
        await _commit(conn, within_s=SILENT_S if is_hot else None)


@asynccontextmanager
async def undone_alone(conn: Connection) -> AsyncIterator[None]:
    """What fails in here is undone, and what came before it in the transaction stays; the error goes on."""
    await conn.execute("SAVEPOINT alone")
    try:
        yield
    except BaseException:
        if not conn.is_closed():
            await conn.execute("ROLLBACK TO SAVEPOINT alone; RELEASE SAVEPOINT alone", timeout=ROLLBACK_S)
        raise
    await conn.execute("RELEASE SAVEPOINT alone")


async def keep_plans(conn: Connection) -> None:
    """What comes now in this transaction only writes, or finds its rows by the one index there is: plans are kept."""
    await conn.execute(f"SET LOCAL plan_cache_mode = {manners_of(conn).kept_plans}")


async def _commit(conn: Connection, *, within_s: float | None) -> None:
    """Commit; without an answer nobody knows whether it was, and the connection is thrown away.

    ``within_s``: how long the answer is waited for; None: as long as that of any statement. A hint behind it that could
    not be told is a lost hint, and no more: what it is about is committed. Where other nodes may refuse a commit,
    whatever they say, none is taken along.
    """
    hint = notify.along(conn) if manners_of(conn).commits_alone else ""
    try:
        await conn.execute("COMMIT" + hint, timeout=within_s)
    except DatabaseTrouble as error:
        fate = fate_of(error) if hint else Fate.AS_SAID
        if fate is Fate.COMMITTED:
            return
        if fate is Fate.UNKNOWN:
            throw_away(conn)
            raise AnswerLost("The server gave up either a commit or the hint behind it.") from error
        if isinstance(error, Unusable):
            throw_away(conn)
        raise


async def _roll_back(conn: Connection) -> None:
    """Undo; a connection that cannot even do that is thrown away, so that what really went wrong is what is raised."""
    try:
        if not conn.is_closed():
            await conn.execute("ROLLBACK", timeout=ROLLBACK_S)
    except Unusable:
        throw_away(conn)


@asynccontextmanager
async def tenant(
    pool: Pool, tenant_id: UUID, *, is_hot: bool = False, is_growing: bool = False, by_hash: bool = False
) -> AsyncIterator[Connection]:
    """Borrow a connection from the pool for one tenant transaction; see ``transaction``.

    A server that only reads is none of ours any more, however well its connections work: all are opened anew.
    """
    try:
        async with (
            pool.acquire() as conn,
            transaction(conn, tenant_id, is_hot=is_hot, is_growing=is_growing, by_hash=by_hash),
        ):
            yield conn
    except OnlyReads:
        await pool.expire_connections()
        raise
