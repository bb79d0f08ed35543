"""Which records are compared: those that a kind of blocking key brings together."""

from collections.abc import Iterable, Sequence

import numpy as np

from worker.correlation.columns.interned import Slots
from worker.correlation.columns.joins import distinct_pairs
from worker.correlation.columns.kinds import Kind


def pairs_among(kinds: Iterable[Kind], asked: Slots) -> tuple[Slots, Slots]:
    """The pairs of these subjects with their candidates, in order, each once."""
    return distinct_pairs(*pairs_by_key(kinds, asked))


def pairs_by_key(kinds: Iterable[Kind], asked: Slots) -> tuple[Slots, Slots]:
    """The same as they are found: in no order, those with several keys in common several times."""
    nobody = np.empty(0, dtype=np.int32)
    subjects, candidates = [nobody], [nobody]
    for kind in kinds:
        for who, text in _texts_of(kind, asked):
            places, found = kind.candidates.expand(text)
            subjects.append(who[places])
            candidates.append(found)
    return np.concatenate(subjects), np.concatenate(candidates)


def by_size(kinds: Sequence[Kind], subjects: int, *, most: float) -> tuple[list[Kind], list[Kind]]:
    """Kinds that bring each subject together with few, so many at most on average; and the others."""
    few = [kind for kind in kinds if kind.near is None and _size(kind) <= most * max(subjects, 1)]
    return few, [kind for kind in kinds if not any(kind is each for each in few)]


def _size(kind: Kind) -> int:
    return int(np.where(kind.is_open, kind.candidates.sizes, 0)[kind.subjects.items].sum())


def _texts_of(kind: Kind, asked: Slots) -> list[tuple[Slots, Slots]]:
    """(subject, text under which candidates are): its own texts, where they are open, and their neighbours."""
    who, own = kind.subjects.expand(asked)
    records = asked[who]
    is_open = kind.is_open[own]
    found: list[tuple[Slots, Slots]] = [(records[is_open], own[is_open])]
    if kind.near is not None:
        places, others = kind.near.expand(own)
        found.append((records[places], others))
    return found
