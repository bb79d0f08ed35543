"""Pairs that can change nothing are left out before they are compared: of some thirty a subject all but a few.

A subject that has a candidate whom nobody else claims as much is hardly moved by others that are far less likely, nor
moves who else claims those. What nobody has looked at closely counts with its best chance: so who claims a candidate
is never underrated, and a subject for whom too much was left out is done again, with all its pairs. In numbers: let a
claim have the log odds l, the others for the same candidate the odds R in all, and a second candidate of its subject
the log odds m. In every step of ``joint_confidences`` the second one's part is at most e^m * (1 + R) / e^l, so it is
left out when m < l - ln(1 + R) - 16, as what is below -16 in any case.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from worker.correlation.columns import forked
from worker.correlation.columns.interned import Mask, Numbers, Slots
from worker.correlation.columns.joins import distinct
from worker.correlation.columns.kinds import Kind
from worker.correlation.columns.likeness import Shares
from worker.correlation.columns.memo import packed, unpacked
from worker.correlation.columns.pairs import by_size, pairs_among, pairs_by_key
from worker.correlation.columns.score import NEGLIGIBLE, Pairs, Scorer
from worker.correlation.joint import MOST
from worker.correlation.rules import RuleSet

#: Subjects whose pairs are made and scored together.
TOGETHER = 10_000
#: Kinds of keys that bring together so few, on average, are scored first.
_FEW = 3.0
#: What rivals that are not known yet may take from a claim, in log odds; whom they take more from is done again.
_RIVALS = 3.0
#: Nobody who may be more likely than this is left out for being less likely than another.
_LIKELY = -3.0
#: Sums of odds are right but for this part of them.
_PRECISION = 1e-13


@dataclass(frozen=True, slots=True)
class Named:
    """Records of which a person said something: their pairs are kept, and no claim of theirs makes others leave."""

    identities: Mask
    accounts: Mask

    def of(self, identities: Slots, accounts: Slots) -> Mask:
        found: Mask = self.identities[identities] | self.accounts[accounts]
        return found


class Cut:
    """All pairs of subjects that matter. Subjects are done in parts; then what was left out is checked."""

    def __init__(
        self,
        kinds: Sequence[Kind],
        scorer: Scorer,
        rule_set: RuleSet,
        named: Named,
        *,
        of_accounts: bool,
        processes: int = 1,
    ) -> None:
        self._processes = processes
        self._scorer = scorer
        self._named = named
        self._of_accounts = of_accounts
        self._margin = max(-NEGLIGIBLE, rule_set.min_gap + 1)
        self._is_rising = rule_set.slope > 0
        people, accounts = len(named.identities), len(named.accounts)
        self._subjects, self._candidates = (accounts, people) if of_accounts else (people, accounts)
        self._few, self._many = by_size(kinds, self._subjects, most=_FEW)
        #: Of each candidate the odds that were left out, and of each subject the log odds of the likeliest one.
        self._left_out = np.zeros(self._candidates)
        self._likeliest = np.full(self._subjects, -np.inf)

    def scored(self) -> Pairs:
        """All pairs that matter, in the order of their subjects."""
        every = np.arange(self._subjects, dtype=np.int32)
        pairs = self._of_parts(every, is_sure=True)
        sure = self._how_sure(pairs)
        again = self._likeliest >= sure - self._margin
        if again.any():
            others = pairs.where(~again[self._ends(pairs)[0]])
            pairs = self._in_order(Pairs.joined([others, self._of_parts(np.flatnonzero(again), is_sure=False)]))
        return pairs.where(self._matters(pairs, sure))

    def _of_parts(self, asked: Numbers | Slots, *, is_sure: bool) -> Pairs:
        """The pairs of these subjects, each process a share of them; what they left out is told together."""
        asked = asked.astype(np.int32)
        processes = self._processes if len(asked) >= forked.LEAST else 1
        shares = np.array_split(asked, processes)
        tasks = [partial(self._of_share, share, is_sure=is_sure) for share in shares]
        done = forked.together(tasks, processes=processes)
        self._left_out = np.sum([left_out for _, left_out, _ in done], axis=0)
        self._likeliest = np.max([likeliest for _, _, likeliest in done], axis=0)
        return Pairs.joined([pairs for pairs, _, _ in done])

    def _of_share(self, asked: Slots, *, is_sure: bool) -> tuple[Pairs, Shares, Shares]:
        self._left_out, self._likeliest = np.zeros(self._candidates), np.full(self._subjects, -np.inf)
        parts = [
            self._of_some(asked[at : at + TOGETHER], is_sure=is_sure) for at in range(0, max(len(asked), 1), TOGETHER)
        ]
        return Pairs.joined(parts), self._left_out, self._likeliest

    def _of_some(self, asked: Slots, *, is_sure: bool) -> Pairs:
        """The pairs of some subjects; ``is_sure``: without those that the first few make unlikely to matter."""
        nearest = self._scored(*pairs_among(self._few, asked))
        least = np.full(self._subjects, NEGLIGIBLE)
        if is_sure:
            sure = self._surest(nearest, 0.0) - _RIVALS
            least = np.clip(sure - self._margin, NEGLIGIBLE, _LIKELY)
        subjects, candidates = pairs_by_key(self._many, asked)
        kept = self._possible(subjects, candidates, least)
        found = distinct(packed(subjects[kept], candidates[kept]))
        known = packed(*self._ends(nearest))
        others = self._scored(*unpacked(found[~np.isin(found, known, assume_unique=True)]))
        pairs = Pairs.joined([nearest, others])
        return self._in_order(pairs.where(self._matters(pairs, np.full(self._subjects, -np.inf))))

    def _scored(self, subjects: Slots, candidates: Slots) -> Pairs:
        sides = (candidates, subjects) if self._of_accounts else (subjects, candidates)
        return self._scorer.score(*sides)

    def _possible(self, subjects: Slots, candidates: Slots, least: Shares) -> Mask:
        """Whom their best chances, an identifier that agrees, or a person's word brings into question."""
        identities, accounts = (candidates, subjects) if self._of_accounts else (subjects, candidates)
        logits, agrees = self._scorer.chances(identities, accounts)
        found: Mask = agrees | self._named.accounts[accounts] | (logits > least[subjects])
        out = np.flatnonzero(~found)
        np.add.at(self._left_out, candidates[out], np.exp(np.minimum(logits[out], MOST)))
        np.maximum.at(self._likeliest, subjects[out], logits[out])
        return found

    def _matters(self, pairs: Pairs, sure: Shares) -> Mask:
        """Those whom no surer claim of their subject makes negligible."""
        logits = self._scorer.logits(pairs)
        least = np.maximum(sure, 0.0)[self._ends(pairs)[0]] - self._margin if self._is_rising else -np.inf
        found: Mask = self._named.accounts[pairs.accounts] | pairs.is_strong | (logits > np.maximum(least, NEGLIGIBLE))
        return found

    def _how_sure(self, pairs: Pairs) -> Shares:
        """How sure each subject's surest claim is, whatever others claim, as log odds."""
        _, candidates = self._ends(pairs)
        odds = np.exp(np.minimum(self._scorer.logits(pairs), MOST)) * ~pairs.is_ruled_out
        total = self._left_out + np.bincount(candidates, weights=odds, minlength=self._candidates)
        rivals = np.maximum(total[candidates] - odds, 0.0) + _PRECISION * total[candidates]
        return self._surest(pairs, np.log1p(rivals))

    def _surest(self, pairs: Pairs, taken: Shares | float) -> Shares:
        """The highest log odds of each subject, less what is taken from them."""
        subjects, _ = self._ends(pairs)
        usable = ~(pairs.is_ruled_out | self._named.of(pairs.identities, pairs.accounts))
        found = np.full(self._subjects, -np.inf)
        if self._is_rising:
            logits = np.minimum(self._scorer.by_points(pairs), MOST) - taken
            np.maximum.at(found, subjects[usable], logits[usable])
        return found

    def _ends(self, pairs: Pairs) -> tuple[Slots, Slots]:
        return (pairs.accounts, pairs.identities) if self._of_accounts else (pairs.identities, pairs.accounts)

    def _in_order(self, pairs: Pairs) -> Pairs:
        return pairs.where(np.argsort(packed(*self._ends(pairs)), kind="stable"))
