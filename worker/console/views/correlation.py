"""Cases: questions about whose account something is."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from worker.console.views.shared import Cursors


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one rule said: ``weight`` in log odds (negative speaks against), ``words`` what it compared and found.

    In a case ``source_value`` is of what is asked about, ``target_value`` of the candidate.
    """

    rule: str
    weight: float
    source_value: Any = None
    target_value: Any = None
    words: str = ""

    @property
    def is_missing(self) -> bool:
        """Whether a side has no value, so that nothing could be compared."""
        return not self.weight and (self.source_value in (None, "") or self.target_value in (None, ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One possible partner: an identity (for an account) or an account uid (for an identity).

    ``label`` is a name people know, ``detail`` what tells namesakes apart: a login, a uid, an external id.
    """

    label: str
    confidence: float
    detail: str = ""
    identity_id: UUID | None = None
    uid: str | None = None
    match_type: str = "fuzzy"
    attributes: dict[str, Any] = field(default_factory=dict)
    contributions: tuple[Contribution, ...] = ()
    vetoed_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRow:
    """One question for a person: whose account is ``subject``? ``subject_kind`` is account or identity.

    The details tell namesakes apart, as a candidate's does.
    """

    id: UUID
    connector_id: UUID
    connector_name: str
    subject: str
    subject_kind: str
    status: str
    opened_at: datetime
    candidates: int
    subject_detail: str = ""
    best_confidence: float | None = None
    best_label: str | None = None
    best_detail: str = ""
    operation_id: UUID | None = None  # the create that waits for the answer
    decision: str | None = None  # confirmed, rejected, withdrawn
    decided_by: str | None = None
    decided_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CasePage:
    """``by_status`` counts open and decided with the other filters applied."""

    rows: tuple[CaseRow, ...]
    by_status: dict[str, int]
    as_of: datetime
    cursors: Cursors = field(default_factory=Cursors)


@dataclass(frozen=True, slots=True)
class SaidBefore:
    """What a person decided earlier, as a sentence."""

    words: str
    at: datetime
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseDetail:
    """A case with what is known of its subject and each candidate, best first.

    ``reason`` is why a person is asked, ``alike`` tells how cases like it were decided, ``about`` what was said of
    those it is about. ``final`` is why an answer cannot be taken back.
    """

    row: CaseRow
    attributes: dict[str, Any]
    candidates: tuple[Candidate, ...]
    threshold: float = 0.995
    rule_set_version: int | None = None
    notes: str | None = None
    version: int = 1
    reason: str = ""
    alike: str = ""
    alike_at: datetime | None = None
    about: tuple[SaidBefore, ...] = ()
    final: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NearCases:
    """The open cases next to one in its list, newest first, and how many are open there."""

    before: UUID | None = None
    following: UUID | None = None
    open: int = 0
