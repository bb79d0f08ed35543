"""A browser, and a console over sample data to point it at."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from tests.e2e.fakes.acts import COOKIE
from tests.e2e.fakes.server import FakeConsole, running

HERE = Path(__file__).parent
NAMES = ("chromium", "chromium-browser", "google-chrome")
SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One loop for all, so that the browser is started once."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def browser() -> AsyncIterator[Browser]:
    program = next(path for name in NAMES if (path := shutil.which(name)))
    async with async_playwright() as playwright:
        found = await playwright.chromium.launch(executable_path=program, args=SWITCHES)
        yield found
        await found.close()


@pytest_asyncio.fixture(loop_scope="session")
async def console() -> AsyncIterator[FakeConsole]:
    async with running() as found:
        yield found


@pytest_asyncio.fixture(loop_scope="session")
async def context(browser: Browser, console: FakeConsole) -> AsyncIterator[BrowserContext]:
    """A signed-in person's browser, 1440x900."""
    found = await browser.new_context(viewport={"width": 1440, "height": 900}, base_url=console.address)
    await found.add_cookies([{"name": COOKIE, "value": "in", "url": console.address}])
    yield found
    await found.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(context: BrowserContext) -> AsyncIterator[Page]:
    """A page that fails its test on any script error or refused resource."""
    found = await context.new_page()
    wrong: list[str] = []
    found.on("pageerror", lambda error: wrong.append(str(error)))
    found.on("console", lambda message: _note(message, wrong))
    yield found
    assert wrong == []


def _note(message: Any, wrong: list[str]) -> None:
    about_us = "Content Security Policy" in message.text or "Uncaught" in message.text
    if message.type == "error" and about_us:
        wrong.append(message.text)
