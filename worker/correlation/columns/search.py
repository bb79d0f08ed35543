"""Who may own some accounts, found among people who come by a part of all at a time.

Of few accounts the keys are known first, and of everybody who passes those stay who hold one of them: not everybody who
is called Anna, but who shares a key that few enough have. Of very many accounts everybody stays.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import numpy as np

from worker.correlation.bulk import MAX_BLOCK
from worker.correlation.columns.interned import NONE, Mask, Numbers, Slots
from worker.correlation.columns.joins import Hashes, Lists, distinct
from worker.correlation.columns.keys import Wanted, blocking_rules, keys_of, one_side
from worker.correlation.columns.kinds import Kind
from worker.correlation.columns.prepare import Prepared, Records, Table
from worker.correlation.frequency import NameFrequencies
from worker.correlation.rules import RuleSet, alternatives
from worker.domain.correlation import Side

#: What a person is called for people; kept whether rules read it or not.
SHOWN_AS = "user_name"
#: People who were kept and hold no rare key any more are let go when there are so many times as many as the last time.
_GROWN = 1.5
_AT_FIRST = 50_000


class Ids(Sequence[UUID]):
    """Ids in 16 bytes each."""

    def __init__(self, packed: bytes | bytearray = b"") -> None:
        self.packed = bytearray(packed)

    def __len__(self) -> int:
        return len(self.packed) // 16

    def __getitem__(self, place: Any) -> Any:
        if not 0 <= place < len(self):
            raise IndexError(place)
        return UUID(bytes=bytes(self.packed[16 * place : 16 * place + 16]))

    def add(self, ids: Iterable[str]) -> None:
        """Append ids in their usual form."""
        self.packed += bytes.fromhex("".join(ids).replace("-", ""))

    def chosen(self, places: Numbers) -> "Ids":
        """Only those at these places."""
        rows = np.frombuffer(bytes(self.packed), dtype="V16")
        return Ids(rows[places].tobytes())


class Rows:
    """Records as columns, of the attributes that somebody reads (``names``); what nobody has takes no room."""

    def __init__(self, names: Iterable[str]) -> None:
        self.ids = Ids()
        self.names = frozenset(names)
        self.columns: dict[str, list[Any]] = {}

    def add(self, ids: Sequence[str], records: Sequence[Mapping[str, Any]]) -> None:
        """Append records; what nobody reads is left out."""
        known = self.names.intersection(set().union(*records))
        for name in known - self.columns.keys():
            self.columns[name] = [None] * len(self.ids)
        self.ids.add(ids)
        for name, values in self.columns.items():
            values.extend([record.get(name) for record in records] if name in known else [None] * len(records))

    def chosen(self, places: Numbers) -> "Rows":
        """Only those at these places."""
        found = Rows(self.names)
        found.ids = self.ids.chosen(places)
        listed = places.tolist()
        found.columns = {name: [values[place] for place in listed] for name, values in self.columns.items()}
        return found

    def join(self, others: "Rows") -> None:
        """Append those of another."""
        for name in others.columns.keys() - self.columns.keys():
            self.columns[name] = [None] * len(self.ids)
        self.ids.packed += others.ids.packed
        for name, values in self.columns.items():
            values.extend(others.column(name))

    def column(self, name: str) -> list[Any]:
        """What each has of one attribute."""
        return self.columns.get(name) or [None] * len(self.ids)

    def table(self, is_taken: Sequence[bool] | None = None) -> Table:
        return Table(self.ids, self.columns, is_taken)


def names_read(rule_set: RuleSet, side: Side) -> list[str]:
    """The attributes of one side that a rule set reads."""
    of_identity = side is Side.IDENTITY
    paths = [rule.path(side) for rule in rule_set.rules]
    paths += [rule_set.service_source, rule_set.ended] if of_identity else [rule_set.service_target, rule_set.created]
    found = {name for path in paths for parts in alternatives(path) for name in parts}
    return sorted(found | {SHOWN_AS} if of_identity else found)


class Search:
    """Meets everybody once. ``accounts`` are complete; ``keeps_all``: there are too many of them to choose."""

    def __init__(self, accounts: Rows, rule_set: RuleSet, *, keeps_all: bool) -> None:
        self.people = Rows(names_read(rule_set, Side.IDENTITY))
        self._rules = blocking_rules(rule_set)
        self._keeps_all = keeps_all
        self._wanted, self._asked = _keys(Rows(()) if keeps_all else accounts, self._rules)
        self._accounts = len(accounts.ids)
        self._holders = np.zeros(len(self._wanted), dtype=np.int64)
        #: (place of a key, place of a person who was kept) in one number each
        self._held: list[Hashes] = []
        self._most = _AT_FIRST
        self._names = _NameCounts(self._rules)

    @property
    def frequencies(self) -> NameFrequencies | None:
        """How common the names of everybody met are; None where they can be counted among those kept."""
        return None if self._keeps_all and self._names.are_asked_for else self._names.frequencies

    def meet(self, ids: Sequence[str], people: Sequence[Mapping[str, Any]]) -> None:
        """Look at the next people, whose ids are above those of all before."""
        came = Rows(self.people.names)
        came.add(ids, people)
        self._names.total += len(ids)
        if self._keeps_all:
            self.people.join(came)
            return
        prepared, records = one_side(came.table(), self._rules, Side.IDENTITY)
        self._names.add(prepared, records)
        keys, holders = _distinct(keys_of(prepared, records, self._rules, self._wanted))
        self._holders += np.bincount(keys, minlength=len(self._wanted))
        rare = self._holders[keys] <= MAX_BLOCK
        keys, holders = keys[rare], holders[rare]
        kept = np.unique(holders)
        self._held.append(_packed(keys, np.searchsorted(kept, holders) + len(self.people.ids)))
        self.people.join(came.chosen(kept))
        if len(self.people.ids) > self._most:
            self._let_go()

    def end(self) -> Kind | None:
        """Everybody was met: the rare keys, with the accounts and the people who hold them.

        None where everybody was kept: what they have in common is not known.
        """
        if self._keeps_all:
            return None
        self._let_go()
        keys, people = self._unpacked()
        asked, accounts = _unpacked(self._asked)
        count = len(self._wanted)
        return Kind(
            subjects=Lists.of(accounts, asked.astype(np.int32), count=self._accounts),
            candidates=Lists.of(keys, people.astype(np.int32), count=count),
            is_open=np.ones(count, dtype=np.bool_),
        )

    def _let_go(self) -> None:
        """Of those who were kept only those stay who hold a key that is still rare."""
        keys, places = self._unpacked()
        rare = self._holders[keys] <= MAX_BLOCK
        keys, places = keys[rare], places[rare]
        kept = np.unique(places)
        self.people = self.people.chosen(kept)
        self._held = [_packed(keys, np.searchsorted(kept, places))]
        self._most = max(_AT_FIRST, int(_GROWN * len(kept)))

    def _unpacked(self) -> tuple[Numbers, Numbers]:
        return _unpacked(np.concatenate([np.empty(0, dtype=np.uint64), *self._held]))


def _keys(accounts: Rows, rules: RuleSet) -> tuple[Wanted, Hashes]:
    """The keys of all accounts, and (place of a key, account) in one number each."""
    prepared, records = one_side(accounts.table(), rules, Side.ACCOUNT)
    found = [np.empty(0, dtype=np.uint64), *(hashes for hashes, _ in keys_of(prepared, records, rules))]
    wanted = Wanted(distinct(np.concatenate(found)))
    return wanted, _packed(*_distinct(keys_of(prepared, records, rules, wanted)))


def _distinct(found: Iterable[tuple[Hashes, Slots]]) -> tuple[Numbers, Numbers]:
    """Places of keys and who holds them, each pair once."""
    return _unpacked(distinct(np.concatenate([np.empty(0, dtype=np.uint64), *(_packed(*each) for each in found)])))


def _unpacked(packed: Hashes) -> tuple[Numbers, Numbers]:
    return (packed >> np.uint64(32)).astype(np.int64), (packed & np.uint64(0xFFFFFFFF)).astype(np.int64)


def _packed(keys: Hashes | Numbers, holders: Slots | Numbers) -> Hashes:
    packed: Hashes = keys.astype(np.uint64) << np.uint64(32) | holders.astype(np.uint64)
    return packed


class _NameCounts:
    """How often each name, and each part of one, was met."""

    def __init__(self, rules: RuleSet) -> None:
        named = [place for place, rule in enumerate(rules.rules) if rule.by_frequency and "name" in rule.normalize]
        self._place = named[0] if named else NONE
        self._counts: Counter[str] = Counter()
        self.total = 0

    @property
    def are_asked_for(self) -> bool:
        return self._place != NONE

    @property
    def frequencies(self) -> NameFrequencies:
        return NameFrequencies.counted(self._counts, self.total)

    def add(self, prepared: Prepared, records: Records) -> None:
        if self._place == NONE:
            return
        first = records.values[self._place][:, 0]
        has_one: Mask = first != NONE
        texts = prepared.spaces[self._place].texts
        bearers = np.bincount(first[has_one], minlength=len(texts)).tolist()
        counts = self._counts
        for text, n in zip(texts, bearers, strict=True):
            tokens = text.split()
            if n:
                for token in tokens:
                    counts[token] += n
                if len(tokens) > 1:
                    counts[text] += n
