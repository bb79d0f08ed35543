"""What names that two have in common are worth: ``NameFrequencies.rarity`` for many at once."""

import numpy as np
from numpy.typing import NDArray

from worker.correlation.columns.hashes import mixed
from worker.correlation.columns.interned import Mask, Numbers, Slots
from worker.correlation.columns.joins import Hashes
from worker.correlation.columns.names import Names
from worker.correlation.frequency import OF_ONE_COUNTRY, NameFrequencies
from worker.correlation.rules import Rule

Shares = NDArray[np.float64]


class Rarity:
    """``worth``: of each part of a name by itself."""

    def __init__(self, rule: Rule, names: Names, frequencies: NameFrequencies | None) -> None:
        self._weight = rule.weight
        known = frequencies if rule.by_frequency else None
        self._is_counted = known is not None
        if known is None:
            self.worth = np.full(names.token_count, rule.weight / 2)
            return
        bearers = np.array([known.bearers(token) for token in names.token_texts], dtype=np.float64)
        self._log_total, self._unseen = known.log_total, known.unseen
        self._by_token = self._log_total - np.log(bearers)
        self.worth = np.maximum(self._by_token, 0.0)
        self._wholes, self._bearers = _counted(names, known)

    def of_shared(self, parts: Slots, chosen: Mask) -> Shares:
        """Of the chosen ones among the parts of each name, together; nothing without any."""
        count = chosen.sum(axis=1)
        if not self._is_counted:
            plain: Shares = self._weight * np.minimum(1.0, count / 2)
            return plain
        total = np.zeros(len(parts))
        for place in range(parts.shape[1]):
            total += np.where(chosen[:, place], self._by_token[parts[:, place]], 0.0)
        found = np.maximum(total, 0.0)
        several = np.flatnonzero(count > 1)
        if len(several):
            found[several] = self._of_several(parts[several], chosen[several], total[several], count[several])
        return found

    def _of_several(self, parts: Slots, chosen: Mask, total: Shares, count: Numbers) -> Shares:
        """The formula of ``rarity`` for names of several parts."""
        others = (self._of_whole(_wholes(parts, chosen)) - 1 + self._unseen) * np.exp(-self._log_total)
        found: Shares = np.maximum(-np.log(np.exp(-total) * OF_ONE_COUNTRY ** (count - 1) + others), 0.0)
        return found

    def _of_whole(self, hashes: Hashes) -> Shares:
        """How many have these parts and no others."""
        if not len(self._wholes):
            return np.ones(len(hashes))
        places = np.minimum(np.searchsorted(self._wholes, hashes), len(self._wholes) - 1)
        return np.where(self._wholes[places] == hashes, self._bearers[places], 1.0)


def _counted(names: Names, known: NameFrequencies) -> tuple[Hashes, Shares]:
    """The whole names that several have, by their hashes in order."""
    texts = [(text.split(), count) for text, count in known.counts.items() if " " in text]
    numbers = [([names.number(token) for token in tokens], count) for tokens, count in texts]
    width = max((len(tokens) for tokens, _ in numbers), default=1)
    parts = np.zeros((len(numbers), width), dtype=np.int32)
    chosen = np.zeros(parts.shape, dtype=np.bool_)
    for row, (tokens, _) in enumerate(numbers):
        parts[row, : len(tokens)], chosen[row, : len(tokens)] = tokens, True
    hashes = _wholes(parts, chosen)
    order = np.argsort(hashes)
    return hashes[order], np.array([max(count, 1) for _, count in numbers], dtype=np.float64)[order]


def _wholes(parts: Slots, chosen: Mask) -> Hashes:
    """A hash of the chosen parts of each, in their order."""
    found = np.zeros(len(parts), dtype=np.uint64)
    for place in range(parts.shape[1]):
        found = np.where(chosen[:, place], mixed(found, parts[:, place].astype(np.int64) + 1), found)
    return found
