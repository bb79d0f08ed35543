"""When runs start by themselves: seen in a list, changed with a look ahead, switched off and on."""

import pytest
from playwright.async_api import Browser, Page, expect

from tests.e2e.fakes import sample
from tests.e2e.fakes.acts import COOKIE
from tests.e2e.fakes.schedules import SKIPPED
from tests.e2e.fakes.server import FakeConsole
from tests.e2e.paths import SCHEDULE

pytestmark = pytest.mark.needs("chromium")
LIST = "/schedules"


async def test_the_list_says_when_runs_start_and_why_the_last_one_did_not(page: Page) -> None:
    await page.goto("/schedules")
    skipped = page.locator(f"#s-{sample.SQL.id}")
    await expect(skipped).to_contain_text(SKIPPED)
    await expect(skipped.get_by_role("link", name="That run")).to_have_attribute(
        "href", f"/connectors/{sample.SQL.id}/reconciliation/runs/{sample.RUNS[2].id}"
    )
    await expect(page.locator(f"#s-{sample.CSV.id}")).to_contain_text("Off")
    await expect(page.get_by_role("navigation", name="Main").get_by_role("link", name="Schedules")).to_have_attribute(
        "aria-current", "page"
    )
    assert page.url.endswith(LIST)


async def test_next_runs_follow_what_one_writes_and_nothing_is_saved(page: Page, console: FakeConsole) -> None:
    await page.goto(SCHEDULE)
    ahead = page.locator("#ahead")
    await expect(ahead).to_contain_text("behind a black-out")
    await page.get_by_label("Hour of the day").fill("17")
    await expect(ahead).to_contain_text("at 17:00")
    await expect(ahead).to_contain_text("nothing is saved yet")
    await page.get_by_label("How often").select_option("By a cron expression")
    await expect(ahead).to_contain_text("Cron expression: is needed for cron")
    await expect(page.get_by_label("Hour of the day")).to_be_hidden()
    await expect(page.locator("[name=cron_expression]")).to_be_visible()

    assert console.schedules.done == []


async def test_a_schedule_is_saved_as_it_was_seen(page: Page, console: FakeConsole) -> None:
    await page.goto(SCHEDULE)
    await page.get_by_label("When nothing begins").fill("22:00-06:00")
    await page.get_by_role("button", name="Save").click()

    await expect(page.locator("#toast")).to_contain_text("The schedule is saved.")
    [(verb, what)] = console.schedules.done
    assert (verb, what["seen"], what["blackouts"], what["day_of_week"]) == ("save", 4, "22:00-06:00", "0")


async def test_what_was_written_survives_somebody_who_was_faster(page: Page, console: FakeConsole) -> None:
    console.schedules.beaten = True
    await page.goto(SCHEDULE)
    await page.get_by_label("Time zone").fill("Europe/Paris")
    await page.get_by_role("button", name="Save").click()

    await expect(page.get_by_role("alert")).to_contain_text("Somebody else changed this meanwhile")
    await expect(page.get_by_label("Time zone")).to_have_value("Europe/Paris")


async def test_a_schedule_is_switched_off_started_and_deleted(page: Page, console: FakeConsole) -> None:
    await page.goto(LIST)
    row, dialog = page.locator(f"#s-{sample.LDAP.id}"), page.get_by_role("dialog")
    await row.get_by_role("link", name="Switch off").click()
    await dialog.get_by_role("button", name="Switch off").click()
    await expect(row).to_contain_text("Off")
    await row.get_by_role("link", name="Run now").click()
    await dialog.get_by_role("button", name="Run now").click()
    await expect(page.locator("#toast")).to_contain_text("The run starts.")
    await row.get_by_role("link", name="Delete").click()
    await dialog.get_by_role("button", name="Delete").click()
    await expect(row).to_have_count(0)

    assert [verb for verb, _ in console.schedules.done] == ["switch", "run", "delete"]


async def test_without_script_the_next_runs_are_shown_by_the_page(browser: Browser, console: FakeConsole) -> None:
    context = await browser.new_context(java_script_enabled=False, base_url=console.address)
    await context.add_cookies([{"name": COOKIE, "value": "in", "url": console.address}])
    page = await context.new_page()
    await page.goto(SCHEDULE)
    await page.get_by_label("Hour of the day").fill("5")
    await page.get_by_role("button", name="Show the next five").click()
    await expect(page.locator("#ahead")).to_contain_text("at 05:00")
    await page.get_by_role("button", name="Save").click()
    await context.close()

    assert [(verb, what["hour_of_day"]) for verb, what in console.schedules.done] == [("save", "5")]
