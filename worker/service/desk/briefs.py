"""Small pieces that several views have: connectors in brief, one attribute on both sides."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from worker.console import AttributeChange, ConnectorBrief
from worker.domain.connector import BreakerState, ConnectorStatus
from worker.domain.redaction import MARK, is_secret
from worker.store import listings_targets
from worker.store.pool import Connection
from worker.store.sql import Record

#: What targets call the names of an account, letters only, the best first.
_DISPLAY = ("displayname", "fullname", "cn", "commonname", "nameformatted")
_GIVEN = ("givenname", "firstname", "namegivenname")
_FAMILY = ("familyname", "lastname", "surname", "sn", "namefamilyname")
_LOGINS = ("username", "login", "samaccountname", "userprincipalname", "uid")
_MAILS = ("mail", "email")


async def briefs(conn: Connection, tenant_id: UUID) -> dict[UUID, ConnectorBrief]:
    """All connectors by id, in the order of their names."""
    return {row["id"]: brief_of(row) for row in await listings_targets.connectors(conn, tenant_id)}


def brief_of(row: Record) -> ConnectorBrief:
    """A connector as far as other pages mention it."""
    return ConnectorBrief(
        id=row["id"],
        name=row["name"],
        type=row["type"],
        status=ConnectorStatus(row["status"]),
        breaker=BreakerState(row["breaker_state"]),
        breaker_since=row["breaker_opened_at"],
        last_error=row["last_error"],
        last_success_at=row["last_success_at"],
        is_target=row["is_target"],
    )


def gone(connector_id: UUID) -> ConnectorBrief:
    """What is shown for a connector that was deleted."""
    return ConnectorBrief(connector_id, "deleted connector", "", ConnectorStatus.INACTIVE)


def account_name(attributes: Mapping[str, Any], *, uid: str) -> tuple[str, str]:
    """The name of an account as people know it, and its login and uid as far as they say more."""
    by_word = {_folded(name): str(value) for name, value in attributes.items() if isinstance(value, str) and value}
    login = _first(by_word, _LOGINS)
    parts = " ".join(filter(None, (_first(by_word, _GIVEN), _first(by_word, _FAMILY))))
    label = _first(by_word, _DISPLAY) or parts or login or _first(by_word, _MAILS) or uid
    return label, " · ".join(dict.fromkeys(each for each in (login, uid) if each and each != label))


def _first(values: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((values[name] for name in names if name in values), None)


def _folded(name: str) -> str:
    """``displayName`` and ``display_name`` in one form."""
    return "".join(letter for letter in name.lower() if letter.isalnum())


def change(name: str, before: Any, after: Any) -> AttributeChange:
    """One attribute on both sides, secrets hidden."""
    if is_secret(name) or after == MARK:
        return AttributeChange(name, is_secret=True)
    return AttributeChange(name, before, after)
