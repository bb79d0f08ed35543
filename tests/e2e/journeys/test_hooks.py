"""A hook from its first line to an account at the target and back, and one that does harm."""

import csv
import io
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.e2e.daemon import Dev
from tests.waiting import eventually

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.timeout(240)]

SOON = 30_000
FIRST = """
def before_update(ctx):
    title = ctx["identity"].get("title")
    return {"set": {"description": "once: " + title}} if title else None
"""
SECOND = FIRST.replace("once", "twice")
GREEDY = """
def before_update(ctx):
    return {"set": {"title": str(["a" * 100000 + str(i) for i in range(100000)])}}
"""


async def test_a_hook_is_written_mended_tried_run_and_taken_back(signed_in: Page, dev: Dev) -> None:
    page = signed_in
    await _make(page, "descriptions")
    await _write(page, FIRST.replace("return", "retrun"))
    await expect(page.locator("#diagnostics")).to_contain_text("Line 4, column")
    await page.locator("#diagnostics").get_by_role("link").first.click()
    await _write(page, FIRST)
    await expect(page.locator("#diagnostics")).to_contain_text("It defines before_update", timeout=SOON)

    async with _personnel(dev) as file:
        person = file.rows[3]
        await page.get_by_label("Function").select_option("before_update")
        await page.get_by_label("Connector").select_option(label="directory")
        await page.get_by_label("Person").fill(person["employee_number"])
        await page.get_by_role("button", name="Try").click()
        await expect(page.locator("#answer")).to_contain_text(f"once: {person['title']}", timeout=SOON)

        await _save(page, 1)
        await _activate(page, "Activate version 1")
        await _bind(page, "directory")
        file.retitle([person], "Astronaut")
        assert await _described(dev, person["employee_number"], "once: Astronaut")

        await page.get_by_role("link", name="Script", exact=True).click()
        await _write(page, SECOND)
        await _save(page, 2)
        await _activate(page, "Activate version 2")
        file.retitle([person], "Cosmonaut")
        assert await _described(dev, person["employee_number"], "twice: Cosmonaut")

        await page.get_by_role("link", name=re.compile("^Versions")).click()
        await _activate(page, "Go back to version 1")
        file.retitle([person], "Taikonaut")
        assert await _described(dev, person["employee_number"], "once: Taikonaut")
    await _unbind(page)


async def test_a_hook_that_does_harm_is_suspended_and_let_run_again(signed_in: Page, dev: Dev) -> None:
    page = signed_in
    await _make(page, "greedy")
    await _write(page, GREEDY)
    await _save(page, 1)
    await _activate(page, "Activate version 1")
    await _bind(page, "warehouse-app", on_error="It goes on without the hook")

    async with _personnel(dev) as file:
        file.retitle(file.rows[10:22], "Collector")
        await page.goto("/")
        need = page.locator(".need", has_text="The hook greedy is suspended")
        await expect(need).to_be_visible(timeout=2 * SOON)
        await need.get_by_role("link").click()
        await _unbind(page)
        await page.get_by_role("link", name="Let it run again").click()
        await page.get_by_role("dialog").get_by_role("button", name="Let it run").click()
        await expect(page.locator("#toast")).to_contain_text("The hook runs again.")
        await expect(page.locator(".head .pill")).not_to_have_text("Suspended")


async def _make(page: Page, name: str) -> None:
    await page.goto("/hooks")
    await page.get_by_role("link", name="New hook").click()
    await page.get_by_role("textbox", name="Name", exact=True).fill(name)
    await page.get_by_role("button", name="Write its script").click()
    await expect(page.locator("h1")).to_have_text(name)


async def _write(page: Page, source: str) -> None:
    await page.locator("#source").fill(source)


async def _save(page: Page, number: int) -> None:
    await page.get_by_role("button", name=f"Save as version {number}").click()
    await expect(page.locator("#toast")).to_contain_text(f"Saved as version {number}", timeout=SOON)


async def _activate(page: Page, button: str) -> None:
    """From the script or from the list of versions, through the question."""
    await page.get_by_role("link", name=re.compile(button.replace("Go back to", "Go back to?"))).click()
    await page.get_by_role("dialog").get_by_role("button", name=button).click()
    await expect(page.locator("#toast")).to_contain_text("is active", timeout=SOON)


async def _bind(page: Page, connector: str, *, on_error: str | None = None) -> None:
    await page.get_by_role("link", name=re.compile("^Bindings")).click()
    await page.get_by_role("link", name="Bind to a connector").click()
    await page.get_by_label("Connector").select_option(label=connector)
    await page.get_by_label("Order").fill("50")
    if on_error:
        await page.get_by_label("When it fails").select_option(label=on_error)
    await page.get_by_role("button", name="Bind", exact=True).click()
    await expect(page.locator("#toast")).to_contain_text("The hook is bound.")


async def _unbind(page: Page) -> None:
    await page.get_by_role("link", name=re.compile("^Bindings")).click()
    await page.get_by_role("link", name=re.compile("^Remove")).click()
    await page.get_by_role("dialog").get_by_role("button", name="Remove the binding").click()
    await expect(page.locator("#toast")).to_contain_text("does not run there any more")


async def _described(dev: Dev, number: str, wanted: str) -> bool:
    """Whether the person's entry in the directory says so soon."""
    async with dev.organisation() as nordwerk:
        connector = next(one for target, one in await nordwerk.targets() if target.name == "directory")

        async def is_there() -> bool:
            found = [one for one in await nordwerk.listed(connector) if one.attributes.get("employeeNumber") == number]
            assert [one.attributes.get("description") for one in found] == [wanted]
            return True

        return await eventually(is_there, timeout=30, interval=0.5)


class _File:
    """The personnel file, whose changes the daemon reads by itself."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))

    def retitle(self, rows: list[dict[str, str]], title: str) -> None:
        for row in rows:
            row["title"] = title
        text = io.StringIO()
        writer = csv.DictWriter(text, self.rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        self.path.write_text(text.getvalue(), encoding="utf-8")


@asynccontextmanager
async def _personnel(dev: Dev) -> AsyncIterator[_File]:
    """The file, which is as it was afterwards, and everybody's accounts with it."""
    path = dev.directory / "demo" / "personnel.csv"
    before = path.read_text(encoding="utf-8")
    try:
        yield _File(path)
    finally:
        path.write_text(before, encoding="utf-8")
