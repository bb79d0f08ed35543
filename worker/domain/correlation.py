"""Whose account is this: the words and values of correlation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

#: What a person's *nobody* is stored with in place of an identity.
NOBODY = UUID(int=0)


class Side(StrEnum):
    """Whose attributes they are: a rule's ``source`` names those of identities, its ``target`` those of accounts."""

    IDENTITY = "identity"
    ACCOUNT = "account"


class MatchType(StrEnum):
    EXACT = "exact"
    FUZZY = "fuzzy"
    PHONETIC = "phonetic"
    EXPRESSION = "expression"
    MANUAL = "manual"


class Decision(StrEnum):
    """``auto``: link it. ``review``: a person decides. ``none``: nobody comes into question."""

    AUTO = "auto"
    REVIEW = "review"
    NONE = "none"


class Verdict(StrEnum):
    IS = "is"
    IS_NOT = "is_not"
    NOBODY = "nobody"


#: The kind of keys that hooks have given, which no rule makes.
BY_HOOK = "by hook"


class MatchKey(NamedTuple):
    """A blocking key: only records that share one are ever compared. ``hash`` fits PostgreSQL's bigint."""

    kind: str
    hash: int


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose counterpart is looked for. ``wanted``: target attributes that its account would have (hooks' results)."""

    ref_id: UUID
    side: Side
    attributes: Mapping[str, Any]
    wanted: Mapping[str, Any] = field(default_factory=dict)
    uid: str | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """One that may be it, from the other side. ``is_taken``: it already has a counterpart at this connector."""

    ref_id: UUID
    attributes: Mapping[str, Any]
    uid: str | None = None
    name: str = ""
    is_taken: bool = False


@dataclass(frozen=True, slots=True)
class PersonDecision:
    """What a person said about an account: whose it is, whose it is not, or that it belongs to nobody.

    ``evidence`` is what the pair looked like then (``evidence()`` of the room); empty: holds for good.
    """

    account_id: UUID
    identity_id: UUID
    verdict: Verdict
    evidence: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one rule says of a pair: ``points`` are log odds, above 0 for a match, below against, 0 without evidence."""

    rule: str
    points: float
    words: str
    source_value: str | None = None
    target_value: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "rule": self.rule,
            "points": round(self.points, 2),
            "words": self.words,
            "source_value": self.source_value,
            "target_value": self.target_value,
        }


@dataclass(frozen=True, slots=True)
class CorrelationMatch:
    """One candidate with its probability of being the one, and why."""

    ref_id: UUID
    confidence: float
    match_type: MatchType
    contributions: tuple[Contribution, ...] = ()
    uid: str | None = None
    name: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "ref_id": str(self.ref_id),
            "uid": self.uid,
            "name": self.name,
            "confidence": round(self.confidence, 6),
            "match_type": self.match_type.value,
            "contributions": [one.to_json() for one in self.contributions],
        }


@dataclass(frozen=True, slots=True)
class CorrelationResult:
    """What to do. ``match`` is there exactly when the decision is auto; ``candidates`` come best first."""

    decision: Decision
    reason: str
    match: CorrelationMatch | None = None
    candidates: tuple[CorrelationMatch, ...] = ()
    rule_set_version: int | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "decision": self.decision.value,
            "reason": self.reason,
            "match": self.match.to_json() if self.match else None,
            "candidates": [one.to_json() for one in self.candidates],
            "rule_set_version": self.rule_set_version,
        }
