"""How many removals a target may take in a rolling day before a person must agree."""

from worker.safeguard.limits import DEFAULT_LIMITS, SafeguardLimits


def threshold(accounts: int, limits: SafeguardLimits = DEFAULT_LIMITS) -> int:
    """Removals allowed in 24 hours at a target with so many accounts: a share of them, between floor and cap."""
    return min(limits.cap, max(limits.floor, int(accounts * limits.percent / 100)))


def admitted(wanted: int, *, used: int, limit: int) -> int:
    """How many of the removals wanted may pass when ``used`` of ``limit`` have passed; the rest must be approved."""
    return max(0, min(wanted, limit - used))
