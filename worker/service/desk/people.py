"""Views of identities with both sides of their accounts."""

import base64
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from worker.console import (
    AccountView,
    AttributeChange,
    ConnectorBrief,
    IdentityDetail,
    IdentityFilter,
    IdentityPage,
    IdentityRow,
    OperationRow,
    SourceWord,
)
from worker.domain.account import AccountState
from worker.domain.redaction import shown
from worker.service.desk.audit import entries_of
from worker.service.desk.briefs import briefs, change, gone
from worker.service.desk.operations import row_of as operation_row
from worker.service.desk.slices import cut, read
from worker.store import identity_sources, listings, listings_people
from worker.store.listings import OperationQuery
from worker.store.listings_people import Place
from worker.store.pool import Connection
from worker.store.sql import Record

_OPERATIONS_SHOWN = 20


async def page(conn: Connection, tenant_id: UUID, *, where: IdentityFilter) -> IdentityPage:
    """One slice of the people by user name."""
    rows = await listings_people.page(
        conn,
        tenant_id,
        q=where.q,
        active=where.active,
        after=read(where.older, _place),
        before=read(where.newer, _place) if where.older is None else None,
        limit=where.limit + 1,
    )
    shown_rows, cursors = cut(rows, where, place=_cursor)
    return IdentityPage(
        rows=tuple(_row(row) for row in shown_rows),
        by_active=await listings_people.counts(conn, tenant_id, q=where.q),
        as_of=datetime.now(UTC),
        cursors=cursors,
    )


async def detail(conn: Connection, tenant_id: UUID, *, identity_id: UUID) -> IdentityDetail | None:
    """One person with accounts, operations and what people did."""
    row = await listings_people.get(conn, tenant_id, identity_id=identity_id)
    if row is None:
        return None
    connectors = await briefs(conn, tenant_id)
    accounts = await listings_people.accounts(conn, tenant_id, identity_id=identity_id)
    rows = await listings.operations(
        conn, tenant_id, where=OperationQuery(user_id=identity_id), limit=_OPERATIONS_SHOWN
    )
    operations = tuple(operation_row(each) for each in rows)
    live = {each.id: each for each in operations}
    return IdentityDetail(
        row=_row(row),
        attributes=shown(row["attributes"]),
        sources={name: _source(said, connectors) for name, said in row["authority"].items()},
        accounts=tuple(
            _account(each, connectors.get(each["connector_id"]) or gone(each["connector_id"]), live)
            for each in accounts
        ),
        operations=operations,
        created_at=row["created_at"],
        version=row["version"],
        is_emergency_disabled=row["disabled_at"] is not None,
        audit=await entries_of(conn, tenant_id, object_type="identity", object_id=str(identity_id)),
        words=_words(row["authority"], await identity_sources.of_identity(conn, tenant_id, identity_id=identity_id)),
    )


def _row(row: Record) -> IdentityRow:
    attributes = row["attributes"]
    full = " ".join(str(attributes[name]) for name in ("given_name", "family_name") if attributes.get(name))
    return IdentityRow(
        id=row["id"],
        external_id=row["external_id"],
        user_name=row["user_name"],
        display_name=str(attributes.get("display_name") or full or row["user_name"]),
        active=row["active"] and row["disabled_at"] is None,
        updated_at=row["updated_at"],
        department=str(attributes["department"]) if attributes.get("department") else None,
        accounts=row["accounts"],
        trouble=row["trouble"],
    )


def _account(row: Record, connector: ConnectorBrief, live: dict[UUID, OperationRow]) -> AccountView:
    wanted = {**(row["wanted"] or {}), **(row["hooked"] or {})}
    observed = row["observed"] or {}
    return AccountView(
        id=row["id"],
        connector=connector,
        object_class=row["object_class"],
        state=AccountState(row["state"]),
        situation=_situation(row),
        uid=row["uid"],
        wanted_active=row["wanted_active"],
        observed_active=row["observed_active"],
        changes=(*_switch(row), *_sides(observed, wanted)),
        observed_at=max(filter(None, (row["last_run_at"], row["last_change_at"])), default=None),
        gone_since=row["gone_at"],
        last_change_at=row["last_change_at"],
        last_change_by=row["last_change_by_name"],
        last_change_run_id=row["last_change_run"],
        last_change_operation_id=row["last_change_operation"],
        live_operation=live.get(row["head_id"]) if row["head_id"] else None,
    )


def _sides(observed: dict[str, object], wanted: dict[str, object]) -> tuple[AttributeChange, ...]:
    """What the target has, against what it should have; a source's account has one side only."""
    names = sorted(wanted) if wanted else sorted(observed)
    return tuple(change(name, observed.get(name), wanted.get(name) if wanted else observed.get(name)) for name in names)


def _switch(row: Record) -> tuple[AttributeChange, ...]:
    """Whether it is enabled, where both sides are known."""
    observed, wanted = row["observed_active"], row["wanted_active"]
    if observed is None or wanted is None:
        return ()
    words = {True: "enabled", False: "disabled"}
    return (AttributeChange("active", words[observed], words[wanted]),)


def _situation(row: Record) -> str:
    if row["state"] == AccountState.DEAD:
        return "deleted"
    if row["is_collision"]:
        return "collision"
    return "disputed" if row["is_disputed"] else "linked"


def _words(authority: dict[str, str], rows: Sequence[Record]) -> dict[str, tuple[SourceWord, ...]]:
    """Who says what of an attribute; whoever is believed comes first."""
    found: dict[str, list[SourceWord]] = {}
    for row in rows:
        name = row["attribute"]
        word = SourceWord(
            source=row["connector_name"] or row["source"],
            value=shown({name: row["value"]})[name],
            is_believed=authority.get(name) == row["source"],
            seen_at=row["seen_at"],
        )
        found.setdefault(name, []).append(word)
    return {name: tuple(sorted(words, key=lambda word: not word.is_believed)) for name, words in found.items()}


def _source(said: str, connectors: dict[UUID, ConnectorBrief]) -> str:
    """Who said an attribute, by the name people know."""
    try:
        found = connectors.get(UUID(said))
    except ValueError:
        return said
    return found.name if found else "deleted connector"


def _cursor(row: Record) -> str:
    return base64.urlsafe_b64encode(json.dumps([row["user_name_key"], str(row["id"])]).encode()).decode()


def _place(cursor: str) -> Place:
    key, id_ = json.loads(base64.urlsafe_b64decode(cursor))
    return str(key), UUID(id_)
