"""Identities and their accounts on the wire."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from worker.domain.redaction import shown
from worker.store.sql import Record


class ReasonBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=2000)


class ProvisionBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    connector_id: UUID | None = None


class Identity(BaseModel):
    """One person; ``disabled_at`` while an emergency disable holds."""

    id: UUID
    external_id: str
    user_name: str
    attributes: dict[str, Any]
    active: bool
    disabled_at: datetime | None
    authority: dict[str, str]
    version: int
    created_at: datetime
    updated_at: datetime


class SourceWord(BaseModel):
    """What a source or target said last of an attribute that several may say; ``is_believed``: the person has it.

    ``source`` is a connector's id or ``event:<source>``; ``run_id`` is the run that brought it, null for an event and
    for what was known before anybody else had a word.
    """

    attribute: str
    source: str
    connector_name: str | None
    value: Any
    is_believed: bool
    seen_at: datetime
    run_id: UUID | None


class IdentityDetail(Identity):
    """One person, with what each source says of the attributes that come back from targets."""

    sources: list[SourceWord]


class IdentityList(BaseModel):
    identities: list[Identity]
    total: int
    limit: int
    next_cursor: str | None = None


class Account(BaseModel):
    """Both sides of one account: what it should have and what the target was last seen to have."""

    id: UUID
    connector_id: UUID
    object_class: str
    uid: str | None
    state: str
    wanted: dict[str, Any] | None
    wanted_active: bool | None
    observed: dict[str, Any] | None
    observed_active: bool | None
    live_operations: int
    gone_since: datetime | None
    last_change_at: datetime | None
    last_change_run: UUID | None
    last_change_operation: UUID | None
    match: dict[str, Any] | None


class AccountList(BaseModel):
    accounts: list[Account]
    total: int


class Disabled(BaseModel):
    """The operations that disable the accounts; ``left_alone`` accounts are protected and stay as they are."""

    operations: list[UUID]
    left_alone: int


class Provisioned(BaseModel):
    """How many repairs were started beside planning the person again."""

    repairs: int


def identity_of(row: Record) -> Identity:
    """A listed person, without secrets."""
    fields = {name: row[name] for name in Identity.model_fields}
    return Identity.model_validate({**fields, "attributes": shown(row["attributes"])})


def detail_of(row: Record, words: Sequence[Record]) -> IdentityDetail:
    """One person with who says what, without secrets."""
    authority = row["authority"]
    sources = [
        SourceWord(
            attribute=each["attribute"],
            source=each["source"],
            connector_name=each["connector_name"],
            value=shown({each["attribute"]: each["value"]})[each["attribute"]],
            is_believed=authority.get(each["attribute"]) == each["source"],
            seen_at=each["seen_at"],
            run_id=each["run_id"],
        )
        for each in words
    ]
    return IdentityDetail(**identity_of(row).model_dump(), sources=sources)


def account_of(row: Record) -> Account:
    """A listed account, without secrets."""
    wanted = {**(row["wanted"] or {}), **(row["hooked"] or {})} if row["wanted"] is not None else None
    return Account(
        id=row["id"],
        connector_id=row["connector_id"],
        object_class=row["object_class"],
        uid=row["uid"],
        state=row["state"],
        wanted=shown(wanted) if wanted is not None else None,
        wanted_active=row["wanted_active"],
        observed=shown(row["observed"]) if row["observed"] is not None else None,
        observed_active=row["observed_active"],
        live_operations=row["live"],
        gone_since=row["gone_at"],
        last_change_at=row["last_change_at"],
        last_change_run=row["last_change_run"],
        last_change_operation=row["last_change_operation"],
        match=row["match"],
    )
