"""Weights learnt from two tables without anybody's labels, and how likely it is to have a counterpart at all.

The model is that of Fellegi and Sunter (1969): each rule's comparison ends in a level, with probability m for one
person and u for two, and is worth ln(m / u). u is counted over pairs drawn at random, of which hardly any are of one
person; m and the share of accounts that have an owner are estimated by expectation maximisation (Dempster, Laird and
Rubin 1977): how likely each candidate pair is by the weights so far, then the weights that make those likelihoods
likeliest. What several claim is weighed together in each round, so namesakes do not teach what one person's values look
like.

Names, and what is made of them, keep their weights and only bear witness: they depend on each other, which the model
does not know, and names are weighed by their own frequency. This module imports numpy: import it where it runs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from worker.correlation.bulk import MAX_BLOCK, NO_CLAIM
from worker.correlation.columns.interned import Interned, Numbers, Slots
from worker.correlation.columns.judge import Level
from worker.correlation.columns.kinds import kinds_of
from worker.correlation.columns.names import Names, frequencies_among
from worker.correlation.columns.pairs import pairs_among
from worker.correlation.columns.prepare import Prepared, Table, prepare
from worker.correlation.columns.score import Compared, Scorer
from worker.correlation.frequency import NameFrequencies
from worker.correlation.joint import joint_confidences
from worker.correlation.rules import MatchKind, Rule, RuleSet

#: Rounds of the estimation, and accounts that it looks at: more change little.
ROUNDS, MOST_ACCOUNTS = 8, 20_000
_DRAWN = 50_000
#: So many pairs of one person are taken for granted to look as the rules say before any are seen.
_GIVEN = 4.0
#: Comparisons that one person's values end in, before any are seen: nearly always the same.
_EXPECTED = {Level.SAME: 0.84, Level.ALIKE: 0.06, Level.NEUTRAL: 0.03, Level.DIFFERENT: 0.07}
_LEARNT = tuple(_EXPECTED)
_MOST_FOR, _MOST_AGAINST = 14.0, 8.0
_LEAST_SHARE, _MOST_SHARE = 0.02, 0.97

#: What is made of a name depends on it through and through.
_DERIVED = frozenset({"name", "login", "email"})

Weights = dict[int, dict[Level, float]]


@dataclass(frozen=True, slots=True)
class Refined:
    """``rule_set`` with what was learnt; ``pairs`` of one person are expected among the accounts looked at."""

    rule_set: RuleSet
    pairs: float
    accounts: int


def refined(
    identities: Table,
    accounts: Table,
    *,
    rule_set: RuleSet,
    frequencies: NameFrequencies | None = None,
    one_to_one: bool = True,
    count_names: bool = False,
) -> Refined:
    """Learn from these tables; the same tables give the same weights.

    Without ``one_to_one`` somebody may have several counterparts (duplicates within a table). Where there is nothing to
    learn from, the rule set comes back as it was. ``count_names``: how common names are is told by the identities
    themselves, in place of ``frequencies``.
    """
    seen = _some(accounts)
    evidence = _Evidence.of(identities, seen, rule_set, frequencies, count_names=count_names)
    if evidence is None:
        return Refined(rule_set, 0.0, len(seen.ids))
    weights = evidence.shipped
    offset = rule_set.offset
    of_all = len(seen.ids) / len(accounts.ids)
    sure = np.zeros(0)
    for _ in range(ROUNDS):
        sure = evidence.confidences(weights, offset, one_to_one=one_to_one)
        weights = evidence.weights(sure)
        offset = _offset(evidence, float(sure.sum()), one_to_one=one_to_one, of_all=of_all)
    rules = tuple(
        _with(rule, weights[place]) if place in weights else rule for place, rule in enumerate(rule_set.rules)
    )
    found = replace(rule_set, rules=rules, slope=1.0, offset=round(offset, 3))
    return Refined(found, float(sure.sum()), len(seen.ids))


@dataclass(frozen=True, slots=True)
class _Evidence:
    """Candidate pairs: ``fixed`` is what the rules say that are not learnt, ``levels`` where the others end.

    ``by_chance``: per learnt rule how often a comparison of two strangers ends at each level.
    """

    identities: Numbers
    accounts: Numbers
    people: int
    asked: int
    base: float
    fixed: NDArray[np.float64]
    levels: dict[int, NDArray[np.int8]]
    by_chance: dict[int, dict[Level, float]]
    shipped: Weights

    @classmethod
    def of(
        cls,
        identities: Table,
        accounts: Table,
        rule_set: RuleSet,
        frequencies: NameFrequencies | None,
        *,
        count_names: bool,
    ) -> "_Evidence | None":
        prepared = prepare(identities, accounts, rule_set)
        names = _names(prepared, rule_set)
        if count_names:
            frequencies = frequencies_among(prepared, rule_set, names)
        kinds = list(kinds_of(prepared, rule_set, names, of_accounts=True, max_block=MAX_BLOCK))
        asking, found = pairs_among(kinds, np.arange(len(accounts.ids), dtype=np.int32))
        others = _places(accounts, identities)[asking] != found
        asking, found = asking[others], found[others]
        scorer = Scorer(prepared, rule_set, names, frequencies)
        chance = scorer.possible(found, asking)
        asking, found = asking[chance], found[chance]
        if not len(asking):
            return None
        compared, points = scorer.compared(found, asking)
        learnt = [place for place, rule in enumerate(rule_set.rules) if _is_learnt(rule, rule_set)]
        drawn = _drawn(len(identities.ids), len(accounts.ids))
        fixed = [points[place] for place in range(len(points)) if place not in learnt]
        return cls(
            identities=found.astype(np.int64),
            accounts=asking.astype(np.int64),
            people=len(identities.ids),
            asked=len(accounts.ids),
            base=frequencies.prior if frequencies else rule_set.base,
            fixed=sum(fixed, np.zeros(len(asking))),
            levels={place: compared[place].levels for place in learnt},
            by_chance={place: _by_chance(scorer.compare_by(place, *drawn)) for place in learnt},
            shipped={place: _shipped(compared[place], rule_set.rules[place]) for place in learnt},
        )

    def confidences(self, weights: Weights, offset: float, *, one_to_one: bool) -> NDArray[np.float64]:
        """How likely each pair is by these weights."""
        logits = self.base + offset + self.fixed
        for place, levels in self.levels.items():
            table = np.zeros(len(Level))
            for level, points in weights[place].items():
                table[level] = points
            logits = logits + table[levels]
        if not one_to_one:
            alone: NDArray[np.float64] = 1 / (1 + np.exp(-np.clip(logits, -500, 500)))
            return alone
        claims = np.flatnonzero(logits > NO_CLAIM)
        found = np.zeros(len(logits))
        found[claims] = joint_confidences(self.accounts[claims], self.identities[claims], logits[claims])
        return found

    def weights(self, sure: NDArray[np.float64]) -> Weights:
        """The weights that fit pairs which are of one person with these probabilities."""
        found: Weights = {}
        for place, levels in self.levels.items():
            seen = np.bincount(levels, weights=sure, minlength=len(Level))
            counts = {level: float(seen[level]) + _GIVEN * _EXPECTED[level] for level in _LEARNT}
            total = sum(counts.values())
            chance = self.by_chance[place]
            worth = {level: float(np.log(counts[level] / total / chance[level])) for level in _LEARNT}
            found[place] = {level: min(max(points, -_MOST_AGAINST), _MOST_FOR) for level, points in worth.items()}
        return found


def _names(prepared: Prepared, rule_set: RuleSet) -> list[Names | None]:
    tokens = Interned()
    return [
        Names(space.texts, tokens) if "name" in rule.normalize else None
        for rule, space in zip(rule_set.rules, prepared.spaces, strict=True)
    ]


def _drawn(people: int, asked: int) -> tuple[Slots, Slots]:
    """Pairs at random, the same ones every time."""
    rng = np.random.default_rng(people + asked)
    ours, theirs = (rng.integers(count, size=_DRAWN).astype(np.int32) for count in (people, asked))
    return ours, theirs


def _places(accounts: Table, identities: Table) -> Numbers:
    """Where each account's record is among the identities, -1 where it is not: nobody is his own duplicate."""
    own = {each: place for place, each in enumerate(identities.ids)}
    return np.array([own.get(each, -1) for each in accounts.ids], dtype=np.int64)


