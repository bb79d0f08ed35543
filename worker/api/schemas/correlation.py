"""Rules of correlation on the wire: versions, mistakes, differences."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from worker.actions.rule_sets import MAX_NOTE, Draft, InForce, Reviewed, RuleChanged
from worker.correlation import RuleProblem, figures
from worker.store.backtests import Backtest as Stored
from worker.store.sql import Record


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RuleSetBody(_Body):
    """A rule set: ``rules`` and, beside them, thresholds and the rest; what is left out has its default.

    ``sources_may_be_new`` lets rules read attributes of identities that nobody has yet.
    """

    rule_set: dict[str, Any]
    sources_may_be_new: bool = False

    def as_draft(self) -> Draft:
        return Draft(self.rule_set, sources_may_be_new=self.sources_may_be_new)


class RuleSetSaveBody(RuleSetBody):
    """``acknowledge_contradictions``: you have seen that these rules go against what people decided."""

    note: str = Field(default="", max_length=MAX_NOTE)
    acknowledge_contradictions: bool = False

    def as_draft(self) -> Draft:
        return Draft(self.rule_set, self.note, self.sources_may_be_new, self.acknowledge_contradictions)


class BacktestBody(_Body):
    """What to try: a rule set, or a stored version (0: the shipped rules)."""

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


class RuleMistake(BaseModel):
    """``rule`` counts from 0, null for the rule set itself; ``severity`` is error or warning."""

    rule: int | None
    field: str
    message: str
    severity: str


class RuleVerdict(BaseModel):
    """What was found in a rule set; ``ok``: it can be saved. ``rule_set`` is it with all defaults."""

    ok: bool
    mistakes: list[RuleMistake]
    rule_set: dict[str, Any] | None


class RulesInForce(BaseModel):
    """A version with its rules. ``is_shipped``: nobody saved any, these are ours for what the target knows (version 0).

    ``tuning_mode`` holds where the rule set or the connector's settings say so: then nothing is linked by itself.
    """

    version: int
    is_shipped: bool
    tuning_mode: bool
    rule_set: dict[str, Any]
    note: str
    created_at: datetime | None
    created_by: UUID | None
    created_by_name: str | None


class RuleSetVersion(BaseModel):
    """``rules`` is how many it has, ``activated_at`` when it came into force last."""

    version: int
    is_active: bool
    note: str
    rules: int
    created_at: datetime
    created_by: UUID | None
    created_by_name: str | None
    activated_at: datetime | None


class RuleSetVersions(BaseModel):
    versions: list[RuleSetVersion]
    active: int
    total: int
    limit: int
    offset: int


class RuleSetActivation(BaseModel):
    """``version`` is in force now, ``previous`` was before; 0 is the shipped rules."""

    version: int
    previous: int


class RuleDifference(BaseModel):
    """``name`` is a rule's, empty for the settings of the set; ``before`` null was added, ``after`` null taken away."""

    name: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    fields: list[str]


class RuleSetDifference(BaseModel):
    before: int
    after: int
    changes: list[RuleDifference]


def in_force_of(found: InForce) -> RulesInForce:
    return RulesInForce(
        version=found.version,
        is_shipped=found.is_shipped,
        tuning_mode=found.tuning_mode,
        rule_set=plain(found.rule_set.to_json()),
        note=found.note,
        created_at=found.created_at,
        created_by=found.created_by,
        created_by_name=found.created_by_name,
    )


def verdict_of(found: Reviewed) -> RuleVerdict:
    return RuleVerdict(
        ok=found.rule_set is not None,
        mistakes=[mistake_of(each) for each in found.problems],
        rule_set=plain(found.rule_set.to_json()) if found.rule_set is not None else None,
    )


def mistake_of(problem: RuleProblem) -> RuleMistake:
    return RuleMistake(**asdict(problem))


def version_of(row: Record) -> RuleSetVersion:
    return RuleSetVersion(**{name: row[name] for name in RuleSetVersion.model_fields})


def difference_of(before: int, after: int, changes: Iterable[RuleChanged]) -> RuleSetDifference:
    return RuleSetDifference(
        before=before,
        after=after,
        changes=[
            RuleDifference(name=each.name, before=each.before, after=each.after, fields=list(each.fields))
            for each in changes
        ],
    )


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


def plain(document: dict[str, Any]) -> dict[str, Any]:
    """A rule set as it can be sent back: its number is not part of it."""
    return {name: value for name, value in document.items() if name != "version"}
