"""Mappings on the wire: versions, rules, mistakes, trials and dry runs."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from worker.actions.mapping_trials import MOST, Trial
from worker.actions.mappings import MAX_DOCUMENT, MAX_NOTE, RuleChange, Written
from worker.actions.scopes import ScopeCount
from worker.connectors import ObjectSchema
from worker.mapping import TRANSFORMS, Review, RuleMistake, rule_to_json
from worker.planning import Foretold, foretold_json
from worker.store import mappings
from worker.store.filters import Count
from worker.store.mapping_previews import Preview
from worker.store.sql import Record


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RulesBody(_Body):
    """Rules, as JSON or (for mistakes with line and column) as the ``document`` that somebody wrote.

    A document is JSON text: a list of rules, or an object with ``rules``. ``sources_may_be_new`` lets rules read
    attributes that nobody has yet.
    """

    rules: list[Any] | None = Field(default=None, max_length=10_000)
    document: str | None = Field(default=None, max_length=MAX_DOCUMENT)
    sources_may_be_new: bool = False

    @model_validator(mode="after")
    def _has_one(self) -> "RulesBody":
        if (self.rules is None) is (self.document is None):
            raise ValueError("give either rules or a document")
        return self

    def as_written(self) -> Written:
        return Written(self.document, self.rules, self.sources_may_be_new)


class MappingVersionBody(RulesBody):
    """A draft: a version that is not active yet."""

    note: str = Field(default="", max_length=MAX_NOTE)


class MappingTrialBody(_Body):
    """What to try, on whom. Without rules, document and version it is the active mapping."""

    rules: list[Any] | None = Field(default=None, max_length=10_000)
    document: str | None = Field(default=None, max_length=MAX_DOCUMENT)
    version: int | None = Field(default=None, ge=1, le=2_000_000_000)
    sources_may_be_new: bool = False
    identity_ids: list[UUID] = Field(default_factory=list, max_length=MOST)
    sample: int = Field(default=5, ge=1, le=MOST)
    seed: int = Field(default=0, ge=0, le=2**31)
    scope: str | None = Field(default=None, max_length=10_000)

    @model_validator(mode="after")
    def _has_one(self) -> "MappingTrialBody":
        if sum(each is not None for each in (self.rules, self.document, self.version)) > 1:
            raise ValueError("give one of rules, document and version")
        return self

    def as_trial(self) -> Trial:
        is_written = self.rules is not None or self.document is not None
        return Trial(
            written=Written(self.document, self.rules, self.sources_may_be_new) if is_written else None,
            version=self.version,
            identity_ids=tuple(self.identity_ids),
            sample=self.sample,
            seed=self.seed,
            scope=self.scope,
        )


class MappingActivateBody(_Body):
    """``dry_run`` only counts what it would do; ``scope`` is one to count with in place of the connector's."""

    dry_run: bool = False
    scope: str | None = Field(default=None, max_length=10_000)


class ScopeBody(_Body):
    scope: str | None = Field(default=None, max_length=10_000)


class ScopeChange(ScopeBody):
    """A scope to be used from now on; null takes in everybody."""

    sources_may_be_new: bool = False


class VersionOfMapping(BaseModel):
    """One version; ``rules`` is how many it has, ``activated_at`` when it last became the active one."""

    version: int
    is_active: bool
    note: str
    rules: int
    created_at: datetime
    created_by: UUID | None
    activated_at: datetime | None


class VersionsOfMapping(BaseModel):
    versions: list[VersionOfMapping]
    object_class: str
    active: int | None
    total: int
    limit: int
    offset: int


class VersionWithRules(BaseModel):
    version: int
    is_active: bool
    note: str
    object_class: str
    rules: list[dict[str, Any]]
    created_at: datetime
    created_by: UUID | None


class Mistake(BaseModel):
    """``rule`` counts from 0. ``line`` and ``column`` are those of the document, the others those of an expression."""

    rule: int | None
    field: str
    message: str
    severity: str
    line: int | None
    column: int | None
    expression_line: int | None
    expression_column: int | None


class Verdict(BaseModel):
    """What was found in rules; ``ok``: they can be saved."""

    ok: bool
    mistakes: list[Mistake]


class Change(BaseModel):
    """``before`` null was added, ``after`` null was taken away; ``fields`` are those that differ."""

    target: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    fields: list[str]


class DifferenceOfMappings(BaseModel):
    before: int
    after: int
    changes: list[Change]


class Trials(BaseModel):
    """What would become of each person: see ``kind``, ``before``, ``after``, ``changes`` and ``error``."""

    results: list[dict[str, Any]]


class Counted(BaseModel):
    people: int
    enabled: int


