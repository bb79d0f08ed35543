"""Back-tests of rule sets: what is asked for, how far it is, what was found, and what they are held against."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from worker.domain.correlation import Candidate
from worker.domain.ids import uuid7
from worker.store import due_work, identities
from worker.store.due_work import Kind
from worker.store.pool import Connection
from worker.store.sql import Record, load

queries = load("backtests")

#: Back-tests of one target that are kept beside the newest.
KEPT = 20


@dataclass(frozen=True, slots=True)
class Backtest:
    """One back-test. ``status``: pending, running, completed, failed or cancelled; ``phase``: decisions or links.

    ``counts`` and ``flips`` are as ``correlation.replay`` makes them; they grow until it is completed.
    """

    id: UUID
    connector_id: UUID
    rules: dict[str, Any]
    base_version: int
    base_rules: dict[str, Any]
    origin: str
    status: str
    phase: str
    done_to: UUID | None
    accounts_done: int
    counts: dict[str, Any] = field(default_factory=dict)
    flips: list[dict[str, Any]] = field(default_factory=list)
    error_message: str | None = None
    created_at: datetime | None = None
    created_by: UUID | None = None
    updated_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def is_live(self) -> bool:
        return self.status in {"pending", "running"}


@dataclass(frozen=True, slots=True)
class Settled:
    """An account of which something is settled; ``owner`` and ``match`` are those of a link."""

    account_id: UUID
    uid: str
    observed: dict[str, Any]
    owner: UUID | None = None
    match: dict[str, Any] = field(default_factory=dict)


async def start(
    conn: Connection,
    *,
    tenant_id: UUID,
    connector_id: UUID,
    rules: dict[str, Any],
    base_version: int,
    base_rules: dict[str, Any],
    origin: str = "person",
    created_by: UUID | None = None,
) -> UUID:
    """Ask for a back-test, in place of one of the same target that is still on its way; its id."""
    backtest_id = uuid7()
    where = {"tenant_id": tenant_id, "connector_id": connector_id}
    await queries.supersede.run(conn, **where)
    await queries.forget.run(conn, kept=KEPT, **where)
    await queries.insert.run(
        conn,
        id=backtest_id,
        rules=rules,
        base_version=base_version,
        base_rules=base_rules,
        origin=origin,
        created_by=created_by,
        **where,
    )
    await due_work.ask(conn, tenant_id, Kind.PLAN, tenant_id)
    return backtest_id


async def get(conn: Connection, *, tenant_id: UUID, backtest_id: UUID) -> Backtest | None:
    row = await queries.get.row(conn, tenant_id=tenant_id, id=backtest_id)
    return _backtest(row) if row else None


async def of_connector(conn: Connection, *, tenant_id: UUID, connector_id: UUID, limit: int = KEPT) -> list[Backtest]:
    """The back-tests of one target, the newest first."""
    rows = await queries.of_connector.rows(conn, tenant_id=tenant_id, connector_id=connector_id, limit=limit)
    return [_backtest(row) for row in rows]


async def next_one(conn: Connection, *, tenant_id: UUID) -> Backtest | None:
    """The back-test to go on with."""
    row = await queries.next.row(conn, tenant_id=tenant_id)
    return _backtest(row) if row else None


async def advance(conn: Connection, after: Backtest, *, tenant_id: UUID, before: Backtest) -> bool:
    """Write how far it is, unless somebody else has looked at the same page or it was cancelled; whether it was."""
    return bool(
        await queries.advance.run(
            conn,
            tenant_id=tenant_id,
            id=after.id,
            status=after.status,
            phase=after.phase,
            accounts_done=after.accounts_done,
            done_to=after.done_to,
            counts=after.counts,
            flips=after.flips,
            error_message=after.error_message,
            seen_phase=before.phase,
            seen_to=before.done_to,
        )
    )


async def cancel(conn: Connection, *, tenant_id: UUID, backtest_id: UUID) -> bool:
    """Stop one that is on its way; whether it was."""
    return bool(await queries.cancel.run(conn, tenant_id=tenant_id, id=backtest_id))


async def decided(
    conn: Connection, *, tenant_id: UUID, connector_id: UUID, after: UUID, limit: int
) -> tuple[list[Settled], UUID | None]:
    """Accounts that people said something about, in id order, and where to go on; None: that was the last page.

    Those that are gone are left out.
    """
    rows = await queries.decided.rows(conn, tenant_id=tenant_id, connector_id=connector_id, after=after, limit=limit)
    found = [Settled(row["account_id"], row["uid"], row["observed"] or {}) for row in rows if row["uid"] is not None]
    return found, rows[-1]["account_id"] if len(rows) == limit else None


async def matched(
    conn: Connection, *, tenant_id: UUID, connector_id: UUID, sample: int, seed: int = 0, after: UUID, limit: int
) -> tuple[list[Settled], UUID | None]:
    """Accounts that were linked for a reason, about ``sample`` of all of them, in pages as ``decided``."""
    where = {"tenant_id": tenant_id, "connector_id": connector_id}
    total: int = await queries.count_matched.value(conn, **where)
    stride = max(total // max(sample, 1), 1)
    rows = await queries.matched.rows(conn, stride=stride, remainder=seed % stride, after=after, limit=limit, **where)
    found = [
        Settled(row["account_id"], row["uid"], row["observed"] or {}, row["identity_id"], row["match"]) for row in rows
    ]
    return found, rows[-1]["account_id"] if len(rows) == limit else None


async def has_more_people(conn: Connection, *, tenant_id: UUID, than: int) -> bool:
    found: int = await queries.people_count.value(conn, tenant_id=tenant_id, most=than + 1)
    return found > than


async def people_named(conn: Connection, *, tenant_id: UUID, texts: Sequence[str]) -> list[UUID]:
    """Who has one of these texts as user name or external id."""
    lowered = [text.lower() for text in texts]
    rows = await queries.people_named.rows(conn, tenant_id=tenant_id, texts=list(texts), lowered=lowered)
    return [row["id"] for row in rows]


async def people(conn: Connection, *, tenant_id: UUID, ids: Sequence[UUID]) -> list[Candidate]:
    """These people as candidates, as if they had no account."""
    rows = await queries.people.rows(conn, tenant_id=tenant_id, ids=list(ids)) if ids else []
    known = [identities.from_row(row).as_identity() for row in rows]
    return [Candidate(each.id, each.as_source(), name=each.user_name) for each in known]


async def asked_about(conn: Connection, *, tenant_id: UUID, account_ids: Sequence[UUID]) -> dict[UUID, set[UUID]]:
    """The people whom cases about these accounts named, by account."""
    found: dict[UUID, set[UUID]] = {}
    for row in await queries.asked_about.rows(conn, tenant_id=tenant_id, account_ids=list(account_ids)):
        found.setdefault(row["account_id"], set()).add(row["ref_id"])
    return found


def _backtest(row: Record) -> Backtest:
    return Backtest(**dict(row.items()))
