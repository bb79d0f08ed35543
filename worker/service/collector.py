"""The search for garbage of a process that is busy for weeks."""

import gc

#: Objects made, less those gone, before a search of the youngest; and how many searches before the next older ones.
THRESHOLDS = (50_000, 20, 100)


def tune_collector() -> None:
    """What is loaded by now stays; what a busy daemon makes is short-lived and seldom in cycles."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
