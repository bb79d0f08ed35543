"""What stops harm in bulk: pure decisions on numbers, made before anything is removed."""

from worker.safeguard.completeness import Completeness, Listing, judge
from worker.safeguard.growth import HISTORY, Intent, doubt_about
from worker.safeguard.limits import DEFAULT_LIMITS, SafeguardLimits
from worker.safeguard.removals import admitted, threshold

__all__ = [
    "DEFAULT_LIMITS",
    "HISTORY",
    "Completeness",
    "Intent",
    "Listing",
    "SafeguardLimits",
    "admitted",
    "doubt_about",
    "judge",
    "threshold",
]
