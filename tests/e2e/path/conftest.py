"""A directory for a daemon of one test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e.daemon import Dev

HERE = Path(__file__).parent
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
