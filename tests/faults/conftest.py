"""What every fault test starts from: a directory for a daemon, and the randomness of this run."""

import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest

from tests.conftest import Database
from tests.e2e.daemon import Dev
from tests.faults.house import House, moved_in


@pytest.fixture
def chance() -> Random:
    """Random moments; a failing test prints the seed, and PROVISIOND_SEED gives the same ones again."""
    seed = int(os.environ.get("PROVISIOND_SEED") or time.time_ns() % 1_000_000)
    print(f"PROVISIOND_SEED={seed}")
    return Random(seed)


@pytest.fixture
async def dev(open_directory: Path) -> AsyncIterator[Dev]:
    """``provisiond dev``, not yet started; whatever runs at the end is stopped."""
    found = Dev(open_directory / "dev", employees=400)
    yield found
    if found.is_running:
        await found.kill()


@pytest.fixture
async def house(database: Database, empty_database: Database, tmp_path: Path) -> AsyncIterator[House]:
    """The demo organisation with its targets; nothing is provisioned before the test starts a daemon."""
    async with moved_in(database, empty_database, tmp_path, employees=200) as found:
        yield found
