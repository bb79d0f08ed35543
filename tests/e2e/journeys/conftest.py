"""One daemon with its demo for all journeys, and a browser that has signed in to it with the link."""

import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.e2e.daemon import Dev
from tests.waiting import eventually

EMPLOYEES = 80


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def started() -> AsyncIterator[tuple[Dev, str]]:
    """``provisiond dev``, with everybody provisioned, and its sign-in link."""
    folder = Path(tempfile.mkdtemp(prefix="provisiond-journeys-"))
    folder.chmod(0o711)
    found = Dev(folder / "dev", employees=EMPLOYEES)
    try:
        link = await found.start()
        async with found.organisation() as nordwerk:
            await eventually(nordwerk.is_done, timeout=60, interval=0.3)
        yield found, link
    finally:
        if found.is_running:
            await found.stop()
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def dev(started: tuple[Dev, str]) -> Dev:
    return started[0]


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def signed_in(started: tuple[Dev, str], browser: Browser) -> AsyncIterator[Page]:
    """A person at the home page."""
    link = started[1]
    context = await browser.new_context(viewport={"width": 1440, "height": 900}, base_url=link.partition("/sign-in")[0])
    page = await context.new_page()
    page.set_default_timeout(10_000)
    await page.goto(link)
    await page.get_by_role("button", name="Sign in").click()
    yield page
    await context.close()