class ScopeResult(BaseModel):
    """Who would be in the scope, and who is in the present one."""

    scope: Counted
    now: Counted


class DryRun(BaseModel):
    """How far it is and what was found until now. ``operations`` and ``attributes`` are counts by kind and by name.

    ``safeguard`` is there when it is completed: ``removals``, ``used`` of ``limit`` in 24 hours, ``held``.
    """

    id: UUID
    connector_id: UUID
    version: int
    base_version: int | None
    scope: str | None
    status: str
    people_total: int | None
    people_done: int
    operations: dict[str, int]
    attributes: dict[str, int]
    samples: list[dict[str, Any]]
    safeguard: dict[str, int] | None
    error_message: str | None
    created_at: datetime | None
    created_by: UUID | None
    finished_at: datetime | None


class DryRunList(BaseModel):
    dry_runs: list[DryRun]


class ActivationOfMapping(BaseModel):
    """What an activation did, or for a dry run the count under way."""

    version: int
    previous: int | None = None
    dry_run: DryRun | None = None


class SchemaAttribute(BaseModel):
    name: str
    type: str
    required: bool
    multi_valued: bool
    comparison: str
    writable: bool
    readable: bool
    unique: bool
    secret: bool


class Schema(BaseModel):
    """The target's attributes; ``is_complete``: it has no others. Else ``incomplete_because`` says why, if known."""

    object_class: str
    naming: str
    is_complete: bool
    incomplete_because: str
    attributes: list[SchemaAttribute]


class TransformExample(BaseModel):
    transform: str
    given: Any
    result: Any


class TransformReference(BaseModel):
    """``argument`` null: it takes none. ``sees`` is value (each one), list (all at once) or anything (nothing, too)."""

    name: str
    argument: str | None
    help: str
    sees: str
    example: TransformExample


class Transforms(BaseModel):
    transforms: list[TransformReference]


def version_of(row: Record) -> VersionOfMapping:
    return VersionOfMapping(**{name: row[name] for name in VersionOfMapping.model_fields})


def version_with_rules(row: Record) -> VersionWithRules:
    mapping = mappings.from_row(row)
    return VersionWithRules(
        version=row["version"],
        is_active=row["is_active"],
        note=row["note"],
        object_class=mapping.object_class,
        rules=[rule_to_json(rule) for rule in mapping.rules],
        created_at=row["created_at"],
        created_by=row["created_by"],
    )


def verdict_of(review: Review) -> Verdict:
    return Verdict(ok=review.is_sound, mistakes=[mistake_of(each) for each in review.mistakes])


def mistake_of(mistake: RuleMistake) -> Mistake:
    return Mistake(**{**asdict(mistake), "severity": mistake.severity.value})


def difference_of(before: int, after: int, changes: Iterable[RuleChange]) -> DifferenceOfMappings:
    return DifferenceOfMappings(
        before=before,
        after=after,
        changes=[
            Change(target=each.target, before=each.before, after=each.after, fields=list(each.fields))
            for each in changes
        ],
    )


def trials_of(found: Iterable[Foretold]) -> Trials:
    return Trials(results=[foretold_json(each) for each in found])


def scope_result(found: ScopeCount) -> ScopeResult:
    return ScopeResult(scope=_counted(found.scope), now=_counted(found.now))


def dry_run_of(preview: Preview) -> DryRun:
    return DryRun(
        id=preview.id,
        connector_id=preview.connector_id,
        version=preview.version,
        base_version=preview.base_version,
        scope=preview.scope,
        status=preview.status,
        people_total=preview.people_total,
        people_done=preview.people_done,
        operations=preview.counts.get("kinds", {}),
        attributes=preview.counts.get("attributes", {}),
        samples=preview.samples,
        safeguard=preview.verdict,
        error_message=preview.error_message,
        created_at=preview.created_at,
        created_by=preview.created_by,
        finished_at=preview.finished_at,
    )


def schema_of(schema: ObjectSchema) -> Schema:
    return Schema(
        object_class=schema.object_class,
        naming=schema.naming,
        is_complete=schema.is_complete,
        incomplete_because=schema.incomplete_because,
        attributes=[SchemaAttribute(**asdict(each)) for each in schema.attributes],
    )


def transforms_reference() -> Transforms:
    """Every transform by name, each with an example that is a test, too."""
    return Transforms(
        transforms=[
            TransformReference(
                name=name,
                argument=spec.argument,
                help=spec.help,
                sees="list" if spec.on_list else "anything" if spec.on_none else "value",
                example=TransformExample(**asdict(spec.example)),
            )
            for name, spec in sorted(TRANSFORMS.items())
        ]
    )


def _counted(count: Count) -> Counted:
    return Counted(people=count.people, enabled=count.enabled)
