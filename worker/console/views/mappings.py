"""The mapping of a target: its versions and rules, what is wrong with a draft, what it would do."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingVersionRow:
    """One version; ``activated_at`` is when it last became the active one."""

    version: int
    is_active: bool
    note: str
    rules: int
    created_at: datetime
    created_by: str | None
    activated_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetAttribute:
    """One attribute of the target, for whoever writes a rule for it."""

    name: str
    type: str
    is_required: bool
    is_multi_valued: bool
    is_writable: bool
    is_secret: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRunView:
    """A count of what a version would do; ``operations`` by kind, ``attributes`` by name, ``samples`` as trials.

    ``removals`` of which ``held`` would wait for an approval are known when ``status`` is completed.
    """

    id: UUID
    version: int
    base_version: int | None
    status: str
    people_done: int
    people_total: int | None
    operations: dict[str, int]
    attributes: dict[str, int]
    samples: tuple["MappingTrialRow", ...] = ()
    removals: int | None = None
    held: int | None = None
    error_message: str | None = None
    created_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def is_live(self) -> bool:
        return self.status in {"pending", "running"}


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingView:
    """All that the editor of a target's mapping begins with.

    ``document`` is the shown version as JSON text, ready to be edited. ``attributes`` is empty where the target does
    not tell them: ``silent`` says why; ``hooked`` are those that hooks make. ``sources`` are the names that people
    have. ``active`` is what acts take as ``seen``, 0 for none; ``connector_version`` is that for the scope. There are
    ``latest`` versions, of which some are listed.
    """

    connector_id: UUID
    connector_name: str
    object_class: str
    scope: str | None
    active: int
    version: int | None
    document: str
    versions: tuple[MappingVersionRow, ...]
    attributes: tuple[TargetAttribute, ...]
    silent: str | None
    sources: tuple[str, ...]
    dry_runs: tuple[DryRunView, ...]
    hooked: tuple[str, ...] = ()
    connector_version: int = 0
    latest: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeCheck:
    """Whom a scope takes in, beside the present one; ``doubt``: a name in it that looks misspelt."""

    people: int = 0
    enabled: int = 0
    now: int = 0
    refused: str | None = None
    doubt: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingMistake:
    """``rule`` counts from 0; lines and columns count from 1, those of the expression within its text."""

    rule: int | None
    field: str
    message: str
    is_error: bool
    line: int | None = None
    column: int | None = None
    expression_line: int | None = None
    expression_column: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingCheck:
    """What is wrong with a draft; ``ok``: it can be saved. ``refused``: it could not be looked at."""

    ok: bool
    mistakes: tuple[MappingMistake, ...] = ()
    refused: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingTrialRow:
    """What would become of one person's account; ``changes`` are (attribute, before, after)."""

    identity_id: UUID
    user_name: str
    is_in_scope: bool
    kind: str
    uid: str | None = None
    changes: tuple[tuple[str, Any, Any], ...] = ()
    active_before: bool | None = None
    active_after: bool | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingTrial:
    """A draft tried on some people; ``refused``: it could not be tried."""

    rows: tuple[MappingTrialRow, ...] = ()
    refused: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingRuleChange:
    """One rule that differs between two versions; None was not there."""

    target: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    fields: tuple[str, ...] = ()
