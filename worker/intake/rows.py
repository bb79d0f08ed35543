"""Rows of a source, written into identities: only what changed, set-based, in the caller's transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from worker.domain.account import TargetAccount
from worker.domain.ids import uuid7
from worker.domain.operation import Origin
from worker.domain.precedence import Sharing
from worker.domain.run import Run
from worker.intake.changes import Applied, Shared, SourceRow, apply_row
from worker.intake.form import ImportForm, Unreadable, hash_of_row, key_trouble, read_row
from worker.intake.seen import SeenKeys
from worker.store import identities, identity_sources, plan_items, source_accounts, tenant
from worker.store.identities import StoredIdentity
from worker.store.identity_sources import Words
from worker.store.pool import Connection
from worker.store.source_accounts import RowToKeep, Source


class Raced(Exception):
    """Another intake made one of these people meanwhile; the transaction must be done again."""


@dataclass(frozen=True, slots=True)
class Into:
    """What rows are imported for: the run, the source they are of, the form they are read with, what it has shown."""

    run: Run
    source: Source
    form: ImportForm
    seen: SeenKeys

    @property
    def authority(self) -> str:
        return str(self.source.connector_id)


@dataclass(slots=True)
class PageResult:
    """What a page did to people, and what could not be imported of it."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    errors: list[Unreadable] = field(default_factory=list)
    total: int = 0
    #: what ``seen`` has been told beside the keys
    claimed: bytes = b""

    def tally(self) -> dict[str, int]:
        return {"created": self.created, "updated": self.updated, "unchanged": self.unchanged}


@dataclass(frozen=True, slots=True)
class Item:
    """A readable row that is not as we know it; ``is_returning``: the source did not have it, or not lately."""

    account: TargetAccount
    row: SourceRow
    hash: int
    is_returning: bool


People = Mapping[str, StoredIdentity]


def importable(
    accounts: Sequence[TargetAccount], repeated: Sequence[bool]
) -> tuple[list[TargetAccount], list[Unreadable]]:
    """The rows with a key of their own. Which of two with one key is right nobody can know; the first one stays."""
    kept, errors = [], []
    for account, is_repeated in zip(accounts, repeated, strict=True):
        trouble = "Its key came before in this listing; the first one was taken." if is_repeated else None
        trouble = trouble or key_trouble(account.uid)
        if trouble is None:
            kept.append(account)
        else:
            errors.append(Unreadable(account.uid, trouble))
    return kept, errors


def _claim(into: Into, items: list[Item], result: PageResult) -> list[Item]:
    """In a dry run nothing tells that a row of an earlier page has made somebody with this external id: this does."""
    repeated, result.claimed = into.seen.add(f"\0{item.row.external_id}" for item in items)
    kept = []
    for item, is_repeated in zip(items, repeated, strict=True):
        if is_repeated:
            message = f"{into.form.external_id} is that of an earlier row already."
            result.errors.append(Unreadable(item.row.uid, message))
        else:
            kept.append(item)
    return kept


async def import_rows(conn: Connection, into: Into, accounts: Sequence[TargetAccount]) -> PageResult:
    """Write what changed; a dry run counts only. Raises Raced."""
    result = PageResult()
    items = await _changed(conn, into, accounts, result)
    if not items:
        return result
    stored = await identities.lock(
        conn, tenant_id=into.run.tenant_id, external_ids=[item.row.external_id for item in items]
    )
    if into.form.external_id is not None:
        items = await _one_row_each(conn, into, items, stored, result)
        if into.run.dry_run:
            items = _claim(into, items, result)
    shared = await shared_by(conn, into.run.tenant_id, [each.id for each in stored.values()])
    after = _apply(into, items, stored, result, shared=shared)
    if not into.run.dry_run:
        await tenant.keep_plans(conn)
        await _store(conn, into, items, stored, after)
    return result


