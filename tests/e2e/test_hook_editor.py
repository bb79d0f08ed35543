"""Writing a hook: told where a mistake is, offered what fits, shown what it would do, asked before it runs."""

import re
from typing import Literal

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from tests.e2e.fakes import hooks as sample_hooks
from tests.e2e.fakes.acts import COOKIE
from tests.e2e.fakes.server import FakeConsole
from tests.e2e.paths import HOOK

pytestmark = pytest.mark.needs("chromium")


async def write(page: Page, text: str) -> None:
    """Open the editor and type at the end of the script."""
    await page.goto(HOOK)
    await page.locator("#source").focus()
    await page.keyboard.press("Control+End")
    await page.keyboard.type(text)


async def caret(page: Page) -> tuple[int, int]:
    """Line and column, from one."""
    before = await page.evaluate(
        "() => { const a = document.querySelector('#source'); return a.value.slice(0, a.selectionStart); }"
    )
    return before.count("\n") + 1, len(before.rpartition("\n")[2]) + 1


async def test_a_mistake_is_marked_while_one_writes_and_led_to_and_gone_when_mended(page: Page) -> None:
    await write(page, "\nretrun 1")
    places = page.locator("#diagnostics")
    await expect(places).to_contain_text("the word retrun makes no statement")
    await expect(page.locator(".margin .f-red")).to_have_text("8")
    await expect(page.locator("#aloud")).to_contain_text("1 mistake. Line 8: the word retrun")

    await page.keyboard.press("Control+Home")
    await places.get_by_role("link", name="Line 8, column 1").click()
    await expect(page.locator("#source")).to_be_focused()
    assert await caret(page) == (8, 1)
    await page.keyboard.press("Shift+End")
    await page.keyboard.type("x = 1")
    await expect(places).to_contain_text("No mistake found. It defines before_create.")
    await expect(page.locator(".margin .f-red")).to_have_count(0)


async def test_functions_and_fields_are_offered_and_taken_with_the_keyboard(page: Page) -> None:
    await write(page, "\nx = text.a")
    offers = page.get_by_role("listbox", name="What can stand here")
    await expect(offers.get_by_role("option").first).to_contain_text("text.ascii")
    await page.keyboard.press("Tab")
    await expect(offers).to_be_hidden()
    await page.keyboard.type('(ctx["iden')
    await expect(offers.get_by_role("option").first).to_contain_text("ctx.identity")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("Enter")
    await page.keyboard.type(".")

    assert (await page.locator("#source").input_value()).endswith('x = text.ascii(ctx["identity"].')


async def test_what_is_not_wanted_is_closed_and_undone(page: Page) -> None:
    await write(page, "\ntext.a")
    offers = page.get_by_role("listbox")
    await expect(offers).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(offers).to_be_hidden()
    await page.keyboard.press("Control+Space")
    await expect(offers).to_be_visible()
    await page.keyboard.press("Enter")
    await expect(page.locator("#source")).to_have_value(f"{sample_hooks.LOGIN_1}\ntext.ascii")
    await page.keyboard.press("Control+z")

    await expect(page.locator("#source")).to_have_value(f"{sample_hooks.LOGIN_1}\ntext.a")


async def test_lines_are_indented_and_nobody_is_caught_in_the_editor(page: Page) -> None:
    await write(page, "\nif True:\nx = 1\n")
    await page.keyboard.press("Tab")
    value = await page.locator("#source").input_value()
    assert value.endswith("\nif True:\n    x = 1\n        ")

    await page.keyboard.press("Escape")
    await page.keyboard.press("Tab")
    await expect(page.locator("#source")).not_to_be_focused()
    await page.locator("#source").focus()
    await page.keyboard.press("Shift+Tab")
    await expect(page.locator("#source")).not_to_be_focused()


async def test_a_trial_shows_what_changes_and_leaves_what_is_written(page: Page, console: FakeConsole) -> None:
    await write(page, "\n# mine")
    await page.get_by_label("Connector").select_option(label="ldap-main")
    await page.get_by_label("Person").fill("")
    await page.get_by_role("button", name="Try").click()
    answer = page.locator("#answer")
    await expect(answer).to_contain_text("It changes 2 attributes")
    await expect(answer.locator("tr", has_text="uid")).to_contain_text("amueller")
    await expect(answer).to_contain_text("looked at Anna")
    assert (await page.locator("#source").input_value()).endswith("# mine")
    assert console.hooks.done[0][1]["source"].endswith("# mine")

    page.on("dialog", lambda dialog: dialog.accept())
    await answer.get_by_text("Keep it as a test").click()
    await answer.get_by_role("button", name="Keep as a test").click()
    await expect(page.locator("#toast")).to_contain_text("The test sets uid is saved")


