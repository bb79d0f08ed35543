"""What an operator wants at three in the morning: see, decide, act, and be told what happened."""

import re

import pytest
from playwright.async_api import Browser, Page, expect

from tests.e2e.fakes import sample
from tests.e2e.fakes.acts import COOKIE, TOKEN
from tests.e2e.fakes.server import FakeConsole
from tests.e2e.paths import DEAD, LDAP, PAUSED, RECONCILIATION
from worker.domain.operation import OperationStatus

pytestmark = pytest.mark.needs("chromium")


async def test_a_dead_letter_is_retried_from_its_page(page: Page, console: FakeConsole) -> None:
    await page.goto(DEAD)
    await page.get_by_role("link", name="Retry now").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("Retry “")
    await dialog.get_by_role("button", name="Retry").click()

    await expect(page.locator("#toast")).to_contain_text("1 will run again.")
    await expect(page.locator(".head .pill")).to_have_text("Pending")
    assert [verb for verb, _ in console.acts.done] == ["retry"]


async def test_chosen_rows_are_retried_together(page: Page, console: FakeConsole) -> None:
    await page.goto("/connectors/operations/dlq")
    for n in range(3):
        await page.locator("input[name=id]").nth(n).check()
    await page.get_by_role("button", name="Retry", exact=True).click()
    await page.get_by_role("dialog").get_by_role("button", name="Retry 3").click()

    await expect(page.locator("#toast")).to_contain_text("3 will run again.")
    assert len(console.acts.done[0][1]["ids"]) == 3


async def test_keeping_leaves_everything_as_it_is(page: Page, console: FakeConsole) -> None:
    await page.goto(DEAD)
    opener = page.get_by_role("link", name="Retry now")
    await opener.click()
    await page.get_by_role("dialog").get_by_role("link", name="Keep it").click()

    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(opener).to_be_focused()
    assert console.acts.done == []


async def test_somebody_who_was_faster_is_named(page: Page, console: FakeConsole) -> None:
    console.acts.beaten = True
    await page.goto(DEAD)
    await page.get_by_role("link", name="Retry now").click()
    await page.get_by_role("dialog").get_by_role("button", name="Retry").click()

    await expect(page.get_by_role("alert")).to_contain_text("Grace Okafor did this 4 s ago")


async def test_a_dead_letter_is_corrected_and_sent_again(page: Page, console: FakeConsole) -> None:
    await page.goto(DEAD)
    await page.get_by_role("link", name="Correct and redrive").click()
    await page.get_by_label("Payload, corrected").fill('{"attributes": {"mail": "anna@example.org"}}')
    await page.get_by_role("button", name="Redrive").click()

    await expect(page).to_have_url(f"{console.address}/connectors/operations/{sample.uid(2, 1)}")
    assert console.acts.done[0][1]["payload"] == {"attributes": {"mail": "anna@example.org"}}


async def test_many_removals_are_approved_only_with_their_number(page: Page, console: FakeConsole) -> None:
    await page.goto(PAUSED)
    await expect(page.locator("#main")).to_contain_text("Half of the source is gone")
    await page.get_by_role("link", name="Approve 2").click()
    await page.get_by_label("Type 2500").fill("25")
    await page.get_by_role("dialog").get_by_role("button", name="Approve").click()
    await expect(page.locator("#main")).to_contain_text("Nothing was done: type 2500")
    assert console.acts.done == []

    await page.goto(PAUSED)
    await page.get_by_role("link", name="Approve 2").click()
    await page.get_by_label("Type 2500").fill("2500")
    await page.get_by_role("dialog").get_by_role("button", name="Approve").click()
    await expect(page.locator("#toast")).to_contain_text("Decided.")
    assert (console.acts.done[0][1]["approve"], console.acts.done[0][1]["seen"]) == (True, 1)


async def test_what_one_asked_for_oneself_must_be_approved_by_another(page: Page) -> None:
    await page.goto("/approvals")
    mine = page.locator(f"#h-{sample.HOLDS[1].id}")

    await expect(mine).to_contain_text("somebody else must decide")
    await expect(mine.get_by_role("link", name="Approve")).to_have_count(0)


async def test_a_dry_run_is_started_and_followed(page: Page, console: FakeConsole) -> None:
    await page.goto(RECONCILIATION)
    await page.get_by_role("link", name="Dry run", exact=True).click()
    await page.get_by_role("dialog").get_by_role("button", name="Start the dry run").click()

    await expect(page).to_have_url(f"{console.address}{RECONCILIATION}/runs/{sample.RUNS[0].id}")
    assert console.acts.done[0][1] == {"mode": "full", "dry_run": True}


async def test_a_discrepancy_is_repaired_as_suggested(page: Page, console: FakeConsole) -> None:
    await page.goto(f"{RECONCILIATION}/discrepancies?type=mismatch")
    await page.get_by_role("link", name="Correct account").first.click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("anna.aydin@example.org")
    await dialog.get_by_role("button", name="Correct account").click()

    await expect(page.locator("#toast")).to_contain_text("1 queued for repair.")
    assert console.acts.done[0][1]["direction"] == "xavyo_to_target"