def _is_learnt(rule: Rule, rule_set: RuleSet) -> bool:
    if rule.definitive or rule.veto or rule.by_frequency or rule.compares_names or rule.match is MatchKind.EXPRESSION:
        return False
    together = [other for other in rule_set.rules if other.group == rule.group and other is not rule]
    return not rule.group or not any(_DERIVED.intersection(other.normalize[-1:]) for other in (rule, *together))


def _by_chance(compared: Compared) -> dict[Level, float]:
    """How often two strangers' values end at each level; half a pair is added, so that nothing is impossible."""
    seen = np.bincount(compared.levels, minlength=len(Level))
    total = sum(int(seen[level]) + 0.5 for level in _LEARNT)
    return {level: (int(seen[level]) + 0.5) / total for level in _LEARNT}


def _shipped(compared: Compared, rule: Rule) -> dict[Level, float]:
    """What the levels are worth by the rule as it is; a likeness, as it is on average."""
    alike = compared.points[compared.levels == Level.ALIKE]
    mean = float(alike.mean()) if len(alike) else rule.weight / 2
    return {Level.SAME: rule.weight, Level.ALIKE: mean, Level.NEUTRAL: 0.0, Level.DIFFERENT: -rule.disagreement}


def _offset(evidence: _Evidence, pairs: float, *, one_to_one: bool, of_all: float) -> float:
    """From how many pairs there are to the log odds of being one: for an account, or for any two records.

    One to one, an account belongs to one of the people who have no other: those who are left come into question, and
    not all. ``of_all``: the share of all accounts that are looked at.
    """
    if one_to_one:
        share = min(max(pairs / max(evidence.asked, 1), _LEAST_SHARE), _MOST_SHARE)
        left = 1 - min(pairs / of_all / max(evidence.people, 1), _MOST_SHARE)
        return float(np.log(share / (1 - share)) - np.log(left))
    rate = min(max(pairs, 0.5) / (evidence.people * evidence.asked), 0.5)
    return float(np.log(rate / (1 - rate))) - evidence.base


def _with(rule: Rule, weights: dict[Level, float]) -> Rule:
    levels: Sequence[tuple[float, float]] = ()
    if rule.match is not MatchKind.EXACT and rule.algorithm is not None:
        levels = [(rule.threshold, weights[Level.ALIKE])]
        if rule.match is MatchKind.FUZZY and rule.neutral > 0:
            levels.append((max(rule.threshold - rule.neutral, 0.0), weights[Level.NEUTRAL]))
    return replace(
        rule,
        group="",
        weight=round(max(weights[Level.SAME], 0.0), 3),
        disagreement=round(max(-weights[Level.DIFFERENT], 0.0), 3),
        levels=tuple((least, round(points, 3)) for least, points in levels),
    )


def _some(accounts: Table) -> Table:
    """Of many accounts every so many."""
    step = -(-len(accounts.ids) // MOST_ACCOUNTS) or 1
    if step == 1:
        return accounts
    columns = {name: values[::step] for name, values in accounts.columns.items()}
    ids = [accounts.ids[place] for place in range(0, len(accounts.ids), step)]
    return Table(ids, columns, accounts.is_taken[::step] if accounts.is_taken else None)
