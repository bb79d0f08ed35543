"""What an operator does in the console, done by the daemon, the database and the targets of the demo."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.e2e.daemon import Dev

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.timeout(120)]

SOON = 20_000


async def test_home_says_how_many_people_and_targets_there_are(signed_in: Page, dev: Dev) -> None:
    await signed_in.goto("/")

    await expect(signed_in.locator(".hero")).to_contain_text(f"{dev.employees} identities")
    await expect(signed_in.locator(".hero")).to_contain_text("3 of 3 targets healthy")


async def test_a_dry_run_is_started_and_followed_to_its_end(signed_in: Page) -> None:
    await signed_in.goto("/connectors")
    await signed_in.get_by_role("link", name="directory", exact=True).first.click()
    await signed_in.locator("#main").get_by_role("link", name="Reconciliation").click()
    await signed_in.get_by_role("link", name="Dry run", exact=True).click()
    await signed_in.get_by_role("dialog").get_by_role("button", name="Start the dry run").click()

    await expect(signed_in.locator("h1")).to_have_text("Full dry run of directory")
    await expect(signed_in.locator(".head .pill")).to_have_text("Completed", timeout=SOON)
    await expect(signed_in.locator("#main")).to_contain_text("nothing was changed")


async def test_a_person_is_disabled_everywhere_and_enabled_again(signed_in: Page) -> None:
    await signed_in.goto("/identities?active=true")
    await signed_in.locator("tr[data-row] a.subject").first.click()
    await signed_in.get_by_role("link", name="Disable now").click()
    dialog = signed_in.get_by_role("dialog")
    await dialog.get_by_label("Why?").fill("laptop stolen")
    await dialog.get_by_role("button", name=re.compile("^Disable")).click()
    await expect(signed_in.locator("#toast")).to_contain_text("To be disabled")
    await expect(signed_in.locator("#main")).to_contain_text("disabled at the target", timeout=SOON)
    await expect(signed_in.locator("#main")).not_to_contain_text("enabled at the target", timeout=SOON)

    await signed_in.get_by_role("link", name="Enable again").click()
    await dialog.get_by_label("Why?").fill("found again")
    await dialog.get_by_role("button", name=re.compile("^Enable")).click()
    await expect(signed_in.locator("#main")).to_contain_text("enabled at the target", timeout=SOON)
    await expect(signed_in.locator("#main")).not_to_contain_text("disabled at the target", timeout=SOON)


async def test_maintenance_is_announced_at_home_until_it_ends(signed_in: Page) -> None:
    await signed_in.goto("/connectors")
    await signed_in.get_by_role("link", name="warehouse-app", exact=True).first.click()
    await signed_in.get_by_role("link", name="Maintenance", exact=True).click()
    await signed_in.get_by_role("dialog").get_by_role("button", name="Start maintenance").click()
    await expect(signed_in.locator("#main")).to_contain_text("is in maintenance")
    await signed_in.goto("/")
    await expect(signed_in.locator(".hero")).to_contain_text("1 in maintenance")

    await signed_in.get_by_role("link", name="warehouse-app", exact=True).first.click()
    await signed_in.get_by_role("link", name="End maintenance").click()
    await signed_in.get_by_role("dialog").get_by_role("button", name="End maintenance").click()
    await expect(signed_in.locator(".head .pill")).to_have_text("Healthy")


async def test_an_emptied_personnel_file_removes_nobody_before_a_person_has_decided(signed_in: Page, dev: Dev) -> None:
    file = dev.directory / "demo" / "personnel.csv"
    before = file.read_text(encoding="utf-8")
    file.write_text(before.splitlines(keepends=True)[0], encoding="utf-8")
    try:
        await signed_in.goto("/approvals")
        await expect(signed_in.locator("#main")).to_contain_text(f"{dev.employees} people missing from", timeout=SOON)
        await expect(signed_in.locator("#main")).to_contain_text("The list is empty")
        await signed_in.get_by_role("link", name=re.compile("^Reject")).click()
        dialog = signed_in.get_by_role("dialog")
        await dialog.get_by_label("Why not?").fill("emptied by mistake")
        await dialog.get_by_role("button", name=re.compile("^Reject")).click()
        await expect(signed_in.locator("#toast")).to_contain_text("everybody stays as they are")
    finally:
        file.write_text(before, encoding="utf-8")
    async with dev.organisation() as nordwerk:
        gone = await nordwerk.rows(
            "SELECT count(*) AS n FROM operations_archive WHERE tenant_id = $1 AND operation_type = 'delete'"
        )

    assert gone == [{"n": 0}]
