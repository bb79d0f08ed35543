"""Names taken apart: the tokens of each distinct name as numbers, and the keys that two names may share."""

from collections.abc import Iterator, Sequence
from itertools import permutations

import numpy as np

from worker.correlation.blocking import LAST_SIGNS, MAX_TOKENS
from worker.correlation.columns.hashes import mixed
from worker.correlation.columns.interned import NONE, Interned, Slots
from worker.correlation.columns.joins import Hashes, Lists
from worker.correlation.columns.prepare import Prepared
from worker.correlation.frequency import NameFrequencies
from worker.correlation.phonetics import soundex
from worker.correlation.rules import RuleSet

_BEGINNING, _END, _SOUND = 1, 2, 3


class Names:
    """The names of one rule; tokens have the same numbers in all rules that share ``tokens``."""

    def __init__(self, texts: list[str], tokens: Interned) -> None:
        split = [text.split() for text in texts]
        starts = np.zeros(len(texts) + 1, dtype=np.int64)
        np.cumsum(np.fromiter(map(len, split), dtype=np.int64, count=len(split)), out=starts[1:])
        self.tokens = Lists(starts, tokens.numbers(token for each in split for token in each))
        self._space = tokens

    @property
    def token_count(self) -> int:
        return len(self._space)

    @property
    def token_texts(self) -> list[str]:
        return self._space.texts

    def number(self, token: str) -> int:
        """The number of a token; one that none has where it is not known."""
        return self._space.find(token)

    def keys(self) -> Iterator[tuple[Hashes, Slots]]:
        """Of each two tokens one whole with the beginning, the end or the sound of the other; and the name."""
        beginning, end, sound = self._parts()
        sizes = self.tokens.sizes
        for one, other in permutations(range(MAX_TOKENS), 2):
            names = np.flatnonzero(sizes > max(one, other))
            first = self.tokens.items[self.tokens.starts[names] + one]
            second = self.tokens.items[self.tokens.starts[names] + other]
            texts = names.astype(np.int32)
            yield mixed(_BEGINNING, first, beginning[second]), texts
            yield mixed(_END, first, end[second]), texts
            yield mixed(_SOUND, sound[first], beginning[second]), texts

    def _parts(self) -> tuple[Slots, Slots, Slots]:
        parts = Interned()
        tokens = self._space.texts
        beginning = parts.numbers(token[0] for token in tokens)
        end = parts.numbers(token[-LAST_SIGNS:] for token in tokens)
        sounds = Interned()
        return beginning, end, sounds.numbers("~" + soundex(token) for token in tokens)


def frequencies_among(prepared: Prepared, rule_set: RuleSet, names: Sequence[Names | None]) -> NameFrequencies | None:
    """How common the names of the identities are, as ``NameFrequencies.of`` counts them; None without any."""
    for place, (rule, parts) in enumerate(zip(rule_set.rules, names, strict=True)):
        if rule.by_frequency and parts is not None:
            first = prepared.identities.values[place][:, 0]
            return _counted(prepared.spaces[place].texts, parts, first[first != NONE])
    return None


def _counted(texts: list[str], parts: Names, values: Slots) -> NameFrequencies:
    whole = np.bincount(values, minlength=len(texts))
    bearers = np.repeat(whole, parts.tokens.sizes)
    by_token = np.bincount(parts.tokens.items, weights=bearers, minlength=parts.token_count).astype(np.int64)
    tokens = parts.token_texts
    counts = {tokens[token]: int(by_token[token]) for token in np.flatnonzero(by_token > 1).tolist()}
    several = np.flatnonzero((whole > 1) & (parts.tokens.sizes > 1)).tolist()
    counts |= {texts[value]: int(whole[value]) for value in several}
    return NameFrequencies.counted(counts, len(values))
