"""A directory for a daemon of one test.

The demo at its full size, installed and started as a newcomer does it, takes minutes: ``./scripts/test --full-size``.
"""

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e.daemon import Dev, Newcomer

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
collect_ignore = [] if os.environ.get("FULL_SIZE") == "1" else ["test_full_size.py"]
EMPLOYEES = 400


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Nothing is shared between these, so each has a loop of its own."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.asyncio(loop_scope="function"), append=False)


@pytest.fixture
async def dev(open_directory: Path) -> AsyncIterator[Dev]:
    """``provisiond dev``, not yet started; whatever runs at the end is stopped."""
    found = Dev(open_directory / "dev", employees=EMPLOYEES)
    yield found
    if found.is_running:
        await found.kill()


@pytest.fixture
async def newcomer(open_directory: Path) -> AsyncIterator[Newcomer]:
    """A checkout of what is here now, in which nothing was started yet."""
    checkout = open_directory / "provisiond"
    shutil.copytree(ROOT, checkout, ignore=_not_ours)
    found = Newcomer(checkout)
    yield found
    if found.is_running:
        await found.kill()


def _not_ours(_: str, names: list[str]) -> set[str]:
    """What a clone does not bring: whatever tools keep for themselves."""
    return {name for name in names if name == "__pycache__" or (name.startswith(".") and name != ".ci")}
