"""How much may go without a person's word; the numbers an operator may set, with those that hold otherwise."""

from dataclasses import dataclass
from math import ceil

#: More accounts than one target has.
MOST_ACCOUNTS = 100_000_000


@dataclass(frozen=True, slots=True)
class SafeguardLimits:
    """Removals a target may take in a rolling day, and how much shorter a believed listing may be.

    Allowed are ``percent`` of the target's accounts, at least ``floor``, at most ``cap``. A listing that shows more
    than ``shrink_percent`` less than what is known is not believed. What waits for an approval is rejected when nobody
    has decided within ``approval_days``. A run may repair ``growth_floor`` findings by itself, or ``growth_factor``
    times as many as is usual at its target; and do the same to ``alike_floor`` accounts, or ``alike_percent`` of them.
    """

    floor: int = 10
    percent: float = 5.0
    cap: int = 500
    shrink_percent: float = 30.0
    approval_days: int = 7
    growth_floor: int = 100
    growth_factor: float = 5.0
    alike_floor: int = 50
    alike_percent: float = 30.0

    @property
    def count_up_to(self) -> int:
        """More accounts than this do not raise the threshold any further, or are more than anybody has."""
        if not self.percent or self.cap * 100 >= MOST_ACCOUNTS * self.percent:
            return MOST_ACCOUNTS if self.percent else 0
        return ceil(self.cap * 100 / self.percent) + 1  # one for what a division loses


#: What holds where nobody has set anything.
DEFAULT_LIMITS = SafeguardLimits()
