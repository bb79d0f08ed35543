"""Rules tried on what is settled already: people's decisions and links in force, before and after a change; pure.

Each account is decided anew by both rule sets as if nobody had said anything about it, and as if nothing were linked.
What they say is held against what people said. Counts add up page by page: ``added`` joins those of two pages, and
``figures`` reads precision and calibration off them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from worker.correlation.bulk import correlate_many
from worker.correlation.frequency import NameFrequencies
from worker.correlation.rules import RuleSet
from worker.correlation.told import Told
from worker.domain.correlation import NOBODY, Candidate, CorrelationResult, Decision, Subject

#: Pairs below this confidence are nobody's idea: calibration is measured from here on.
_LEAST = 0.1
_BINS = 10
#: So many flips of a kind are kept with their explanation.
SAMPLES = 10

_SIDES = ("before", "after")


@dataclass(frozen=True, slots=True)
class Past:
    """An account of which something is settled: its ``owner`` (``NOBODY``: nobody; None: not known), and who is not.

    ``is_word``: a person said so; else it is a link in force that the rules have made. ``named`` are the people whom
    they, or the rules when they asked, spoke of.
    """

    subject: Subject
    owner: UUID | None
    refused: frozenset[UUID] = frozenset()
    is_word: bool = True
    named: frozenset[UUID] = frozenset()

    def truth(self, ref_id: UUID) -> bool | None:
        """Whether the account is that one's; None where nobody knows."""
        if self.owner is not None:
            return ref_id == self.owner
        return False if ref_id in self.refused else None

    def is_contradicted(self, result: CorrelationResult) -> bool:
        """Whether rules would link against a person's word, or not even ask about the owner that a person named."""
        if not self.is_word:
            return False
        if result.match is not None:
            return self.truth(result.match.ref_id) is False
        return result.decision is Decision.NONE and self.owner not in {None, NOBODY}


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a page comes to: ``counts`` and ``flips`` as JSON."""

    counts: dict[str, Any]
    flips: list[dict[str, Any]]


def replay_rules(
    past: Sequence[Past],
    candidates: Sequence[Candidate],
    *,
    before: RuleSet,
    after: RuleSet,
    frequencies: NameFrequencies | None = None,
    told: tuple[Mapping[UUID, Told], Mapping[UUID, Told]] = ({}, {}),
) -> Replayed:
    """Decide about these accounts by both rule sets; ``candidates`` are the people who come into question.

    ``told``: what hooks and expressions say of each account, under the one and under the other.
    """
    subjects = [each.subject for each in past]
    free = [replace(each, is_taken=False) for each in candidates]
    # what a rule set in tuning mode would link counts as linked: it is asked for what it says
    old, new = (
        correlate_many(subjects, free, rule_set=replace(rules, tuning_mode=False), frequencies=frequencies, told=heard)
        for rules, heard in zip((before, after), told, strict=True)
    )
    counts = _counts(past, old, new)
    flips = [
        _flip(each, one, other, kind)
        for each, one, other in zip(past, old, new, strict=True)
        if (kind := _kind(one, other)) is not None
    ]
    return Replayed(counts, flips)


def added(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """The counts of two pages together."""
    found = dict(one)
    for name, value in other.items():
        known = found.get(name)
        if isinstance(value, Mapping):
            found[name] = added(known or {}, value)
        elif isinstance(value, list):
            found[name] = [a + b for a, b in zip(known or [0.0] * len(value), value, strict=True)]
        else:
            found[name] = (known or 0) + value
    return found


def sampled(kept: Sequence[dict[str, Any]], more: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The flips to show: those against a person's word first, and of every kind some."""
    found: list[dict[str, Any]] = []
    seen: dict[tuple[str, bool], int] = {}
    for each in sorted([*kept, *more], key=lambda flip: not flip["is_contradiction"]):
        key = each["kind"], each["is_contradiction"]
        seen[key] = seen.get(key, 0) + 1
        if seen[key] <= SAMPLES:
            found.append(each)
    return found


