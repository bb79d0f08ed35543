"""What stops harm in bulk: pure decisions on numbers, made before anything is removed."""

from worker.safeguard.completeness import Completeness, Listing, judge
from worker.safeguard.removals import COUNT_ACCOUNTS_UP_TO, FEWEST_REMOVALS, admitted, threshold

__all__ = [
    "COUNT_ACCOUNTS_UP_TO",
    "FEWEST_REMOVALS",
    "Completeness",
    "Listing",
    "admitted",
    "judge",
    "threshold",
]
