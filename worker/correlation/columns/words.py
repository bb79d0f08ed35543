"""Why each was decided so, in a sentence: what speaks most for the best candidate, or against it."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import product

import numpy as np
from rapidfuzz.distance import JaroWinkler

from worker.correlation.columns import forked
from worker.correlation.columns.decide import Reason
from worker.correlation.columns.interned import NONE, Mask, Numbers, Slots
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


def explanations(outcome: Outcome, *, of_accounts: bool = True, processes: int = 1) -> Iterator[str]:
    """A sentence for each subject, in their order. Values are told as they were compared, normalised.

    ``processes`` share the work on many subjects, where the caller may be forked.
    """
    parts = range(0, len(outcome.best), _TOGETHER)
    tell = partial(_sentences, outcome, of_accounts=of_accounts)
    if len(outcome.best) < forked.LEAST or processes < 2:
        for first in parts:
            yield from tell(first)
        return
    shares = np.array_split(np.array(parts), processes)
    tasks = [partial(_listed, tell, share.tolist()) for share in shares]
    for sentences in forked.together(tasks, processes=processes):
        yield from sentences


def _listed(tell: Callable[[int], list[str]], parts: Sequence[int]) -> list[str]:
    return [sentence for first in parts for sentence in tell(first)]


def _sentences(outcome: Outcome, first: int, *, of_accounts: bool) -> list[str]:
    some = slice(first, first + _TOGETHER)
    reasons, sure, best = outcome.reasons[some], outcome.confidences[some], outcome.best[some]
    found = np.full(len(reasons), "", dtype=object)
    for reason, words in _PLAIN.items():
        found[reasons == reason] = words
    told = np.flatnonzero(~np.isin(reasons, list(_PLAIN)))
    subjects = (told + first).astype(np.int32)
    pairs = (best[told], subjects) if of_accounts else (subjects, best[told])
    spoken = _Spoken(outcome.scorer, *pairs, is_against=reasons[told] == Reason.UNLIKELY)
    rows = zip(subjects.tolist(), reasons[told].tolist(), sure[told].tolist(), spoken.words(), strict=True)
    found[told] = [_sentence(outcome, *row) for row in rows]
    return found.tolist()


def _sentence(outcome: Outcome, subject: int, reason: int, sure: float, words: str) -> str:
    if reason == Reason.CERTAIN:
        return f"{min(sure, 0.9999):.2%} sure: {words}"
    if reason == Reason.UNLIKELY:
        return f"the best reaches {sure:.1%}: {words}"
    if reason == Reason.CONTRADICTED:
        return f"an identifier agrees, and the rest speaks against it: {words}"
    if reason == Reason.UNSURE:
        likely = sum(1 for _, each in outcome.candidates(subject) if each >= _LEAST_SHOWN)
        if likely > 1:
            return f"{likely} come into question, the best with {sure:.0%}: {words}"
        return f"{sure:.0%} sure, too little to link by itself: {words}"
    return f"{min(sure, 0.9999):.2%} sure: {words}, but {_DOUBTS[Reason(reason)]}"


class _Spoken:
    """What the rules say of these pairs: what speaks most for each, or where ``is_against`` what speaks against it."""

    def __init__(self, scorer: Scorer, identities: Slots, accounts: Slots, *, is_against: Mask) -> None:
        self._scorer = scorer
        self._identities, self._accounts = identities, accounts
        self._is_against = is_against
        compared, points = scorer.compared(identities, accounts)
        self._levels = [each.levels for each in compared]
        self._points = np.zeros((len(accounts), len(points)))
        for place, each in enumerate(points):
            self._points[:, place] = np.where(is_against, -each, each)

    def words(self) -> list[str]:
        """The strongest evidence of each pair, the strongest first."""
        order = np.argsort(-self._points, axis=1, kind="stable")[:, :_TOLD]
        phrases = np.full(order.shape, "", dtype=object)
        speaks = np.take_along_axis(self._points, order, axis=1) > 0
        for place in range(self._points.shape[1]):
            rows, ranks = np.nonzero((order == place) & speaks)
            phrases[rows, ranks] = self._phrases(place, rows)
        nothing = np.where(self._is_against, "too little agrees", "no rule agrees").tolist()
        return [_joined(each) or empty for each, empty in zip(phrases.tolist(), nothing, strict=True)]

    def _phrases(self, place: int, rows: Numbers) -> list[str]:
        name, levels = self._scorer.rule_name(place), self._levels[place][rows]
        one, other = self._shown(place, rows, levels == Level.SAME)
        return [
            f"{name}: '{ours}' {_COMPARED[level]}"
            if level == Level.SAME
            else f"{name}: '{ours}' and '{theirs}' {_COMPARED[level]}"
            for level, ours, theirs in zip(levels.tolist(), one, other, strict=True)
        ]

    def _shown(self, place: int, rows: Numbers, same: Mask) -> tuple[list[str], list[str]]:
        """Of each pair the values by which one rule compares them; of several those that a person would compare."""
        texts, ours, theirs = self._scorer.values(place)
        left, right = ours[self._identities[rows]], theirs[self._accounts[rows]]
        if left.shape[1] == right.shape[1] == 1:
            return [texts[each] for each in left[:, 0].tolist()], [texts[each] for each in right[:, 0].tolist()]
        found = [
            nearest(_texts_of(texts, one), _texts_of(texts, other), is_same=is_same)
            for one, other, is_same in zip(left.tolist(), right.tolist(), same.tolist(), strict=True)
        ]
        return [one for one, _ in found], [other for _, other in found]


def nearest(ours: Sequence[str], theirs: Sequence[str], *, is_same: bool = False) -> tuple[str, str]:
    """Of several values those that are the same, or else the two that are most alike; of equals the first."""
    if is_same:
        shared = next(text for text in ours if text in theirs)
        return shared, shared
    return max(product(ours, theirs), key=lambda pair: JaroWinkler.similarity(*pair))


def _texts_of(texts: Sequence[str], numbers: Sequence[int]) -> list[str]:
    return [texts[each] for each in numbers if each != NONE]


def _joined(phrases: Sequence[str]) -> str:
    """Those that say nothing come last."""
    return "; ".join(phrases) if phrases and phrases[-1] else "; ".join(filter(None, phrases))
