"""Blocking keys over columns: those of ``blocking``, made once for each distinct value in place of each record.

A kind is a space of texts, and who has which of them. Records are compared when a text of the one is a text of the
other, or a neighbour of it: has a key in common with it. Keys that too many candidates share count for neither.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from worker.correlation.blocking import MAX_TYPO, MIN_TYPO
from worker.correlation.columns.hashes import with_one_left_out
from worker.correlation.columns.interned import Interned, Mask, Numbers, Slots, taken, together
from worker.correlation.columns.joins import KEYS_TOGETHER, Hashes, Lists, Weights, distinct_pairs, joined
from worker.correlation.columns.names import Names
from worker.correlation.columns.prepare import Prepared, Records
from worker.correlation.normalize import local_part
from worker.correlation.phonetics import metaphone, soundex
from worker.correlation.rules import MatchKind, Rule, RuleSet
from worker.correlation.similarity import Algorithm

#: Makes (hashes, texts) of a kind's texts, a part at a time.
Keys = Callable[[], Iterator[tuple[Hashes, Slots]]]


@dataclass(frozen=True, slots=True)
class Kind:
    """``subjects``: the texts of each record; ``candidates``: the records of each text, of those that may be looked up
    by it. ``near``: for each text its neighbours; None where only the same text counts.
    """

    subjects: Lists
    candidates: Lists
    is_open: Mask
    near: Lists | None = None


@dataclass(frozen=True, slots=True)
class _Sides:
    subjects: Records
    candidates: Records


def kinds_of(
    prepared: Prepared, rule_set: RuleSet, names: Sequence[Names | None], *, of_accounts: bool, max_block: int
) -> Iterator[Kind]:
    """All kinds of a rule set; ``names`` are the parts of each rule's texts where these are names."""
    identities, accounts = prepared.identities, prepared.accounts
    sides = _Sides(accounts, identities) if of_accounts else _Sides(identities, accounts)
    typos = _Typos()
    for place, rule in enumerate(rule_set.rules):
        if not rule.blocking or rule.match is MatchKind.EXPRESSION:
            continue
        own, others = sides.subjects.values[place], sides.candidates.values[place]
        space = prepared.spaces[place]
        if "date" in rule.normalize:
            yield _with_names(place, names, sides, max_block)
            continue
        yield _same(own, others, len(space), max_block)
        if (parts := names[place]) is not None:
            yield _near(own, others, len(space), parts.keys, max_block)
        elif rule.match is MatchKind.FUZZY:
            typos.add(rule, space, own, others)
        elif rule.match is MatchKind.PHONETIC:
            coded, numbers = _coded(rule, space)
            yield _same(together([taken(numbers, own)]), together([taken(numbers, others)]), len(coded), max_block)
    if typos.subjects:
        yield typos.kind(max_block)


def _same(own: Slots, others: Slots, count: int, max_block: int) -> Kind:
    candidates = Lists.by_value(others, count=count)
    return Kind(Lists.by_record(own), candidates, candidates.sizes <= max_block)


def _near(own: Slots, others: Slots, count: int, keys: Keys, max_block: int) -> Kind:
    """Texts that share one of these keys; a text is open to itself when one of its keys is not too common."""
    subjects, candidates = Lists.by_record(own), Lists.by_value(others, count=count)
    has_subject = np.zeros(count, dtype=np.bool_)
    has_subject[subjects.items] = True
    weights = Weights(candidates.sizes, has_subject)
    is_open = np.zeros(count, dtype=np.bool_)
    found = []
    for hashes, texts in _parts(keys):
        left, right, single = joined(hashes, texts, weights, at_most=max_block)
        is_open[single] = True
        found.append((left, right))
    left, right = distinct_pairs(*(np.concatenate(each) for each in zip(*found, strict=True)))
    return Kind(subjects, candidates, is_open, Lists.of(left, right, count=count))


def _parts(keys: Keys) -> Iterator[tuple[Hashes, Slots]]:
    """All keys in parts by their hash, so that what is sorted together stays small; made anew for each part."""
    total = sum(len(hashes) for hashes, _ in keys())
    parts = max(1, -(-total // KEYS_TOGETHER))
    for part in range(parts):
        chosen = [_of_part(hashes, texts, part, parts) for hashes, texts in keys()]
        empty = (np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int32))
        hashes, texts = (np.concatenate(each) for each in zip(empty, *chosen, strict=True))
        yield hashes, texts


def _of_part(hashes: Hashes, texts: Slots, part: int, parts: int) -> tuple[Hashes, Slots]:
    if parts == 1:
        return hashes, texts
    chosen = (hashes >> np.uint64(40)) % np.uint64(parts) == np.uint64(part)
    return hashes[chosen], texts[chosen]


def _coded(rule: Rule, space: Interned) -> tuple[Interned, Slots]:
    code = metaphone if rule.algorithm is Algorithm.METAPHONE else soundex
    coded = Interned()
    return coded, coded.numbers("~" + " ".join(sorted(map(code, text.split()))) for text in space.texts)


def _with_names(place: int, names: Sequence[Names | None], sides: _Sides, max_block: int) -> Kind:
    """A date counts with each token of the names of its record."""
    (owners, own), (holders, others) = (_dated(place, names, side) for side in (sides.subjects, sides.candidates))
    texts, numbers = np.unique(np.concatenate([own, others]), return_inverse=True)
    owners, owned = distinct_pairs(owners, numbers[: len(own)])
    holders, held = distinct_pairs(holders, numbers[len(own) :])
    candidates = Lists.of(held, holders, count=len(texts))
    return Kind(Lists.of(owners, owned, count=sides.subjects.count), candidates, candidates.sizes <= max_block)


def _dated(place: int, names: Sequence[Names | None], side: Records) -> tuple[Slots, Numbers]:
    """Records, and a date of each with a token of a name of it in one number."""
    days = Lists.by_record(side.values[place])
    width = max((parts.token_count for parts in names if parts is not None), default=0)
    owners, found = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    for rule_place, parts in enumerate(names):
        if parts is None:
            continue
        texts = Lists.by_record(side.values[rule_place])
        records = np.repeat(np.arange(side.count), texts.sizes)
        places, tokens = parts.tokens.expand(texts.items)
        which, dates = days.expand(records[places])
        owners.append(records[places][which])
        found.append(dates.astype(np.int64) * width + tokens[which])
    return np.concatenate(owners).astype(np.int32), np.concatenate(found)


class _Typos:
    """User names and local parts of addresses, in one space: mostly the same texts, so mostly the same keys."""

    def __init__(self) -> None:
        self._space = Interned()
        self.subjects: list[Slots] = []
        self._candidates: list[Slots] = []

    def add(self, rule: Rule, space: Interned, own: Slots, others: Slots) -> None:
        texts = map(local_part, space.texts) if "email" in rule.normalize else space.texts
        numbers = self._space.numbers(text if MIN_TYPO <= len(text) <= MAX_TYPO else "" for text in texts)
        self.subjects.append(taken(numbers, own))
        self._candidates.append(taken(numbers, others))

    def kind(self, max_block: int) -> Kind:
        own, others = together(self.subjects), together(self._candidates)
        return _near(own, others, len(self._space), self._keys, max_block)

    def _keys(self) -> Iterator[tuple[Hashes, Slots]]:
        return with_one_left_out(self._space.texts, np.arange(len(self._space)), shortest=MIN_TYPO)
