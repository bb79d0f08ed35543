"""Writing a target's mapping: mistakes and names while one writes, before and after, questions before it counts."""

import pytest
from playwright.async_api import Browser, Page, expect

from tests.e2e.fakes import mappings, sample
from tests.e2e.fakes.acts import COOKIE
from tests.e2e.fakes.server import FakeConsole
from tests.e2e.paths import MAPPING

pytestmark = pytest.mark.needs("chromium")


async def write(page: Page, old: str, new: str) -> None:
    """Open the editor and put one text for another."""
    await page.goto(MAPPING)
    rules = page.get_by_label("Rules as JSON")
    await rules.fill((await rules.input_value()).replace(old, new))


async def test_a_mistake_is_marked_while_one_writes_and_led_to(page: Page) -> None:
    await write(page, '"lower"', '"lwoer"')
    places = page.locator("#diagnostics")
    await expect(places).to_contain_text("there is no transform 'lwoer'; did you mean lower?")
    await expect(page.locator(".margin .f-red")).to_have_text("3")

    await places.get_by_role("link", name="Line 3, column").click()
    await expect(page.get_by_label("Rules as JSON")).to_be_focused()
    await page.keyboard.press("Shift+End")
    await page.keyboard.type('lower"]},')
    await expect(places).to_contain_text("No mistake found.")


async def test_a_rule_of_the_table_leads_to_its_line(page: Page) -> None:
    await page.goto(MAPPING)
    await page.get_by_role("link", name="sn", exact=True).click()

    before = await page.evaluate(
        "() => { const a = document.querySelector('#source'); return a.value.slice(0, a.selectionStart); }"
    )
    assert before.count("\n") + 1 == 5


async def test_attributes_and_transforms_are_offered(page: Page) -> None:
    await page.goto(MAPPING)
    await page.get_by_label("Rules as JSON").focus()
    await page.keyboard.press("Control+Home")
    await page.keyboard.type("trunc")
    await expect(page.get_by_role("option").first).to_contain_text("truncate:")
    await page.keyboard.press("Tab")

    assert (await page.locator("#source").input_value()).startswith("truncate:[")


async def test_a_draft_is_tried_in_place_and_stays_written(page: Page, console: FakeConsole) -> None:
    await write(page, '"lower"', '"upper"')
    await page.get_by_label("Person").fill(sample.IDENTITIES[1].user_name)
    await page.get_by_role("button", name="Try", exact=True).click()
    answer = page.locator("#answer")
    await expect(answer).to_contain_text("What would become of one person’s account")
    await expect(answer.locator(".diff")).to_contain_text("Jürgen")
    await expect(answer.locator(".diff")).to_contain_text("hidden (changed)")

    assert '"upper"' in await page.locator("#source").input_value()
    assert console.mappings.done == [("try", {"ids": (sample.IDENTITIES[1].id,), "sample": 5, "seed": 0})]


async def test_a_check_shows_the_rules_of_the_draft_as_a_table(page: Page) -> None:
    await write(page, '"source": "given_name"', '"source": "nickname"')
    await page.get_by_role("button", name="Check", exact=True).click()

    await expect(page.locator("#answer")).to_contain_text("It can be saved")
    await expect(page.locator("#answer table")).to_contain_text("nickname")


async def test_saving_dry_run_and_activation_follow_one_another(page: Page, console: FakeConsole) -> None:
    await write(page, '"source": "given_name"', '"source": "call_name"')
    await page.get_by_label("What changed").fill("Call names")
    await page.get_by_role("button", name="Save as version 4").click()
    await expect(page.locator("#main")).to_contain_text("Version 2 is shown")
    await page.get_by_role("button", name="Dry run").click()
    await expect(page.locator("#run")).to_contain_text("4\u202f000 of 12\u202f480 people looked at")

    await page.goto(f"{MAPPING}?version=2")
    await page.get_by_role("link", name="Activate version 2").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("1\u202f203 accounts would be changed, 3 people cannot be mapped")
    await dialog.get_by_role("button", name="Activate version 2").click()
    await expect(page.locator(".head .pill")).to_have_text("Version 2")
    assert [verb for verb, _ in console.mappings.done] == ["save", "dry run", "activate"]


async def test_a_dry_run_is_followed_while_one_looks(page: Page, console: FakeConsole) -> None:
    await page.goto(f"{MAPPING}/dry-runs/{mappings.RUNNING}")
    await expect(page.locator("#run .pill").first).to_have_text("Counting")
    console.mappings.runs[mappings.RUNNING] = mappings.DRY_RUNS[0]

    await expect(page.locator("#run .pill").first).to_have_text("Counted")
    await expect(page.locator("#run")).to_contain_text("Nobody would lose an account.")


async def test_many_removals_want_their_number(page: Page, console: FakeConsole) -> None:
    await page.goto(f"{MAPPING}/versions")
    await page.get_by_role("link", name="Activate version 3").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("would hold 2\u202f400 until somebody approves")
    await dialog.get_by_label("Type 2500").fill("2500")
    await dialog.get_by_role("button", name="Activate version 3").click()

    await expect(page.locator("#toast")).to_contain_text("Version 3 is active.")
    assert console.mappings.done == [("activate", {"version": 3, "seen": 1})]


async def test_what_was_written_survives_somebody_who_was_faster(page: Page, console: FakeConsole) -> None:
    console.mappings.beaten = True
    await write(page, '"lower"', '"upper"')
    await page.get_by_role("button", name="Save as version 4").click()

    await expect(page.get_by_role("alert")).to_contain_text("Somebody else changed this meanwhile")
    assert '"upper"' in await page.locator("#source").input_value()


async def test_without_script_a_draft_is_checked_and_tried_by_the_page(browser: Browser, console: FakeConsole) -> None:
    context = await browser.new_context(java_script_enabled=False, base_url=console.address)
    await context.add_cookies([{"name": COOKIE, "value": "in", "url": console.address}])
    page = await context.new_page()
    await write(page, '"lower"', '"lwoer"')
    await page.get_by_role("button", name="Check", exact=True).click()
    await expect(page.locator("#answer")).to_contain_text("Line 3, column")
    await page.get_by_label("Rules as JSON").fill(mappings.RULES_2)
    await page.get_by_role("button", name="Try", exact=True).click()
    await expect(page.locator("#answer")).to_contain_text("What would become of 5 people’s accounts")
    await context.close()
