"""A rule of a target's mapping is changed in the console, until its accounts are other ones, and back."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.e2e.daemon import Dev
from tests.waiting import eventually
from worker.domain.connector import Connector

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.timeout(180)]

SOON = 30_000
PLAIN = '{"target": "title", "source": "title"}'
WRONG = '{"target": "title", "source": "title", "transforms": ["uper"]}'
RIGHT = '{"target": "title", "source": "title", "transforms": ["upper"]}'
SOMEBODY = """
SELECT i.user_name, i.attributes ->> 'title' AS title, a.uid FROM accounts a
JOIN identities i ON i.tenant_id = a.tenant_id AND i.id = a.identity_id
WHERE a.tenant_id = $1 AND a.connector_id = $2 AND a.uid IS NOT NULL AND i.active
  AND i.attributes ->> 'title' <> upper(i.attributes ->> 'title')
ORDER BY i.user_name LIMIT 1
"""


async def _title_of(dev: Dev, connector: Connector, uid: str) -> str:
    async with dev.organisation() as nordwerk:
        found = next(each for each in await nordwerk.listed(connector) if each.uid == uid)
    return str(found.attributes["title"])


async def test_a_rule_is_changed_tried_counted_and_activated_until_the_account_is_another(
    signed_in: Page, dev: Dev
) -> None:
    async with dev.organisation() as nordwerk:
        connector = next(one for target, one in await nordwerk.targets() if target.name == "warehouse-app")
        (somebody,) = await nordwerk.rows(SOMEBODY, connector.id)
    page, title = signed_in, somebody["title"]
    await page.goto(f"/connectors/{connector.id}")
    await page.get_by_role("link", name="Mapping", exact=True).click()
    rules = page.get_by_label("Rules as JSON")

    # a mistake is shown at its line while one writes, and keeps the rules from being saved
    written = await rules.input_value()
    await rules.fill(written.replace(PLAIN, WRONG))
    line = written[: written.index(PLAIN)].count("\n") + 1
    await expect(page.locator("#diagnostics")).to_contain_text("did you mean upper?", timeout=SOON)
    await expect(page.locator("#diagnostics")).to_contain_text(f"Line {line}, column ")
    await page.get_by_role("button", name=re.compile("^Save as version")).click()
    await expect(page.locator("#main")).to_contain_text("Not saved.")

    # mended, it is tried on a person
    await rules.fill(written.replace(PLAIN, RIGHT))
    await expect(page.locator("#diagnostics")).to_contain_text("No mistake found.", timeout=SOON)
    await page.get_by_label("Person").fill(somebody["user_name"])
    await page.get_by_role("button", name="Try", exact=True).click()
    await expect(page.locator("#answer .diff")).to_contain_text(title.upper(), timeout=SOON)

    # saved, and counted for everybody
    await page.get_by_label("What changed").fill("Titles in capitals")
    await page.get_by_role("button", name=re.compile("^Save as version")).click()
    await expect(page.locator("#toast")).to_contain_text("Saved as version 2")
    await page.get_by_role("button", name="Dry run").click()
    await expect(page.locator("#run .pill").first).to_have_text("Counted", timeout=SOON)
    await expect(page.locator("#run")).to_contain_text(re.compile("accounts? would be changed"))
    await expect(page.locator("#run")).to_contain_text("Nobody would lose an account.")
    assert await _title_of(dev, connector, somebody["uid"]) == title

    # activated, the account follows
    await page.get_by_role("link", name="Activate version 2").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("1 rule differs from version 1.")
    await expect(dialog).to_contain_text(re.compile("accounts? would be changed"))
    await dialog.get_by_role("button", name="Activate version 2").click()
    await expect(page.locator("#toast")).to_contain_text("Version 2 is active")

    async def is_in_capitals() -> bool:
        return await _title_of(dev, connector, somebody["uid"]) == title.upper()

    await eventually(is_in_capitals, timeout=60, interval=0.5)

    # and back again
    await page.get_by_role("link", name="Go back to version 1").click()
    await dialog.get_by_role("button", name="Go back to version 1").click()
    await expect(page.locator(".head .pill")).to_have_text("Version 1")

    async def is_as_before() -> bool:
        return await _title_of(dev, connector, somebody["uid"]) == title

    await eventually(is_as_before, timeout=60, interval=0.5)
