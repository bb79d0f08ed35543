"""What was decided about many subjects, as arrays."""

from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from worker.correlation.columns.decide import DECISIONS, NOT_LINKED, Asked, Decided, Reason
from worker.correlation.columns.interned import NONE, Slots
from worker.correlation.columns.likeness import Shares
from worker.correlation.columns.score import Scorer
from worker.domain.correlation import Decision


@dataclass(frozen=True, slots=True)
class Round:
    """Who was asked about, and what was decided."""

    asked: Asked
    decided: Decided

    def candidates(self, subject: int) -> list[tuple[int, float]]:
        """The candidates of one subject with their probabilities, best first."""
        decided = self.decided
        at = int(np.searchsorted(decided.subjects, subject))
        if at == len(decided.subjects) or decided.subjects[at] != subject:
            return []
        theirs = slice(decided.starts[at], decided.starts[at + 1])
        found = self.asked.candidates[decided.ranked[theirs]].tolist()
        return list(zip(found, decided.confidences[theirs].tolist(), strict=True))


@dataclass(frozen=True, slots=True)
class Outcome:
    """One array each, in the order of the subjects.

    ``decisions`` are places in ``DECISIONS``, ``reasons`` are ``Reason``. ``best`` is the place of the candidate with
    the highest probability, NONE without any; it is linked where the decision is auto. ``told``: whom a person gave a
    subject (who may not be among the candidates).
    """

    decisions: NDArray[np.int8]
    reasons: NDArray[np.int8]
    best: Slots
    confidences: Shares
    told: dict[int, UUID]
    first: Round
    again: Round
    scorer: Scorer

    @classmethod
    def nobodys(cls, count: int, told: dict[int, UUID], first: Round, again: Round, scorer: Scorer) -> "Outcome":
        """Before anything is decided."""
        return cls(
            decisions=np.full(count, NOT_LINKED, dtype=np.int8),
            reasons=np.full(count, Reason.NOBODY, dtype=np.int8),
            best=np.full(count, NONE, dtype=np.int32),
            confidences=np.zeros(count),
            told=told,
            first=first,
            again=again,
            scorer=scorer,
        )

    def put(self, found: Round) -> None:
        """Take over what was decided about its subjects."""
        decided = found.decided
        subjects, starts = decided.subjects, decided.starts[:-1]
        self.decisions[subjects], self.reasons[subjects] = decided.decisions, decided.reasons
        self.best[subjects] = found.asked.candidates[decided.ranked[starts]]
        self.confidences[subjects] = decided.confidences[starts]

    def owners(self) -> list[int]:
        """For each subject the best candidate where it is linked or a person is asked about it, NONE otherwise."""
        found: list[int] = np.where(self.decisions == NOT_LINKED, NONE, self.best).tolist()
        return found

    def decision(self, subject: int) -> Decision:
        return DECISIONS[self.decisions[subject]]

    def candidates(self, subject: int) -> list[tuple[int, float]]:
        """Between whom it was decided: places of candidates with their probabilities, best first."""
        return self.again.candidates(subject) or self.first.candidates(subject)
