"""Audit entries, tokens and cases on the wire."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from worker.security import Role


class Entry(BaseModel):
    """One entry of the chain."""

    n: int
    at: datetime
    actor_id: UUID
    actor: str | None
    actor_kind: str | None
    action: str
    object_type: str
    object_id: str
    details: dict[str, Any]


class EntryList(BaseModel):
    entries: list[Entry]
    limit: int
    next_cursor: int | None = None


class TokenBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=100)
    roles: list[Role] = Field(min_length=1)
    expires_at: AwareDatetime | None = None


class NewToken(BaseModel):
    """``token`` is shown this once."""

    name: str
    token: str


class Token(BaseModel):
    id: UUID
    name: str
    roles: list[str]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


class TokenList(BaseModel):
    tokens: list[Token]
    total: int


class ConfirmBody(BaseModel):
    """The candidate: an identity for an account, the uid of an account for an identity."""

    model_config = ConfigDict(extra="forbid")

    identity_id: UUID | None = None
    uid: str | None = Field(default=None, max_length=2000)
    notes: str | None = Field(default=None, max_length=4000)


class RejectCaseBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    notes: str | None = Field(default=None, max_length=4000)


class CreateIdentityBody(BaseModel):
    """The person to make. Attributes that are not given are taken from the account, where the mapping only copies."""

    model_config = ConfigDict(extra="forbid")

    external_id: str = Field(min_length=1, max_length=256)
    user_name: str = Field(min_length=1, max_length=256)
    attributes: dict[str, Any] = Field(default_factory=dict, max_length=500)
    notes: str | None = Field(default=None, max_length=4000)


class CreatedIdentity(BaseModel):
    identity_id: UUID


class Case(BaseModel):
    """A question for a person, with its candidates and why each is one.

    ``kind`` is question, or spot_check for a link that the rules made and a person is to check: confirm, reject or
    reassign it, which takes the account from its owner.
    """

    id: UUID
    connector_id: UUID
    connector_name: str | None
    subject: str
    subject_name: str
    identity_id: UUID | None
    account_id: UUID | None
    operation_id: UUID | None
    kind: str
    status: str
    candidates: list[dict[str, Any]]
    explanation: str
    rule_set_version: int | None
    created_at: datetime
    decided_at: datetime | None
    decided_by: UUID | None
    decision: dict[str, Any] | None


class SaidBefore(BaseModel):
    """Something that a person said of an account or a person of a case; ``verdict`` is is, is_not or nobody."""

    verdict: str
    uid: str | None
    user_name: str | None
    decided_at: datetime
    decided_by: str | None


class AlikeCases(BaseModel):
    """Earlier decisions: how many cases of whose best candidate the rules said the same came to best, another, none

    or nobody, of the last 500 at that target; and what was said of those whom the case is about.
    """

    outcomes: dict[str, int]
    last_at: datetime | None
    about: list[SaidBefore]


class CaseList(BaseModel):
    cases: list[Case]
    total: int
    limit: int
    next_cursor: str | None = None