async def test_a_failing_trial_leads_to_the_line(page: Page) -> None:
    await page.goto(HOOK)
    await page.get_by_text("With a context of your own").click()
    await page.get_by_label("Context as JSON").fill('{"identity": {}}')
    await page.get_by_role("button", name="Try").click()
    await page.locator("#answer").get_by_role("link", name="Line 6, column 29").click()

    assert await caret(page) == (6, 29)


async def test_a_version_whose_tests_fail_runs_only_with_a_word(page: Page, console: FakeConsole) -> None:
    console.hooks.failing = True
    await page.goto(f"{HOOK}?version=2")
    await page.get_by_role("link", name="Activate version 2").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text('umlauts: set.uid is "müller", expected "mueller"')
    await dialog.get_by_role("button", name="Activate version 2").click()
    assert console.hooks.done == []

    await dialog.get_by_label("Activate it although 1 saved test fails").check()
    await dialog.get_by_role("button", name="Activate version 2").click()
    await expect(page.locator("#toast")).to_contain_text("Version 2 is active.")
    assert console.hooks.done[0][1] == {"version": 2, "force": True, "seen": 4}


async def test_a_suspended_hook_is_found_at_home_and_let_run_again(page: Page, console: FakeConsole) -> None:
    await page.goto("/")
    await page.locator(".need", has_text="is suspended").get_by_role("link").click()
    await expect(page.locator("#main")).to_contain_text("used more memory than it may")
    await page.get_by_role("link", name="Let it run again").click()
    await page.get_by_role("dialog").get_by_role("button", name="Let it run").click()

    await expect(page.locator("#toast")).to_contain_text("The hook runs again.")
    await expect(page.locator("#main")).not_to_contain_text("Suspended")
    assert [verb for verb, _ in console.hooks.done] == ["resume"]


async def test_what_is_written_survives_somebody_who_saved_first(page: Page, console: FakeConsole) -> None:
    console.hooks.beaten = True
    await write(page, "\n# mine")
    await page.get_by_role("button", name="Save as version").click()

    await expect(page.get_by_role("alert")).to_contain_text("Somebody else changed it meanwhile")
    assert (await page.locator("#source").input_value()).endswith("# mine")


async def test_marks_offers_and_answers_are_accessible_in_both_themes(page: Page) -> None:
    await write(page, "\nretrun 1")
    await expect(page.locator(".margin .f-red")).to_have_count(1)
    await page.get_by_label("Connector").select_option(label="ldap-main")
    await page.get_by_role("button", name="Try").click()
    await expect(page.locator("#answer")).to_contain_text("It changes 2 attributes")
    await page.locator("#source").focus()
    await page.keyboard.type("\ntext.a")
    await expect(page.get_by_role("listbox")).to_be_visible()
    await page.evaluate(Axe().axe_script)
    themes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for theme in themes:
        await page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        found = (await page.evaluate("() => axe.run(document, {resultTypes: ['violations'], preload: false})"))[
            "violations"
        ]

        assert [f"{each['id']}: {node['html'][:200]}" for each in found for node in each["nodes"]] == []


async def test_names_are_offered_while_one_is_written(page: Page) -> None:
    await page.goto(HOOK)
    await page.get_by_label("Person").press_sequentially("a")

    await expect(page.locator("#people option").first).to_have_attribute("value", re.compile("^a"))


async def test_all_of_it_works_without_script(browser: Browser, console: FakeConsole) -> None:
    context = await browser.new_context(base_url=console.address, java_script_enabled=False)
    await context.add_cookies([{"name": COOKIE, "value": "in", "url": console.address}])
    page = await context.new_page()
    await page.goto(HOOK)
    await page.locator("#source").fill("def before_create(ctx):\n    retrun 1\n")
    await page.get_by_role("button", name="Check").click()
    await expect(page.locator("#answer")).to_contain_text("Line 2, column 5")
    await page.locator("#source").fill("def before_create(ctx):\n    return None\n")
    await page.get_by_label("Connector").select_option(label="ldap-main")
    await page.get_by_role("button", name="Try").click()
    await expect(page.locator("#answer")).to_contain_text("It changes 2 attributes")
    await page.get_by_role("button", name="Save as version").click()
    await expect(page.locator("#toast")).to_contain_text("Saved as version 2")
    await page.get_by_role("link", name="Activate version 2").click()
    await page.get_by_role("button", name="Activate version 2").click()
    await expect(page.locator("#toast")).to_contain_text("Version 2 is active.")
    await context.close()

    assert [verb for verb, _ in console.hooks.done] == ["trial_on_sample", "save", "activate"]
