"""Both sides of a comparison as numbers: per rule the normalised values of every record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any
from uuid import UUID

import numpy as np

from worker.correlation.columns import forked
from worker.correlation.columns.interned import (
    NONE,
    Column,
    Interned,
    Mask,
    Numbers,
    Slots,
    column_of,
    no_column,
    taken,
    together,
)
from worker.correlation.columns.texts import matches_each, normalise_many
from worker.correlation.prepare import MAX_VALUES, login_of
from worker.correlation.rules import RuleSet, alternatives
from worker.domain.comparison import instant
from worker.domain.correlation import Side


class Numbered(Sequence[UUID]):
    """Ids for records that have none: numbers from ``first`` on."""

    def __init__(self, first: int, count: int) -> None:
        self._numbers = range(first, first + count)

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, place: Any) -> Any:
        return UUID(int=self._numbers[place])


@dataclass(frozen=True, slots=True)
class Table:
    """Records of one side as columns of equal length: texts, lists of texts, or None. ``is_taken`` as of Candidate."""

    ids: Sequence[UUID]
    columns: Mapping[str, Sequence[Any]]
    is_taken: Sequence[bool] | None = None

    def row(self, place: int) -> dict[str, Any]:
        """One record with what it has."""
        return {name: values[place] for name, values in self.columns.items() if values[place] not in (None, "")}


@dataclass(frozen=True, slots=True)
class Records:
    """One side, prepared. ``values`` are per rule; ``moments`` compare like the texts they stand for, NONE for none."""

    count: int
    values: list[Slots]
    is_service: Mask
    moments: Numbers


@dataclass(frozen=True, slots=True)
class Prepared:
    """Both sides; ``spaces`` are the texts that the numbers of each rule stand for, on either side."""

    spaces: list[Interned]
    identities: Records
    accounts: Records


def prepare(identities: Table, accounts: Table, rule_set: RuleSet, *, processes: int = 1) -> Prepared:
    """Normalise every distinct text once and give both sides the same numbers for the same values."""
    tables = ((identities, Side.IDENTITY), (accounts, Side.ACCOUNT))
    if min(len(identities.ids), len(accounts.ids)) < forked.LEAST:
        processes = 1
    readers = [(_Reader(table), side) for table, side in tables]
    places = range(len(rule_set.rules))
    tasks = [partial(_spaces, places[first::processes], rule_set, readers) for first in range(processes)]
    found = {place: space for done in forked.together(tasks, processes=processes) for place, space in done.items()}
    spaces = [found[place] for place in places]
    moments = [_moments(reader, rule_set, side) for reader, side in readers]
    ranks = {text: rank for rank, text in enumerate(sorted({text for texts in moments for text in texts if text}))}
    one, other = (
        Records(
            reader.count,
            [space.values[side] for space in spaces],
            _services(reader, rule_set, side),
            _ranked(texts, ranks, reader.count),
        )
        for (reader, side), texts in zip(readers, moments, strict=True)
    )
    for table, side in tables:
        _use_up(table, rule_set, side)
    return Prepared([Interned.of(each.texts) for each in spaces], one, other)


@dataclass(frozen=True, slots=True)
class _Space:
    """What one rule compares: its texts, and which of them the records of each side have."""

    texts: list[str]
    values: dict[Side, Slots]


def _spaces(places: Sequence[int], rule_set: RuleSet, readers: Sequence[tuple["_Reader", Side]]) -> dict[int, _Space]:
    found = {}
    for place in places:
        rule, texts = rule_set.rules[place], Interned()
        values = {side: _values(reader.read(rule.path(side)), rule.normalize, texts) for reader, side in readers}
        found[place] = _Space(texts.texts, values)
    return found


def _use_up(table: Table, rule_set: RuleSet, side: Side) -> None:
    """Columns that are given away once are not needed any more, whichever process has read them."""
    for rule in rule_set.rules:
        for part in chain(*alternatives(rule.path(side))):
            table.columns.get(part)


class _Reader:
    """Columns of one table, each read once."""

    def __init__(self, table: Table) -> None:
        self.count = len(table.ids)
        self._table = table
        self._read: dict[str, Column] = {}

    def column(self, name: str) -> Column:
        if name not in self._read:
            values = self._table.columns.get(name)
            self._read[name] = no_column(self.count) if values is None else column_of(values)
        return self._read[name]

    def read(self, path: str) -> list[Column]:
        """What ``prepare.read`` finds, one column per alternative."""
        return [self.column(parts[0]) if len(parts) == 1 else self._joined(parts) for parts in alternatives(path)]

    def _joined(self, parts: tuple[str, ...]) -> Column:
        """The first text of each part, joined by blanks; nothing where a part is missing."""
        found = self.column(parts[0])
        texts, numbers = found.texts, found.slots[:, 0]
        for part in parts[1:]:
            other = self.column(part)
            pairs = numbers.astype(np.int64) * (len(other.texts) + 1) + other.slots[:, 0]
            pairs[(numbers == NONE) | (other.slots[:, 0] == NONE)] = NONE
            distinct, numbers = np.unique(pairs, return_inverse=True)
            width = len(other.texts) + 1
            left, right = distinct // width, distinct % width
            texts = [
                f"{texts[one]} {other.texts[two]}" if pair != NONE else ""
                for pair, one, two in zip(distinct.tolist(), left.tolist(), right.tolist(), strict=True)
            ]
            has_none = len(distinct) > 0 and distinct[0] == NONE
            if has_none:
                texts, numbers = texts[1:], numbers - 1
        return Column(texts, numbers.astype(np.int32).reshape(-1, 1))


def _services(reader: _Reader, rule_set: RuleSet, side: Side) -> Mask:
    path = rule_set.service_source if side is Side.IDENTITY else rule_set.service_target
    return _matching(reader.read(path), rule_set.service_pattern, reader.count)


def _moments(reader: _Reader, rule_set: RuleSet, side: Side) -> list[str]:
    """One side's moments as texts, which only both sides together can put in order."""
    return _first_moments(reader.read(rule_set.ended if side is Side.IDENTITY else rule_set.created), reader.count)


def _values(columns: Sequence[Column], normalisers: tuple[str, ...], space: Interned) -> Slots:
    return together(
        [taken(space.numbers(normalise_many(normalisers, each.texts)), each.slots) for each in columns],
        at_most=MAX_VALUES,
    )


def _matching(columns: Sequence[Column], pattern: str, count: int) -> Mask:
    found = np.zeros(count, dtype=np.bool_)
    for column in columns:
        hits = np.array([*matches_each(pattern, list(map(login_of, column.texts))), False], dtype=np.bool_)
        found |= hits[column.slots].any(axis=1)
    return found


def _first_moments(columns: Sequence[Column], count: int) -> list[str]:
    """Per record the first date or time among its values, as ``instant`` reads it; empty for none."""
    space = Interned()
    numbers = [taken(space.numbers([_moment(text) for text in column.texts]), column.slots) for column in columns]
    if not len(space):
        return []
    first = together(numbers)[:, 0]
    return [space.texts[number] if number != NONE else "" for number in first.tolist()]


def _moment(text: str) -> str:
    moment = instant(text)
    return moment.isoformat() if moment else ""


def _ranked(moments: Sequence[str], ranks: Mapping[str, int], count: int) -> Numbers:
    return np.array([ranks.get(each, NONE) for each in moments] or [NONE] * count, dtype=np.int64)
