"""Which records are compared: those that a kind of blocking key brings together."""

from collections.abc import Sequence

import numpy as np

from worker.correlation.columns.interned import Slots
from worker.correlation.columns.joins import distinct_pairs
from worker.correlation.columns.kinds import Kind


def pairs_among(kinds: Sequence[Kind], first: int, last: int) -> tuple[Slots, Slots]:
    """The pairs of the subjects from ``first`` to before ``last`` with their candidates, in order, each once."""
    nobody = np.empty(0, dtype=np.int32)
    subjects, candidates = [nobody], [nobody]
    for kind in kinds:
        for who, text in _texts_of(kind, first, last):
            places, found = kind.candidates.expand(text)
            subjects.append(who[places].astype(np.int32))
            candidates.append(found)
    return distinct_pairs(np.concatenate(subjects), np.concatenate(candidates))


def _texts_of(kind: Kind, first: int, last: int) -> list[tuple[Slots, Slots]]:
    """(subject, text under which candidates are): its own texts, where they are open, and their neighbours."""
    who, own = kind.subjects.expand(np.arange(first, last))
    records = (who + first).astype(np.int32)
    is_open = kind.is_open[own]
    found: list[tuple[Slots, Slots]] = [(records[is_open], own[is_open])]
    if kind.near is not None:
        places, others = kind.near.expand(own)
        found.append((records[places], others))
    return found
