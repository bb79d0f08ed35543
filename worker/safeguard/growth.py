"""Whether what a run is about to repair by itself is what this target usually needs.

A run that suddenly has much more to repair than the ones before, or would do the same to a large part of the accounts,
is more likely the trace of one mistake (a mapping, a script at the target, a wrong filter) than of many.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from worker.safeguard.limits import DEFAULT_LIMITS, SafeguardLimits
from worker.safeguard.removals import threshold

#: So many earlier runs are looked at, and from how many on they say what is usual.
HISTORY = 7
LEAST_HISTORY = 3


@dataclass(frozen=True, slots=True)
class Intent:
    """What a run would repair by itself.

    ``repairs`` counts it, ``accounts`` what the target has; ``earlier`` is how many findings of the same kinds each of
    the last complete runs had, the latest first. ``alike`` of the repairs undo the same thing, told by ``cause``;
    ``gone`` of them are about accounts that are no longer there.
    """

    repairs: int
    accounts: int
    earlier: Sequence[int] = ()
    alike: int = 0
    cause: str = ""
    gone: int = 0


def doubt_about(intent: Intent, limits: SafeguardLimits = DEFAULT_LIMITS) -> str | None:
    """Why a person should look first, in one sentence; None when this is nothing unusual."""
    if intent.alike > limits.alike_floor and intent.alike * 100 > intent.accounts * limits.alike_percent:
        return f"The same repair is due at {intent.alike} of {intent.accounts} accounts: {intent.cause}."
    allowed = threshold(intent.accounts, limits)
    if intent.gone > allowed:  # whoever removed them: what follows from that is as much as removing them
        return f"{intent.gone} of {intent.accounts} accounts are gone; up to {allowed} at once are nothing unusual."
    if len(intent.earlier) < LEAST_HISTORY:
        return None
    earlier = intent.earlier[:HISTORY]
    usual = median(earlier)
    if intent.repairs > limits.growth_floor and intent.repairs > usual * limits.growth_factor:
        return f"{intent.repairs} repairs are due; the last {len(earlier)} runs had {usual:g} as a rule."
    return None
