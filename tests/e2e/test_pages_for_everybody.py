"""Every page is accessible in both themes, light to load, self-contained, and fits a phone."""

from typing import Literal

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, Page, Response

from tests.e2e.fakes.acts import COOKIE
from tests.e2e.fakes.server import FakeConsole, running
from tests.e2e.paths import PAGES

pytestmark = pytest.mark.needs("chromium")
#: There are too many pages for the time of one test.
PARTS = 4
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# nothing is fetched ahead: only a rule about locked orientation would want the style sheets, and it is none of these
HOW = {"resultTypes": ["violations"], "preload": False}
ALL = HOW | {"runOnly": {"type": "tag", "values": TAGS}}
COLOURS = HOW | {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
BUT_COLOURS = ALL | {"rules": {name: {"enabled": False} for name in ("color-contrast", "link-in-text-block")}}


async def _violations(page: Page, rules: dict[str, object] = ALL) -> list[str]:
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(Axe().axe_script)
    found = (await page.evaluate("options => axe.run(document, options)", rules))["violations"]
    return [f"{v['id']}: {node['html'][:200]}" for v in found for node in v["nodes"]]


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize(
    ("width", "themes"),
    [
        pytest.param(1440, {"light": ALL, "dark": COLOURS}, id="desk"),
        pytest.param(390, {"dark": BUT_COLOURS}, id="phone"),
    ],
)
async def test_no_page_has_an_accessibility_violation(
    browser: Browser, width: int, themes: dict[Literal["light", "dark"], dict[str, object]], part: int
) -> None:
    """A theme changes nothing but colours, and the width does not change those."""
    async with running(rows=8) as console:
        context = await browser.new_context(viewport={"width": width, "height": 900}, reduced_motion="reduce")
        await context.add_cookies([{"name": COOKIE, "value": "in", "url": console.address}])
        page = await context.new_page()
        wrong: dict[str, object] = {}
        for name, path in [*PAGES.items()][part::PARTS]:
            await page.goto(console.address + path)
            for theme, rules in themes.items():
                await page.emulate_media(color_scheme=theme)
                if found := await _violations(page, rules):
                    wrong[f"{name}, {theme}"] = found
            wide = await page.evaluate("document.documentElement.scrollWidth")
            if wide > width:
                wrong[f"{name}, sideways"] = wide
        await context.close()

    assert wrong == {}


async def test_a_quiet_house_is_accessible_and_says_that_all_is_well(browser: Browser) -> None:
    async with running(quiet=True, rows=8) as console:
        page = await browser.new_page()
        await page.context.add_cookies([{"name": COOKIE, "value": "in", "url": console.address}])
        await page.goto(console.address)

        assert await page.locator("h1").inner_text() == "All is well"
        for path in (
            "/",
            "/connectors/operations",
            "/connectors/operations/dlq",
            "/approvals",
            "/connectors/conflicts",
            "/correlation/cases",
        ):
            await page.goto(console.address + path)
            assert await _violations(page) == []


async def test_pages_are_small_and_load_nothing_from_outside(context: BrowserContext, console: FakeConsole) -> None:
    """A first visit: what all pages share, and the page itself, as they come over the wire."""
    page = await context.new_page()
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108 - a list method cannot be marked by playwright
    await page.goto("/connectors/operations")
    await page.wait_for_load_state("load")
    loaded = [a for a in answers if not a.url.endswith("/api/stream")]
    shared = sum([(await a.request.sizes())["responseBodySize"] for a in loaded[1:]])
    sizes = {}
    for name, path in PAGES.items():
        answer = await page.goto(path, wait_until="commit")
        assert answer
        await answer.finished()
        sizes[name] = shared + (await answer.request.sizes())["responseBodySize"]

    assert len(loaded) < 8  # and the stream
    assert [a.url for a in answers if not a.url.startswith(console.address)] == []
    assert {name: size for name, size in sizes.items() if size > 100_000} == {}


async def test_names_from_outside_are_text_and_never_script(page: Page) -> None:
    """The page fixture fails on a refused script as well as on one that runs."""
    alerts: list[str] = []
    page.on("dialog", lambda dialog: alerts.append(dialog.message))
    await page.goto("/connectors/operations")

    assert await page.get_by_text("<script>alert('x')</script>").count() == 1
    assert alerts == []