@dataclass(frozen=True, slots=True)
class SharedBy:
    """What several systems may say about people, and what they said last of each."""

    sharing: Sharing
    words: Mapping[UUID, Words]

    def of(self, person: StoredIdentity | None) -> Shared:
        return Shared(self.sharing, self.words.get(person.id, {}) if person is not None else {})


async def shared_by(conn: Connection, tenant_id: UUID, ids: Sequence[UUID]) -> SharedBy:
    """Read for these people, who are locked; nothing more than one look where nothing is shared."""
    sharing = await identity_sources.sharing(conn, tenant_id)
    words = await identity_sources.words(conn, tenant_id, identity_ids=ids) if sharing.names else {}
    return SharedBy(sharing, words)


async def _changed(conn: Connection, into: Into, accounts: Sequence[TargetAccount], result: PageResult) -> list[Item]:
    hashes = [hash_of_row(into.form, account) for account in accounts]
    places = await source_accounts.changed(conn, into.source, uids=[account.uid for account in accounts], hashes=hashes)
    result.unchanged = len(accounts) - len(places)
    items = []
    for place, is_returning in sorted(places.items()):
        row = read_row(into.form, accounts[place])
        if isinstance(row, Unreadable):
            result.errors.append(row)
        else:
            items.append(Item(accounts[place], row, hashes[place], is_returning))
    return items


async def _one_row_each(
    conn: Connection, into: Into, items: Sequence[Item], stored: People, result: PageResult
) -> list[Item]:
    """Refuse rows whose external id another row of the source has; only possible where it is not the key."""
    owners = [(stored[item.row.external_id].id, item.row.uid) for item in items if item.row.external_id in stored]
    taken = await source_accounts.others_of(conn, into.source, owners=owners)
    first: dict[str, str] = {}
    kept = []
    for item in items:
        known = stored.get(item.row.external_id)
        other = taken.get(known.id) if known else None
        other = other or first.setdefault(item.row.external_id, item.row.uid)
        if other == item.row.uid:
            kept.append(item)
        else:
            message = f"{into.form.external_id} is that of the row {other} already."
            result.errors.append(Unreadable(item.row.uid, message))
    return kept


def _apply(
    into: Into, items: Sequence[Item], stored: People, result: PageResult, *, shared: SharedBy
) -> dict[str, Applied]:
    after: dict[str, Applied] = {}
    for item in items:
        before = stored.get(item.row.external_id)
        applied = apply_row(
            before,
            item.row,
            authority=into.authority,
            is_returning=item.is_returning,
            new_id=uuid7(),
            shared=shared.of(before),
        )
        after[item.row.external_id] = applied
        if before is None:
            result.created += 1
        elif applied.identity.version != before.version:
            result.updated += 1
        else:
            result.unchanged += 1
    return after


async def _store(
    conn: Connection, into: Into, items: Sequence[Item], stored: People, applied: Mapping[str, Applied]
) -> None:
    run = into.run
    after = {key: each.identity for key, each in applied.items()}
    new = [each for key, each in after.items() if key not in stored]
    if new and len(await identities.insert(conn, tenant_id=run.tenant_id, identities=new)) != len(new):
        raise Raced
    touched = [each for key, each in after.items() if key in stored and each != stored[key]]
    if touched:
        await identities.update(conn, tenant_id=run.tenant_id, identities=touched)
    said = identity_sources.spread({each.identity.id: each.said for each in applied.values() if each.said})
    await identity_sources.write(conn, run.tenant_id, said=said, run_id=run.id)
    rows = [
        RowToKeep(i.row.uid, after[i.row.external_id].id, i.account.attributes, i.account.active, i.hash) for i in items
    ]
    await source_accounts.upsert(conn, into.source, rows=rows, run_id=run.id)
    moved = [each.id for each in touched if each.version != stored[each.external_id].version]
    moved += [each.id for each in new]
    await plan_items.ask(
        conn,
        tenant_id=run.tenant_id,
        identity_ids=moved,
        origin=Origin.SOURCE,
        run_id=run.id,
        correlation_ids=[run.correlation_id] * len(moved),
    )
