"""How common names are: agreement on a rare one says more than on a common one."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import exp, log

from worker.correlation.normalize import name_tokens

#: A small organisation's own names say too little about how common a name is among people.
_MIN_TOTAL = 1000
OF_ONE_COUNTRY = 4.0
#: So many more may have a name that nobody else has here, at least: one organisation cannot tell that it is rarer.
UNSEEN, MOST_UNSEEN = 0.05, 0.5


@dataclass(frozen=True, slots=True)
class NameFrequencies:
    """``counts``: how often a name token, and a whole name of several bearers, occurs in ``total`` people.

    ``unseen``: how many more may have a whole name that one has here. ``people``: how many there are, where names were
    counted among some of them.
    """

    counts: Mapping[str, int]
    total: int
    unseen: float = UNSEEN
    people: int = 0

    @classmethod
    def of(cls, names: Iterable[str], *, people: int = 0) -> "NameFrequencies":
        """Count the full names of everybody, or of some of so many ``people``."""
        counts: Counter[str] = Counter()
        total = 0
        for name in names:
            tokens = name_tokens(name)
            total += 1
            counts.update(tokens)
            if len(tokens) > 1:
                counts[" ".join(tokens)] += 1
        return cls.counted(counts, total, people=people)

    @classmethod
    def counted(cls, counts: Mapping[str, int], total: int, *, people: int = 0) -> "NameFrequencies":
        """Of parts and of whole names that were counted already."""
        common = {text: count for text, count in counts.items() if count > 1}
        unseen = unseen_among([count for text, count in common.items() if " " in text], total)
        return cls(common, total, unseen, people)

    @property
    def log_total(self) -> float:
        return log(max(self.total, _MIN_TOTAL))

    @property
    def prior(self) -> float:
        """The log odds that one of all people is meant, before anything is known."""
        return -log(max(self.people, self.total, _MIN_TOTAL))

    def bearers(self, normal: str) -> int:
        """How many people have this normalised name; at least one."""
        return max(self.counts.get(normal, 1), 1)

    def rarity(self, normal: str) -> float:
        """Log odds against two strangers having this name in common.

        How often it occurs is guessed from its parts, and counted where others have it: people of one country have more
        names in common than parts that know nothing of each other would, by ``OF_ONE_COUNTRY`` for each further part.
        """
        tokens = normal.split()
        by_token = sum(self.log_total - log(self.bearers(token)) for token in tokens)
        if len(tokens) < 2:
            return max(0.0, by_token)
        guessed = exp(-by_token) * OF_ONE_COUNTRY ** (len(tokens) - 1)
        others = (self.bearers(normal) - 1 + self.unseen) * exp(-self.log_total)
        return max(0.0, -log(guessed + others))


def unseen_among(shared: Iterable[int], total: int) -> float:
    """How many more are to be expected of a name that one of ``total`` people has; ``shared``: bearers of the others.

    By how many names two have for each that one has (Good 1953, after Turing): where namesakes abound, a name that is
    there once is no sign of anybody.
    """
    if total < _MIN_TOTAL:
        return UNSEEN
    bearers = list(shared)
    alone = total - sum(bearers)
    return min(max(2 * bearers.count(2) / max(alone, 1), UNSEEN), MOST_UNSEEN)