async def test_a_case_is_decided_with_what_speaks_for_and_against(page: Page, console: FakeConsole) -> None:
    await page.goto(f"/correlation/cases/{sample.CASES[0].id}")
    await expect(page.locator("#main")).to_contain_text("against -5.5")
    await page.get_by_role("radio", name="lukas.kowalski").check()
    await page.get_by_role("button", name="Decide and go on").click()

    await expect(page.locator("#toast")).to_contain_text("They are linked.")
    await expect(page).to_have_url(re.compile(f"/correlation/cases/{sample.CASES[1].id}"))
    assert console.acts.done[0][1]["uid"] == "uid=lukas.kowalski,ou=people,dc=example"


async def test_cases_are_decided_by_keys_one_after_the_other(page: Page, console: FakeConsole) -> None:
    await page.goto(f"/correlation/cases/{sample.CASES[0].id}")
    for at, keys in enumerate(["1", "n", "2"]):
        await expect(page).to_have_url(re.compile(f"/correlation/cases/{sample.CASES[at].id}"))
        for key in (keys, "Enter"):
            await page.keyboard.press(key)
    await expect(page).to_have_url(re.compile(f"/correlation/cases/{sample.CASES[3].id}"))
    await page.keyboard.press("Enter")  # nothing is chosen: nothing is decided
    await page.keyboard.press("j")
    await expect(page).to_have_url(re.compile(f"/correlation/cases/{sample.CASES[4].id}"))

    assert [name for name, _ in console.acts.done] == ["confirm_case", "reject_case", "confirm_case"]
    assert console.acts.done[2][1]["uid"].startswith("uid=lukrezia")


async def test_an_answer_is_taken_back_by_a_key_and_given_once_however_often_enter_is_pressed(
    page: Page, console: FakeConsole
) -> None:
    last = sample.CASES[5]
    await page.goto(f"/correlation/cases/{sample.CASES[0].id}?last={last.id}")
    await expect(page.locator("#main")).to_contain_text("3 like this were decided: 2 × the best candidate")
    await page.keyboard.press("1")
    await page.evaluate(
        "() => { const f = document.querySelector('form[data-enter]'); f.requestSubmit(); f.requestSubmit(); }"
    )
    await expect(page).to_have_url(re.compile(f"/correlation/cases/{sample.CASES[1].id}"))
    await page.goto(f"/correlation/cases/{sample.CASES[1].id}?last={last.id}")
    await page.keyboard.press("u")
    await expect(page).to_have_url(re.compile(f"/correlation/cases/{last.id}"))
    await expect(page.locator("#toast")).to_contain_text("Taken back")

    assert [name for name, _ in console.acts.done] == ["confirm_case", "undo_case"]


async def test_an_account_is_nobodys_or_of_somebody_the_case_does_not_name(page: Page, console: FakeConsole) -> None:
    await page.goto(f"/correlation/cases/{sample.CASES[1].id}")
    await page.keyboard.press("b")
    await page.keyboard.press("Enter")
    await expect(page).not_to_have_url(re.compile(f"/cases/{sample.CASES[1].id}"))
    await page.goto(f"/correlation/cases/{sample.CASES[3].id}")
    await page.keyboard.press("o")
    await page.keyboard.type(sample.identity(2).external_id)
    await page.keyboard.press("Enter")
    await expect(page.locator("#toast")).to_contain_text("Linked as you said.")

    assert [name for name, _ in console.acts.done] == ["nobodys_case", "reassign_case"]
    assert console.acts.done[1][1]["identity_id"] == sample.identity(2).id


async def test_a_letter_in_a_note_decides_nothing(page: Page, console: FakeConsole) -> None:
    await page.goto(f"/correlation/cases/{sample.CASES[0].id}")
    await page.get_by_label("A note for those who come later").press_sequentially("n12jk")

    await expect(page.get_by_role("radio", checked=True)).to_have_count(0)
    await expect(page).to_have_url(re.compile(f"/correlation/cases/{sample.CASES[0].id}"))


async def test_a_person_is_disabled_in_an_emergency(page: Page, console: FakeConsole) -> None:
    await page.goto(f"/identities/{sample.uid(3, 1)}")
    await page.get_by_role("link", name="Disable now").click()
    await page.get_by_label("Why?").fill("laptop stolen")
    await page.get_by_role("dialog").get_by_role("button", name="Disable").click()

    await expect(page.locator("#toast")).to_contain_text("3 accounts are being disabled.")
    assert console.acts.done[0][1]["reason"] == "laptop stolen"


