"""Why each was decided so, in a sentence: what speaks most for the best candidate, or against it."""

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np
from rapidfuzz.distance import JaroWinkler

from worker.correlation.columns.decide import Reason
from worker.correlation.columns.interned import NONE, Slots
from worker.correlation.columns.judge import Level
from worker.correlation.columns.outcome import Outcome
from worker.correlation.columns.score import Scorer

#: Subjects that are put into words together.
_TOGETHER = 40_000
_TOLD = 3
_LEAST_SHOWN = 0.01
_PLAIN = {
    Reason.NOBODY: "nobody comes into question",
    Reason.ANOTHERS: "the best candidate more likely belongs to another, and no other comes into question",
    Reason.PERSON_SAID_WHO: "a person decided that this is the one",
    Reason.PERSON_SAID_NOBODY: "a person decided that this account belongs to nobody",
}
_DOUBTS = {
    Reason.SEVERAL_DEFINITIVE: "several have the same",
    Reason.TAKEN: "it already has a counterpart here",
    Reason.EVIDENCE_CHANGED: "a person decided about this pair, and its evidence has changed since",
    Reason.TUNING: "tuning mode links nobody by itself",
    Reason.TOO_CLOSE: "the next one is too close",
    Reason.CONTESTED: "another claims the same",
}
_COMPARED = {
    Level.SAME: "on both sides",
    Level.ALIKE: "are alike",
    Level.PART: "have only a part in common",
    Level.NEUTRAL: "are a little alike, which says nothing",
    Level.DIFFERENT: "are different",
}


def explanations(outcome: Outcome, *, of_accounts: bool = True) -> Iterator[str]:
    """A sentence for each subject, in their order. Values are told as they were compared, normalised."""
    for first in range(0, len(outcome.best), _TOGETHER):
        subjects = np.arange(first, min(first + _TOGETHER, len(outcome.best)), dtype=np.int32)
        best = outcome.best[subjects]
        has_one = best != NONE
        pairs = (best[has_one], subjects[has_one]) if of_accounts else (subjects[has_one], best[has_one])
        spoken = _Spoken(outcome.scorer, *pairs)
        rows = np.cumsum(has_one) - 1
        for subject, row in zip(subjects.tolist(), rows.tolist(), strict=True):
            yield _sentence(outcome, subject, row, spoken)


def _sentence(outcome: Outcome, subject: int, row: int, spoken: "_Spoken") -> str:
    reason, sure = Reason(outcome.reasons[subject]), float(outcome.confidences[subject])
    if reason in _PLAIN:
        return _PLAIN[reason]
    if reason is Reason.UNLIKELY:
        return f"the best reaches {sure:.1%}: {spoken.against(row)}"
    if reason is Reason.CONTRADICTED:
        return f"an identifier agrees, and the rest speaks against it: {spoken.best(row)}"
    if reason is Reason.UNSURE:
        likely = sum(1 for _, each in outcome.candidates(subject) if each >= _LEAST_SHOWN)
        if likely > 1:
            return f"{likely} come into question, the best with {sure:.0%}: {spoken.best(row)}"
        return f"{sure:.0%} sure, too little to link by itself: {spoken.best(row)}"
    why = f"{min(sure, 0.9999):.2%} sure: {spoken.best(row)}"
    return f"{why}, but {_DOUBTS[reason]}" if reason in _DOUBTS else why


class _Spoken:
    """What the rules say of these pairs."""

    def __init__(self, scorer: Scorer, identities: Slots, accounts: Slots) -> None:
        self._scorer = scorer
        self._identities, self._accounts = identities, accounts
        compared, points = scorer.compared(identities, accounts)
        self._levels = np.stack([each.levels for each in compared]) if compared else np.zeros((0, len(accounts)))
        self._points = np.stack(points) if points else np.zeros((0, len(accounts)))
        self._for = np.argsort(-self._points, axis=0, kind="stable")[:_TOLD].T.tolist()
        self._against = np.argsort(self._points, axis=0, kind="stable")[:_TOLD].T.tolist()

    def best(self, row: int) -> str:
        """What speaks most for a pair."""
        places = [place for place in self._for[row] if self._points[place, row] > 0]
        return "; ".join(self._words(place, row) for place in places) or "no rule agrees"

    def against(self, row: int) -> str:
        """What speaks most against a pair."""
        places = [place for place in self._against[row] if self._points[place, row] < 0]
        return "; ".join(self._words(place, row) for place in places) or "too little agrees"

    def _words(self, place: int, row: int) -> str:
        level = Level(int(self._levels[place, row]))
        ours, theirs = self._scorer.texts(place, int(self._identities[row]), int(self._accounts[row]))
        name = self._scorer.rule_name(place)
        if level is Level.SAME:
            return f"{name}: '{next(text for text in ours if text in theirs)}' {_COMPARED[level]}"
        one, other = nearest(ours, theirs)
        return f"{name}: '{one}' and '{other}' {_COMPARED[level]}"


def nearest(ours: Sequence[str], theirs: Sequence[str]) -> tuple[str, str]:
    """Of several values the two that a person would compare: those that are most alike, of equals the first."""
    return max(product(ours, theirs), key=lambda pair: JaroWinkler.similarity(*pair))
