"""The wall clock of a daemon is wrong, and jumps: leases and delays are the database's matter."""

import time
from pathlib import Path

import pytest

from tests.faults.kit.scene import HELD, open_scene

HOURS = 3600
LIBRARY = "libfaketimeMT.so.1"


def library() -> str:
    """Where Debian keeps it; libfaketime is preloaded by path."""
    found = [path for folder in ("/usr/lib", "/usr/local/lib") for path in Path(folder).rglob(LIBRARY)]
    assert found, f"faketime is installed without {LIBRARY}"
    return str(found[0])


@pytest.mark.needs("faketime")
@pytest.mark.timeout(300)
async def test_a_clock_that_jumps_by_hours_neither_ends_nor_extends_a_lease(tmp_path: Path) -> None:
    told = tmp_path / "clock"
    tell(told, hours=0)
    environment = {
        "LD_PRELOAD": library(),
        "FAKETIME_TIMESTAMP_FILE": str(told),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    async with open_scene(daemons=2, accounts=300, lease_s=10.0, environment=environment) as scene:
        await scene.slow_target(0.02)
        done = 0
        for rank, hours in enumerate((2, -2, 24 * 365), start=1):
            await scene.submit(100, rank=rank)
            await scene.until(HELD, 1)
            tell(told, hours=hours)
            done += 100
            await scene.until_done(done)

        assert [scene.said(slot).count("heartbeat.lease_lost") for slot in range(2)] == [0, 0]
        assert f'"timestamp": "{time.gmtime().tm_year + 1}-' in scene.said(0) + scene.said(1), "no clock was moved"
        assert await scene.broken(is_at_rest=False) == []


def tell(told: Path, *, hours: int) -> None:
    """Move the daemons' clocks by so much from ours, in one step."""
    partial = told.with_suffix(".new")
    partial.write_text(f"{hours * HOURS:+d}\n")
    partial.rename(told)
