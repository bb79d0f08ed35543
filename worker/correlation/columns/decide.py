"""From scores to decisions for many at once: ``decide``, over pairs that lie in the order of their subjects."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from worker.correlation.columns.interned import NONE, Mask, Numbers, Slots
from worker.correlation.columns.likeness import Shares
from worker.correlation.columns.score import Pairs
from worker.correlation.decide import AS_GOOD_AS, LEAST
from worker.correlation.rules import RuleSet
from worker.domain.correlation import Decision

DECISIONS = (Decision.NONE, Decision.REVIEW, Decision.AUTO)
NOT_LINKED, ASKED, LINKED = range(3)


class Reason(IntEnum):
    """Why a decision is what it is; doubts are reasons to ask about what is certain enough."""

    NOBODY = 0
    UNLIKELY = 1
    CERTAIN = 2
    UNSURE = 3
    CONTRADICTED = 4
    SEVERAL_DEFINITIVE = 5
    TAKEN = 6
    EVIDENCE_CHANGED = 7
    TUNING = 8
    TOO_CLOSE = 9
    CONTESTED = 10
    ANOTHERS = 11
    PERSON_SAID_WHO = 12
    PERSON_SAID_NOBODY = 13


@dataclass(frozen=True, slots=True)
class Said:
    """People's words on these pairs: ruled out by a person, and decided on evidence that has changed since."""

    is_not: Mask
    is_outdated: Mask


@dataclass(frozen=True, slots=True)
class Asked:
    """Pairs seen from their subjects; ``order`` is that of the candidates' ids, which decides between equal ones."""

    pairs: Pairs
    subjects: Slots
    candidates: Slots
    order: Numbers
    is_taken: Mask
    said: Said

    def where(self, chosen: Mask) -> "Asked":
        said = Said(self.said.is_not[chosen], self.said.is_outdated[chosen])
        return Asked(
            self.pairs.where(chosen), self.subjects[chosen], self.candidates[chosen], self.order, self.is_taken, said
        )


@dataclass(frozen=True, slots=True)
class Decided:
    """Per subject that has candidates: the decision and why, and its candidates, best first.

    Those of ``subjects[i]`` are ``ranked[starts[i]:starts[i + 1]]``, pairs by their place, with ``confidences``.
    """

    subjects: Slots
    decisions: NDArray[np.int8]
    reasons: NDArray[np.int8]
    starts: Numbers
    ranked: Numbers
    confidences: Shares


def decide_all(asked: Asked, rule_set: RuleSet, *, tuning_mode: bool, joint: Shares | None = None) -> Decided:
    """Decide about every subject by itself; ``joint``: how sure each pair is where others want the same."""
    pairs = asked.pairs
    possible = np.flatnonzero(~(pairs.is_ruled_out | asked.said.is_not))
    ids, unsettled = asked.order[asked.candidates[possible]], pairs.definitive[possible] == NONE
    ranked = possible[np.lexsort((ids, -pairs.points[possible], unsettled, asked.subjects[possible]))]
    subjects = asked.subjects[ranked]
    starts = np.flatnonzero(np.append(True, subjects[1:] != subjects[:-1])) if len(ranked) else ranked
    sizes = np.diff(np.append(starts, len(ranked)))
    alone = confidences = _confidences(pairs.points[ranked], starts, sizes, rule_set)
    if not len(ranked):
        none = np.empty(0, dtype=np.int8)
        return Decided(subjects, none, none, np.zeros(1, dtype=np.int64), ranked, confidences)
    if joint is not None:
        again = np.lexsort((-np.round(joint[ranked], AS_GOOD_AS), subjects))
        ranked, alone, confidences = ranked[again], alone[again], joint[ranked[again]]
    reasons = _reasons(asked, ranked, starts, (alone, confidences), rule_set=rule_set, tuning_mode=tuning_mode)
    decisions = _DECISION_OF[reasons]
    settled = (decisions == LINKED) & (pairs.definitive[ranked[starts]] != NONE)
    confidences[starts[settled]] = np.maximum(confidences[starts[settled]], rule_set.auto_threshold)
    return Decided(subjects[starts], decisions, reasons, np.append(starts, len(ranked)), ranked, confidences)


_DECISION_OF = np.array([ASKED] * len(Reason), dtype=np.int8)
_DECISION_OF[[Reason.NOBODY, Reason.UNLIKELY, Reason.PERSON_SAID_NOBODY]] = NOT_LINKED
_DECISION_OF[[Reason.CERTAIN, Reason.PERSON_SAID_WHO]] = LINKED


def _confidences(points: Shares, starts: Numbers, sizes: Numbers, rule_set: RuleSet) -> Shares:
    """The formula of ``calibrate`` for every subject's candidates."""
    if not len(points):
        return np.empty(0)
    logits = rule_set.slope * points + rule_set.offset
    highest = np.maximum(np.maximum.reduceat(logits, starts), 0.0)
    weights = np.exp(logits - np.repeat(highest, sizes))
    found: Shares = weights / np.repeat(np.exp(-highest) + np.add.reduceat(weights, starts), sizes)
    return found


def _reasons(
    asked: Asked,
    ranked: Numbers,
    starts: Numbers,
    sure: tuple[Shares, Shares],
    *,
    rule_set: RuleSet,
    tuning_mode: bool,
) -> NDArray[np.int8]:
    """The first that holds of each subject's candidates, in the order of ``decide``; ``sure``: alone, and in fact."""
    pairs, best, (alone, confidences) = asked.pairs, ranked[starts], sure
    definitive = pairs.definitive[ranked] != NONE
    is_outdated = asked.said.is_outdated[ranked]
    is_settled, top = definitive[starts], confidences[starts]
    has_next = np.diff(np.append(starts, len(ranked))) > 1
    after = confidences[np.where(has_next, starts + 1, starts)]
    close = has_next & (np.log(np.maximum(top, LEAST) / np.maximum(after, LEAST)) < rule_set.min_gap)
    certain = is_settled | (np.maximum(top, alone[starts]) >= rule_set.auto_threshold)
    tuning = np.full(len(starts), tuning_mode or rule_set.tuning_mode)
    told = [
        (Reason.CONTESTED, certain & (top < alone[starts]) & (top < rule_set.auto_threshold)),
        (Reason.SEVERAL_DEFINITIVE, certain & (np.add.reduceat(definitive.astype(np.int64), starts) > 1)),
        (Reason.TAKEN, certain & asked.is_taken[asked.candidates[best]]),
        (Reason.EVIDENCE_CHANGED, certain & is_outdated[starts]),
        (Reason.TUNING, certain & tuning),
        (Reason.TOO_CLOSE, certain & ~is_settled & close),
        (Reason.CERTAIN, certain),
        (Reason.UNSURE, np.add.reduceat(confidences, starts) >= rule_set.review_threshold),
        (Reason.EVIDENCE_CHANGED, np.logical_or.reduceat(is_outdated, starts)),
        (Reason.CONTRADICTED, np.logical_or.reduceat(pairs.is_strong[ranked], starts)),
    ]
    return np.select([holds for _, holds in told], [reason for reason, _ in told], Reason.UNLIKELY).astype(np.int8)