def figures(counts: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Precision of what would be linked unseen, its share, and the calibration error, for both rule sets.

    Precision and share are None while people have said too little: nothing that would be linked, nobody's owner.
    """
    return {side: _figures(counts.get(side, {})) for side in _SIDES}


def calibration_error(bins: Sequence[float]) -> float | None:
    """Expected calibration error; ``bins`` holds for each tenth of confidence pairs, their confidences, and matches."""
    total = sum(bins[0::3])
    if not total:
        return None
    return sum(abs(sure - true) for sure, true in zip(bins[1::3], bins[2::3], strict=True)) / total


def binned(pairs: Iterable[tuple[float, bool]]) -> list[float]:
    """(confidence, is the one) as ``calibration_error`` reads them."""
    bins = [0.0] * (3 * _BINS)
    for confidence, is_one in pairs:
        at = 3 * min(int(confidence * _BINS), _BINS - 1)
        bins[at] += 1
        bins[at + 1] += confidence
        bins[at + 2] += is_one
    return bins


def _counts(past: Sequence[Past], old: Sequence[CorrelationResult], new: Sequence[CorrelationResult]) -> dict[str, Any]:
    flips: dict[str, int] = {}
    fresh = 0
    for each, one, other in zip(past, old, new, strict=True):
        if (kind := _kind(one, other)) is not None:
            flips[kind] = flips.get(kind, 0) + 1
        fresh += each.is_contradicted(other) and not each.is_contradicted(one)
    words = sum(each.is_word for each in past)
    return {
        "accounts": len(past),
        "decided_by_people": words,
        "links": len(past) - words,
        "flips": flips,
        "new_contradictions": fresh,
        "before": _side(past, old),
        "after": _side(past, new),
    }


def _side(past: Sequence[Past], results: Sequence[CorrelationResult]) -> dict[str, Any]:
    found: dict[str, Any] = {each.value: 0 for each in Decision}
    found |= {"right": 0, "wrong": 0, "owners": 0, "links_kept": 0, "contradictions": 0}
    pairs: list[tuple[float, bool]] = []
    for each, result in zip(past, results, strict=True):
        found[result.decision.value] += 1
        found["contradictions"] += each.is_contradicted(result)
        truth = each.truth(result.match.ref_id) if result.match is not None else None
        if not each.is_word:
            found["links_kept"] += truth is True
            continue
        found["owners"] += each.owner not in {None, NOBODY}
        found["right"] += truth is True
        found["wrong"] += truth is False
        pairs += [
            (match.confidence, is_one)
            for match in result.candidates
            if match.confidence >= _LEAST and (is_one := each.truth(match.ref_id)) is not None
        ]
    return found | {"bins": binned(pairs)}


def _figures(side: Mapping[str, Any]) -> dict[str, Any]:
    right, wrong, owners = side.get("right", 0), side.get("wrong", 0), side.get("owners", 0)
    error = calibration_error(side.get("bins", []))
    return {
        "precision": round(right / (right + wrong), 6) if right + wrong else None,
        "share_linked": round(right / owners, 6) if owners else None,
        "ece": round(error, 6) if error is not None else None,
    }


def _kind(one: CorrelationResult, other: CorrelationResult) -> str | None:
    if one.decision is not other.decision:
        return f"{one.decision}_to_{other.decision}"
    if one.match is not None and other.match is not None and one.match.ref_id != other.match.ref_id:
        return "auto_to_another"
    return None


def _flip(past: Past, one: CorrelationResult, other: CorrelationResult, kind: str) -> dict[str, Any]:
    return {
        "kind": kind,
        "account_id": str(past.subject.ref_id),
        "uid": past.subject.uid,
        "owner_id": str(past.owner) if past.owner not in {None, NOBODY} else None,
        "said": _said(past),
        "is_contradiction": past.is_contradicted(other) and not past.is_contradicted(one),
        "before": _shown(one),
        "after": _shown(other),
    }


def _said(past: Past) -> str:
    if not past.is_word:
        return "linked"
    return "is_not" if past.owner is None else "nobody" if past.owner == NOBODY else "is"


def _shown(result: CorrelationResult) -> dict[str, Any]:
    best = result.match or next(iter(result.candidates), None)
    return {
        "decision": result.decision.value,
        "reason": result.reason,
        "candidate": best.to_json() if best is not None else None,
    }
