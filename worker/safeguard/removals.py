"""How many removals a target may take in a rolling day before a person must agree."""

FEWEST_REMOVALS = 10
MOST_REMOVALS = 500
PERCENT = 5

#: More accounts than this do not raise the threshold any further.
COUNT_ACCOUNTS_UP_TO = MOST_REMOVALS * 100 // PERCENT


def threshold(accounts: int) -> int:
    """Removals allowed in 24 hours at a target with so many accounts: 5 % of them, at least 10, at most 500."""
    return min(MOST_REMOVALS, max(FEWEST_REMOVALS, accounts * PERCENT // 100))


def admitted(wanted: int, *, used: int, limit: int) -> int:
    """How many of the removals wanted may pass when ``used`` of ``limit`` have passed; the rest must be approved."""
    return max(0, min(wanted, limit - used))
