"""Rules of correlation on the wire: versions, mistakes, differences."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from worker.actions.rule_sets import MAX_NOTE, Draft, InForce, Reviewed, RuleChanged
from worker.correlation import RuleProblem
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
    note: str = Field(default="", max_length=MAX_NOTE)

    def as_draft(self) -> Draft:
        return Draft(self.rule_set, self.note, self.sources_may_be_new)


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


def plain(document: dict[str, Any]) -> dict[str, Any]:
    """A rule set as it can be sent back: its number is not part of it."""
    return {name: value for name, value in document.items() if name != "version"}
