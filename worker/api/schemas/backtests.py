"""Back-tests of rules of correlation on the wire."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from worker.actions.rule_sets import Draft
from worker.correlation import figures
from worker.store.backtests import Backtest as Stored


class RefineBody(BaseModel):
    """What to learn from: ``decisions`` of people (how sure the rules are), or all ``data`` (their weights)."""

    model_config = ConfigDict(extra="forbid")

    learn_from: Literal["decisions", "data"] = "decisions"


class BacktestBody(BaseModel):
    """What to try: a rule set, or a stored version (0: the shipped rules)."""

    model_config = ConfigDict(extra="forbid")

    rule_set: dict[str, Any] | None = None
    version: int | None = Field(default=None, ge=0, le=2_000_000_000)
    sources_may_be_new: bool = False

    @model_validator(mode="after")
    def _has_one(self) -> "BacktestBody":
        if (self.rule_set is None) is (self.version is None):
            raise ValueError("give either a rule_set or a version")
        return self

    def as_draft(self) -> Draft | None:
        return Draft(self.rule_set, sources_may_be_new=self.sources_may_be_new) if self.rule_set is not None else None


class BacktestSide(BaseModel):
    """What one rule set says of all these accounts, and how right it is.

    ``auto``, ``review``, ``none`` count decisions. ``right`` and ``wrong`` are those it would link that people said
    something about; ``contradictions`` those it would link against their word, or leave to nobody against it.
    ``precision`` is right of both, ``share_linked`` how many of the owners that people named it finds unseen, ``ece``
    its calibration error; null while too little was decided. ``links_kept`` are links in force it would make again.
    """

    auto: int
    review: int
    none: int
    right: int
    wrong: int
    contradictions: int
    links_kept: int
    precision: float | None
    share_linked: float | None
    ece: float | None


class Flip(BaseModel):
    """An account about which the rules say something else than those in force.

    ``kind`` is ``auto_to_review``, ``review_to_auto``, ``auto_to_another`` and so on; ``said`` is, is_not, nobody, or
    linked where no person said anything. ``before`` and ``after`` tell decision, reason and the best candidate.
    """

    kind: str
    account_id: UUID
    uid: str | None
    owner_id: UUID | None
    said: str
    is_contradiction: bool
    before: dict[str, Any]
    after: dict[str, Any]


class Backtest(BaseModel):
    """``flips`` are examples of each kind, those against a person's word first; ``flip_counts`` are all of them."""

    id: UUID
    connector_id: UUID
    status: str
    origin: str
    base_version: int
    rule_set: dict[str, Any]
    accounts_done: int
    decided_by_people: int
    links: int
    new_contradictions: int
    flip_counts: dict[str, int]
    before: BacktestSide
    after: BacktestSide
    flips: list[Flip]
    error_message: str | None
    created_at: datetime | None
    created_by: UUID | None
    finished_at: datetime | None


class BacktestList(BaseModel):
    backtests: list[Backtest]


def backtest_of(found: Stored) -> Backtest:
    told = figures(found.counts)
    return Backtest(
        id=found.id,
        connector_id=found.connector_id,
        status=found.status,
        origin=found.origin,
        base_version=found.base_version,
        rule_set=found.rules,
        accounts_done=found.accounts_done,
        decided_by_people=found.counts.get("decided_by_people", 0),
        links=found.counts.get("links", 0),
        new_contradictions=found.counts.get("new_contradictions", 0),
        flip_counts=found.counts.get("flips", {}),
        before=_side(found.counts.get("before", {}), told["before"]),
        after=_side(found.counts.get("after", {}), told["after"]),
        flips=[Flip.model_validate(each) for each in found.flips],
        error_message=found.error_message,
        created_at=found.created_at,
        created_by=found.created_by,
        finished_at=found.finished_at,
    )


def _side(counts: dict[str, Any], told: dict[str, Any]) -> BacktestSide:
    return BacktestSide(**{**{name: counts.get(name, 0) for name in BacktestSide.model_fields}, **told})
