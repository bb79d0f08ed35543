"""The rules of correlation of a target: versions, how right they are, what is wrong with a draft, what it would do."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from worker.console.views.correlation import Candidate
from worker.console.views.shared import ConnectorBrief


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFigures:
    """How right the rules are by what people said: ``precision`` of ``checked`` links, at least ``precision_low``.

    ``ece`` is the calibration error over ``reviewed_pairs``. None while people have said nothing.
    """

    open_questions: int = 0
    open_checks: int = 0
    waiting_operations: int = 0
    oldest_open_at: datetime | None = None
    checked: int = 0
    precision: float | None = None
    precision_low: float | None = None
    reviewed_pairs: int = 0
    ece: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSetRow:
    """One target with its rules; ``version`` 0: the shipped ones. In ``tuning_mode`` nothing is linked by itself."""

    connector: ConnectorBrief
    version: int
    tuning_mode: bool
    figures: RuleFigures


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleVersionRow:
    """One version; ``activated_at`` is when it last came into force."""

    version: int
    is_active: bool
    note: str
    rules: int
    created_at: datetime
    created_by: str | None
    activated_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestSide:
    """What one rule set says of all accounts that were looked at; shares are None while people said too little."""

    auto: int = 0
    review: int = 0
    none: int = 0
    right: int = 0
    wrong: int = 0
    contradictions: int = 0
    links_kept: int = 0
    precision: float | None = None
    share_linked: float | None = None
    ece: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FlipRow:
    """An account about which a draft says something else; ``before`` and ``after`` are a reason and a candidate.

    ``said`` is what people said of it (is, is_not, nobody), or linked where nobody did.
    """

    kind: str
    uid: str | None
    said: str
    is_contradiction: bool
    before: tuple[str, str | None]
    after: tuple[str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestView:
    """Rules tried on what is settled; ``document`` is what was tried, in place of version ``base_version``.

    ``is_refined``: the rules were proposed by what people decided, not written by anybody.
    """

    id: UUID
    status: str
    base_version: int
    document: dict[str, Any]
    is_refined: bool = False
    accounts_done: int = 0
    decided_by_people: int = 0
    links: int = 0
    new_contradictions: int = 0
    flip_counts: dict[str, int] = field(default_factory=dict)
    before: BacktestSide = field(default_factory=BacktestSide)
    after: BacktestSide = field(default_factory=BacktestSide)
    flips: tuple[FlipRow, ...] = ()
    error_message: str | None = None
    created_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def is_live(self) -> bool:
        return self.status in {"pending", "running"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesView:
    """All that the editor of a target's rules begins with.

    ``document`` is the shown ``version`` (0: the shipped rules), ``active`` the one in force, which acts take as
    ``seen``. ``back_to`` is what was in force before; None while only the shipped rules ever were.
    ``is_tuning_by_connector``: the connector's settings hold it in tuning mode, whatever its rules say. Names in
    ``attributes`` are the target's, where it tells them; those in ``sources`` are people's. There are ``latest``
    versions, of which some are listed.
    """

    connector: ConnectorBrief
    active: int
    version: int
    document: dict[str, Any]
    versions: tuple[RuleVersionRow, ...]
    figures: RuleFigures
    backtests: tuple[BacktestView, ...] = ()
    attributes: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    back_to: int | None = None
    is_tuning: bool = False
    is_tuning_by_connector: bool = False
    latest: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleMistake:
    """``rule`` counts from 0; None is the rule set itself."""

    rule: int | None
    field: str
    message: str
    is_error: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesCheck:
    """What is wrong with a draft; ``ok``: it can be saved. ``refused``: it could not be looked at."""

    ok: bool
    mistakes: tuple[RuleMistake, ...] = ()
    refused: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleDifference:
    """One rule, or with an empty name the settings of the set; None was not there."""

    name: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WhoseView:
    """Whose an account would be by the rules in force; ``refused``: it could not be asked.

    ``is_complete``: everybody came into question who shares a key; else only who has such a name or number.
    """

    decision: str = "none"
    reason: str = ""
    candidates: tuple[Candidate, ...] = ()
    is_complete: bool = True
    refused: str | None = None
