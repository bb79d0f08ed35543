"""Blocking keys of the records of one table, for who is looked for a part of all at a time.

Those of ``blocking``: two records have a hash in common exactly when they have a key in common (but for an accident in
2^64). The hashes hold for one process; they come from the texts, not from a table's numbers for them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from worker.correlation.blocking import LAST_SIGNS, MAX_TOKENS, MAX_TYPO, MIN_TYPO
from worker.correlation.columns.hashes import mixed, with_one_left_out
from worker.correlation.columns.interned import NONE, Interned, Mask, Numbers, Slots
from worker.correlation.columns.joins import Hashes, Lists
from worker.correlation.columns.prepare import Prepared, Records, Table, prepare
from worker.correlation.normalize import local_part
from worker.correlation.phonetics import metaphone, soundex
from worker.correlation.rules import MatchKind, Rule, RuleSet
from worker.correlation.similarity import Algorithm
from worker.domain.correlation import Side

#: What tells keys of different kinds apart; rules that block have numbers above these.
_TYPO, _FIRST_RULE = 1, 16
_SAME, _BEGINNING, _END, _SOUND, _CODE, _DATE = range(6)

#: Parts of names come again and again, whoever is met.
_sound = lru_cache(maxsize=100_000)(soundex)

#: Keys and the records that have them, in two arrays of equal length.
Found = tuple[Hashes, Slots]


def blocking_rules(rule_set: RuleSet) -> RuleSet:
    """What of a rule set keys are made of: rules that block, and names, of which each part counts with a date."""
    rules = [each for each in rule_set.rules if each.match is not MatchKind.EXPRESSION]
    some = tuple(each for each in rules if each.blocking or "name" in each.normalize)
    return replace(rule_set, rules=some, service_source="", service_target="", ended="", created="")


def one_side(table: Table, rule_set: RuleSet, side: Side) -> tuple[Prepared, Records]:
    """A table prepared without another."""
    nobody = Table([], {})
    if side is Side.IDENTITY:
        prepared = prepare(table, nobody, rule_set)
        return prepared, prepared.identities
    prepared = prepare(nobody, table, rule_set)
    return prepared, prepared.accounts


class Wanted:
    """Keys that somebody looks for; ``hashes`` are in order, each once."""

    #: So many bits of a hash tell of most keys that nobody looks for them.
    _BITS = 24

    def __init__(self, hashes: Hashes) -> None:
        self.hashes = hashes
        self._is_there: Mask = np.zeros(1 << self._BITS, dtype=np.bool_)
        self._is_there[self._low(hashes)] = True

    def __len__(self) -> int:
        return len(self.hashes)

    def places(self, hashes: Hashes) -> Numbers:
        """The place of each among the wanted, NONE for others."""
        found = np.full(len(hashes), NONE, dtype=np.int64)
        maybe = np.flatnonzero(self._is_there[self._low(hashes)])
        if len(maybe):
            some = hashes[maybe]
            at = np.minimum(np.searchsorted(self.hashes, some), len(self.hashes) - 1)
            found[maybe] = np.where(self.hashes[at] == some, at, NONE)
        return found

    def _low(self, hashes: Hashes) -> NDArray[np.int64]:
        return (hashes >> np.uint64(64 - self._BITS)).astype(np.int64)


def keys_of(prepared: Prepared, records: Records, rule_set: RuleSet, wanted: Wanted | None = None) -> Iterator[Found]:
    """Keys and records, a kind at a time; a record may have a key more than once. ``wanted``: only those, as places."""
    names = _Tokens(prepared, records, rule_set)
    for place, rule in enumerate(rule_set.rules):
        if not rule.blocking:
            continue
        values, texts = records.values[place], prepared.spaces[place].texts
        if "date" in rule.normalize:
            hashes, holders = names.with_dates(_FIRST_RULE + place, values, texts)
            yield _chosen(hashes, holders, None, wanted)
            continue
        holders_of = Lists.by_value(values, count=len(texts))
        for hashes, numbers in _of_texts(rule, _FIRST_RULE + place, texts):
            yield _chosen(hashes, numbers, holders_of, wanted)


def _chosen(hashes: Hashes, numbers: Slots, holders: Lists | None, wanted: Wanted | None) -> Found:
    if wanted is not None:
        places = wanted.places(hashes)
        there = places != NONE
        hashes, numbers = places[there].astype(np.uint64), numbers[there]
    if holders is None:
        return hashes, numbers
    at, records = holders.expand(numbers)
    return hashes[at], records


def _of_texts(rule: Rule, kind: int, texts: list[str]) -> Iterator[tuple[Hashes, Slots]]:
    """The keys of each text of one rule, with its number."""
    everyone = np.arange(len(texts), dtype=np.int32)
    yield mixed(kind, _SAME, hashes_of(texts)), everyone
    if "name" in rule.normalize:
        yield from _of_names(kind, texts)
    elif rule.match is MatchKind.FUZZY:
        whole = map(local_part, texts) if "email" in rule.normalize else texts
        own = Interned()
        numbers = own.numbers(text if MIN_TYPO <= len(text) <= MAX_TYPO else "" for text in whole)
        having = Lists.by_value(numbers.reshape(-1, 1), count=len(own))
        for hashes, parts in with_one_left_out(own.texts, np.arange(len(own)), shortest=MIN_TYPO):
            at, found = having.expand(parts)
            yield mixed(_TYPO, hashes[at]), found
    elif rule.match is MatchKind.PHONETIC:
        code = metaphone if rule.algorithm is Algorithm.METAPHONE else soundex
        coded = [" ".join(sorted(map(code, text.split()))) for text in texts]
        yield mixed(kind, _CODE, hashes_of(coded)), everyone


def _of_names(kind: int, texts: list[str]) -> Iterator[tuple[Hashes, Slots]]:
    tokens = Interned()
    of_text = _split(texts, tokens)
    whole = hashes_of(tokens.texts)
    beginning = hashes_of([token[0] for token in tokens.texts])
    end = hashes_of([token[-LAST_SIGNS:] for token in tokens.texts])
    sound = hashes_of(list(map(_sound, tokens.texts)))
    sizes = of_text.sizes
    for one, other in permutations(range(MAX_TOKENS), 2):
        names = np.flatnonzero(sizes > max(one, other))
        first, second = (of_text.items[of_text.starts[names] + place] for place in (one, other))
        numbers = names.astype(np.int32)
        yield mixed(kind, _BEGINNING, whole[first], beginning[second]), numbers
        yield mixed(kind, _END, whole[first], end[second]), numbers
        yield mixed(kind, _SOUND, sound[first], beginning[second]), numbers


class _Tokens:
    """The parts of all names of each record."""

    def __init__(self, prepared: Prepared, records: Records, rule_set: RuleSet) -> None:
        self._parts = [
            (records.values[place], prepared.spaces[place].texts)
            for place, rule in enumerate(rule_set.rules)
            if "name" in rule.normalize
        ]

    def with_dates(self, kind: int, values: Slots, texts: list[str]) -> Found:
        """A date with each part of a name of its record."""
        days, of_day = Lists.by_record(values), hashes_of(texts)
        found, owners = [np.empty(0, dtype=np.uint64)], [np.empty(0, dtype=np.int32)]
        for named, names in self._parts:
            tokens = Interned()
            of_text = _split(names, tokens)
            whole = hashes_of(tokens.texts)
            theirs = Lists.by_record(named)
            records = np.repeat(np.arange(len(named)), theirs.sizes)
            places, parts = of_text.expand(theirs.items)
            which, dates = days.expand(records[places])
            owners.append(records[places][which].astype(np.int32))
            found.append(mixed(kind, _DATE, of_day[dates], whole[parts[which]]))
        return np.concatenate(found), np.concatenate(owners)


def _split(texts: Sequence[str], tokens: Interned) -> Lists:
    """The tokens of each text."""
    split = [text.split() for text in texts]
    starts = np.zeros(len(texts) + 1, dtype=np.int64)
    np.cumsum(np.fromiter(map(len, split), dtype=np.int64, count=len(split)), out=starts[1:])
    return Lists(starts, tokens.numbers(token for each in split for token in each))


def hashes_of(texts: Sequence[str]) -> Hashes:
    """A hash of each text, the same for equal texts in this process."""
    return np.fromiter(map(hash, texts), dtype=np.int64, count=len(texts)).astype(np.uint64)
