"""Daemons are killed, held still and ended, their database is crashed and cut off, all at random and all the time."""

import os
import time

import pytest

from tests.faults.kit.schedule import PROFILES, Fault, schedule
from tests.faults.kit.storm import storm

WANTED = 100


@pytest.mark.timeout(600)
async def test_a_storm_loses_nothing_and_does_nothing_twice() -> None:
    """PROVISIOND_SEED replays a schedule; ``./scripts/faults`` runs longer ones."""
    seed = int(os.environ.get("PROVISIOND_SEED") or time.time_ns() % 1_000_000)

    report = await storm(PROFILES["smoke"], seed=seed)

    print("\n".join(report.lines()))
    assert report.violations == [], "\n".join(report.lines())
    assert min(report.hits(Fault.KILL), report.hits(Fault.PAUSE)) >= WANTED, report.lines()
    assert [fault for fault in Fault if not report.hits(fault)] == [], report.lines()


def test_a_seed_replays_its_schedule() -> None:
    profile = PROFILES["full"]

    assert schedule(profile, seed=5) == schedule(profile, seed=5)
    assert schedule(profile, seed=5) != schedule(profile, seed=6)
    assert sum(step.fault is Fault.KILL for step in schedule(profile, seed=5)) == profile.faults[Fault.KILL] == 2_000