async def test_rows_change_while_one_looks(page: Page, console: FakeConsole) -> None:
    await page.goto(DEAD)
    await expect(page.locator("#state")).to_have_text("Live")
    operation_id = next(o.id for o in sample.OPERATIONS if DEAD.endswith(str(o.id)))
    console.reads.mark([operation_id], OperationStatus.COMPLETED)

    await expect(page.locator(".head .pill")).to_have_text("Completed")


async def test_news_wait_while_rows_are_chosen(page: Page, console: FakeConsole) -> None:
    await page.goto("/connectors/operations")
    await expect(page.locator("#state")).to_have_text("Live")
    await page.locator("input[name=id]").nth(4).check()
    console.reads.mark([sample.OPERATIONS[0].id], OperationStatus.CANCELLED)
    await expect(page.locator("#fresh")).to_be_visible()
    first = page.locator(f"#o-{sample.OPERATIONS[0].id} .pill")
    assert await first.inner_text() != "Cancelled"
    await page.locator("#fresh").click()

    await expect(first).to_have_text("Cancelled")


async def test_a_lost_connection_keeps_the_rows_and_says_since_when(page: Page) -> None:
    await page.goto("/connectors/operations")
    await expect(page.locator("#state")).to_have_text("Live")
    await page.context.set_offline(True)
    await page.evaluate("htmx.trigger(document.querySelector('#live'), 'refresh')")

    await expect(page.locator("#stale")).to_contain_text("Not updated since")
    assert await page.locator("tr[data-row]").count() == 50


async def test_filters_live_in_the_address(page: Page, console: FakeConsole) -> None:
    await page.goto("/connectors/operations")
    await page.get_by_role("link", name="Failed").click()
    await page.get_by_label("Connector", exact=True).select_option("ldap-main")

    await expect(page).to_have_url(
        f"{console.address}/connectors/operations?status=failed&connector_id={sample.LDAP.id}"
    )
    await expect(page.locator(".applied")).to_contain_text("ldap-main")


async def test_the_keyboard_is_enough(page: Page, console: FakeConsole) -> None:
    await page.goto("/connectors/operations/dlq")
    await page.keyboard.press("Tab")
    await expect(page.locator(".skip")).to_be_focused()
    await page.keyboard.press("j")
    await page.keyboard.press("x")
    assert await page.locator("input[name=id]:checked").count() == 1
    await page.keyboard.press("g")
    await page.keyboard.press("s")

    await expect(page).to_have_url(f"{console.address}/connectors")


async def test_acts_work_without_script(browser: Browser, console: FakeConsole) -> None:
    context = await browser.new_context(java_script_enabled=False, base_url=console.address)
    await context.add_cookies([{"name": COOKIE, "value": "in", "url": console.address}])
    page = await context.new_page()
    await page.goto(LDAP)
    await page.get_by_role("link", name="Maintenance").click()
    await page.get_by_role("button", name="Start maintenance").click()

    await expect(page.locator("#toast")).to_contain_text("Maintenance was switched.")
    await expect(page).to_have_url(console.address + LDAP)


async def test_a_link_signs_in_once_and_leads_to_where_one_wanted(browser: Browser, console: FakeConsole) -> None:
    context = await browser.new_context(base_url=console.address)
    page = await context.new_page()
    await page.goto("/sign-in?link=pvd_sample_link&next=/approvals")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page).to_have_url(f"{console.address}/approvals")

    await context.clear_cookies()
    await page.goto("/sign-in?link=pvd_sample_link")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_contain_text("used already")


async def test_a_token_signs_in_and_a_wrong_one_is_refused_in_words(browser: Browser, console: FakeConsole) -> None:
    page = await browser.new_page(base_url=console.address)
    await page.goto("/connectors")
    await page.get_by_label("API token").fill("pvd_wrong")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_contain_text("not known")
    await page.get_by_label("API token").fill(TOKEN)
    await page.get_by_role("button", name="Sign in").click()

    await expect(page).to_have_url(f"{console.address}/connectors")


async def test_a_repair_is_previewed_and_taken_back_without_script(browser: Browser, console: FakeConsole) -> None:
    context = await browser.new_context(java_script_enabled=False, base_url=console.address)
    await context.add_cookies([{"name": COOKIE, "value": "in", "url": console.address}])
    page = await context.new_page()
    await page.goto(f"{RECONCILIATION}/discrepancies?type=mismatch")
    await page.get_by_role("link", name="Correct account").first.click()
    await expect(page.locator(".diff .is").first).to_have_text("anna.aydin@example.org")
    await page.get_by_role("button", name="Correct account").click()
    await page.goto(f"{RECONCILIATION}/discrepancies?type=mismatch&status=resolved")
    await page.get_by_role("link", name="Undo").first.click()
    await page.get_by_role("button", name="Undo").click()
    await expect(page.locator("#toast")).to_contain_text("open again")
    await context.close()

    assert [verb for verb, _ in console.acts.done + console.repairs.done] == ["remediate", "undo"]
