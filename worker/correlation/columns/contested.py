"""One to one over columns: who claims what another claims too, and who surely has it.

Only groups in which somebody is claimed twice are taken apart, by the same assignment that ``bulk`` makes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from worker.correlation.assign import groups
from worker.correlation.bulk import DEFINITIVE, owners_in
from worker.correlation.columns.decide import Asked
from worker.correlation.columns.interned import NONE, Mask, Slots
from worker.correlation.rules import RuleSet

_FREE, _UNOWNED = -2, -3


@dataclass(frozen=True, slots=True)
class Contest:
    """Subjects that are decided again, the pairs they surely lose, and the pairs that nobody surely has."""

    subjects: Slots
    lost: Mask
    is_open: Mask


def contested(asked: Asked, rule_set: RuleSet, *, settled: Mapping[int, int], silent: Mask) -> Contest:
    """Settle what several claim. ``settled``: candidates that a person gave to a subject; ``silent`` claim none."""
    pairs = asked.pairs
    worth = rule_set.slope * pairs.points + rule_set.offset + np.where(pairs.definitive != NONE, DEFINITIVE, 0.0)
    is_settled = np.zeros(len(asked.order), dtype=np.bool_)
    is_settled[[each for each in settled if each >= 0]] = True
    claims = ~pairs.is_ruled_out & ~asked.said.is_not & ~silent[asked.subjects]
    claims &= (worth > 0) | is_settled[asked.candidates]
    chosen = np.flatnonzero(claims)
    chosen = chosen[_disputed(asked.subjects[chosen], asked.candidates[chosen], is_settled, len(silent))]
    keys = zip(asked.subjects[chosen].tolist(), asked.candidates[chosen].tolist(), strict=True)
    subject_group = np.full(len(silent), NONE, dtype=np.int32)
    candidate_group = np.full(len(asked.order), _FREE, dtype=np.int32)
    owner = np.full(len(asked.order), _FREE, dtype=np.int64)
    for number, group in enumerate(groups(dict(zip(keys, worth[chosen].tolist(), strict=True)))):
        subject_group[[subject for subject, _ in group]] = number
        for candidate, subject in owners_in(group, rule_set, settled).items():
            candidate_group[candidate] = number
            owner[candidate] = _UNOWNED if subject is None else subject
    same_group = subject_group[asked.subjects] == candidate_group[asked.candidates]
    theirs = owner[asked.candidates]
    return Contest(
        subjects=np.unique(asked.subjects[chosen]),
        lost=same_group & (theirs != _UNOWNED) & (theirs != asked.subjects),
        is_open=same_group & (theirs == _UNOWNED),
    )


def _disputed(subjects: Slots, candidates: Slots, is_settled: Mask, count: int) -> Mask:
    """The claims of every group in which a candidate is claimed twice, or is a person's already."""
    hot = is_settled.copy()
    hot |= np.bincount(candidates, minlength=len(hot)) > 1
    has_hot = np.zeros(count, dtype=np.bool_)
    found: Mask = hot[candidates]
    while True:
        has_hot[subjects[found]] = True
        more = has_hot[subjects]
        hot[candidates[more]] = True
        more |= hot[candidates]
        if int(more.sum()) == int(found.sum()):
            return found
        found = more
