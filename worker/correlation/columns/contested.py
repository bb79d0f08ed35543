"""One to one over columns: how sure each claim is where others want the same, by the sums that ``bulk`` makes."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from worker.correlation.bulk import NO_CLAIM
from worker.correlation.columns.decide import Asked
from worker.correlation.columns.interned import NONE, Mask, Numbers, Slots
from worker.correlation.columns.likeness import Shares
from worker.correlation.joint import MOST, joint_confidences
from worker.correlation.rules import RuleSet


@dataclass(frozen=True, slots=True)
class Contest:
    """Subjects that are decided again, and how sure each pair is when all claims are weighed together."""

    subjects: Slots
    joint: Shares


def contested(asked: Asked, rule_set: RuleSet, *, settled: Mapping[int, int], silent: Mask) -> Contest:
    """Weigh what several claim. ``settled``: the candidate that a person gave each subject; ``silent`` claim no other.

    Only claims that are tied, directly or through others, to what two want or a rule settles are weighed; the rest is
    as it was.
    """
    pairs = asked.pairs
    logits = rule_set.slope * pairs.points + rule_set.offset
    logits = np.where(pairs.definitive != NONE, MOST, logits)
    claims = np.flatnonzero(~pairs.is_ruled_out & ~asked.said.is_not & ~silent[asked.subjects] & (logits > NO_CLAIM))
    given = np.array([*settled.keys()], dtype=np.int64), np.array([*settled.values()], dtype=np.int64)
    subjects = np.append(asked.subjects[claims], given[0]).astype(np.int64)
    candidates = np.append(asked.candidates[claims], given[1]).astype(np.int64)
    worth = np.append(logits[claims], np.full(len(settled), MOST))
    wanted = np.bincount(candidates, minlength=1) > 1
    wanted[candidates[worth >= MOST]] = True
    tied = np.flatnonzero(_tied(subjects, candidates, wanted, len(silent)))
    joint = np.zeros(len(logits))
    of_pairs = tied[tied < len(claims)]
    left, right = (np.unique(ends[tied], return_inverse=True)[1] for ends in (subjects, candidates))
    sure = joint_confidences(left, right, worth[tied])
    joint[claims[of_pairs]] = sure[: len(of_pairs)]
    again = np.unique(subjects[wanted[candidates]])
    return Contest(again[~np.isin(again, given[0])].astype(np.int32), joint)


def _tied(subjects: Numbers, candidates: Numbers, wanted: Mask, count: int) -> Mask:
    """The claims of every group in which a candidate is wanted twice."""
    has_rival = np.zeros(count, dtype=np.bool_)
    hot = wanted.copy()
    found: Mask = hot[candidates]
    while True:
        has_rival[subjects[found]] = True
        more = has_rival[subjects]
        hot[candidates[more]] = True
        more = more | hot[candidates]
        if int(more.sum()) == int(found.sum()):
            return found
        found = more
