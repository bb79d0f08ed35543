"""Rules of correlation on the wire: versions, mistakes, differences."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from worker.actions.rule_sets import MAX_NOTE, Draft, InForce, Reviewed, RuleChanged
from worker.actions.statistics import MOST_CHECKS, Statistics
from worker.correlation import RuleProblem
from worker.recon import Answer
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


class CorrelateBody(_Body):
    """Attributes as the target has them, or an account that we know (``account_id``); of both the given ones count.

    ``rule_set``: by these rules (as a back-test takes them), not by those in force.
    """

    attributes: dict[str, Any] | None = Field(default=None, max_length=500)
    account_id: UUID | None = None
    rule_set: dict[str, Any] | None = None
    sources_may_be_new: bool = False

    @model_validator(mode="after")
    def _has_any(self) -> "CorrelateBody":
        if self.attributes is None and self.account_id is None:
            raise ValueError("give attributes, or an account_id")
        return self

    def as_draft(self) -> Draft | None:
        if self.rule_set is None:
            return None
        return Draft(self.rule_set, sources_may_be_new=self.sources_may_be_new)


class ContributionOfRule(BaseModel):
    """What one rule says of a pair: ``points`` are log odds, above 0 for it, below against it."""

    rule: str
    points: float
    words: str
    source_value: str | None
    target_value: str | None


class CandidateIdentity(BaseModel):
    identity_id: UUID
    name: str
    confidence: float
    match_type: str
    contributions: list[ContributionOfRule]


class Correlated(BaseModel):
    """``decision`` is auto, review or none; ``candidates`` come best first.

    ``is_complete``: everybody came into question who shares a key; among very many people, while their keys are made,
    only those whose user name or external id is among the values.
    """

    decision: str
    reason: str
    identity_id: UUID | None
    candidates: list[CandidateIdentity]
    rule_set_version: int | None
    is_complete: bool


class SpotCheckBody(_Body):
    count: int = Field(default=20, ge=1, le=MOST_CHECKS)


class SpotChecks(BaseModel):
    """The cases that were opened."""

    cases: list[UUID]


class QueueOfCases(BaseModel):
    """``waiting_operations`` are creates that wait for an answer."""

    questions: int
    spot_checks: int
    waiting_operations: int
    oldest_opened_at: datetime | None
    oldest_age_seconds: float | None


class AutoZone(BaseModel):
    """Links that the rules made and people checked, of the last 500: ``precision_low`` is what it surely is (95 %)."""

    checked: int
    right: int
    precision: float | None
    precision_low: float | None


class CalibrationOfRules(BaseModel):
    """How far confidence is from the truth, over the last pairs that people decided about."""

    reviewed_pairs: int
    ece: float | None


class CorrelationStatistics(BaseModel):
    as_of: datetime
    queue: QueueOfCases
    decisions: dict[str, int]
    auto_zone: AutoZone
    calibration: CalibrationOfRules


def correlated_of(answer: Answer) -> Correlated:
    found = answer.result
    return Correlated(
        decision=found.decision.value,
        reason=found.reason,
        identity_id=found.match.ref_id if found.match is not None else None,
        candidates=[
            CandidateIdentity(
                identity_id=each.ref_id,
                name=each.name,
                confidence=each.confidence,
                match_type=each.match_type.value,
                contributions=[ContributionOfRule(**one.to_json()) for one in each.contributions],
            )
            for each in found.candidates
        ],
        rule_set_version=found.rule_set_version,
        is_complete=answer.is_complete,
    )


def statistics_of(found: Statistics) -> CorrelationStatistics:
    age = found.oldest_open_age
    return CorrelationStatistics(
        as_of=found.as_of,
        queue=QueueOfCases(
            questions=found.open_questions,
            spot_checks=found.open_checks,
            waiting_operations=found.waiting_operations,
            oldest_opened_at=found.oldest_open_at,
            oldest_age_seconds=age.total_seconds() if age is not None else None,
        ),
        decisions=found.decisions,
        auto_zone=AutoZone(
            checked=found.checked, right=found.right, precision=found.precision, precision_low=found.precision_low
        ),
        calibration=CalibrationOfRules(reviewed_pairs=found.reviewed_pairs, ece=found.ece),
    )


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


def plain(document: dict[str, Any]) -> dict[str, Any]:
    """A rule set as it can be sent back: its number is not part of it."""
    return {name: value for name, value in document.items() if name != "version"}
