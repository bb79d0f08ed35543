"""Accounts are changed behind the daemon's back; a person looks, repairs, takes back, and repairs all of one cause."""

import re
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.e2e.daemon import Dev
from tests.waiting import eventually
from worker.domain.connector import Connector

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.timeout(180)]

SOON = 30_000
SOMEBODIES = """
SELECT i.user_name, i.attributes ->> 'title' AS title, i.attributes ->> 'department' AS department, a.uid
FROM accounts a JOIN identities i ON i.tenant_id = a.tenant_id AND i.id = a.identity_id
WHERE a.tenant_id = $1 AND a.connector_id = $2 AND a.uid IS NOT NULL AND i.active AND a.state = 'active'
  AND i.attributes ->> 'title' <> upper(i.attributes ->> 'title')
ORDER BY i.user_name LIMIT 5
"""


async def _attributes(dev: Dev, connector: Connector) -> dict[str, dict[str, Any]]:
    async with dev.organisation() as nordwerk:
        return {each.uid: dict(each.attributes) for each in await nordwerk.listed(connector)}


async def _change(dev: Dev, connector: Connector, changes: dict[str, dict[str, Any]]) -> None:
    """As somebody does at the target."""
    async with dev.organisation() as nordwerk, await nordwerk.guard(connector) as guard:
        for uid, attributes in changes.items():
            await guard.update("user", uid, attributes, active=None)


async def test_a_run_is_watched_and_what_it_found_is_repaired_taken_back_and_approved(
    signed_in: Page, dev: Dev
) -> None:
    async with dev.organisation() as nordwerk:
        connector = next(one for target, one in await nordwerk.targets() if target.name == "warehouse-app")
        alone, *others = await nordwerk.rows(SOMEBODIES, connector.id)
    page, base, dialog = signed_in, f"/connectors/{connector.id}/reconciliation", signed_in.get_by_role("dialog")

    async def department_is(wanted: str) -> bool:
        async with dev.organisation() as nordwerk:
            await nordwerk.is_done()
        return bool((await _attributes(dev, connector))[alone["uid"]]["department"] == wanted)

    async def titles_are_back() -> bool:
        now = await _attributes(dev, connector)
        return all(now[each["uid"]]["title"] == each["title"] for each in others)

    # from now on a person decides about values that differ
    await page.goto(f"{base}/policy")
    await page.get_by_label("Mismatch").select_option("Waits for a person")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#toast")).to_contain_text("repairs by itself")
    shouted = {each["uid"]: {"title": each["title"].upper()} for each in others}
    await _change(dev, connector, {alone["uid"]: {"department": "Nowhere"}, **shouted})

    # a run is started and watched until it is over
    await page.goto(base)
    await page.locator(".head").get_by_role("link", name="Full run", exact=True).click()
    await dialog.get_by_role("button", name=re.compile("^Start")).click()
    await expect(page.locator("h1")).to_have_text("Full run of warehouse-app")
    await expect(page.locator(".head .pill")).to_have_text("Completed", timeout=SOON)
    await expect(page.get_by_role("img", name="Findings by kind")).to_be_visible()

    # what a repair will change is seen before it is done
    found = f"{base}/discrepancies?q={alone['user_name']}&type=mismatch"
    await page.goto(found)
    await page.get_by_role("link", name="Correct account").click()
    await expect(dialog.locator(".diff .was")).to_have_text("Nowhere")
    await expect(dialog.locator(".diff .is")).to_have_text(alone["department"])
    await dialog.get_by_role("button", name="Correct account").click()
    await expect(page.locator("#toast")).to_contain_text("The repair is")
    await eventually(lambda: department_is(alone["department"]), timeout=30, interval=0.3)

    # and taken back
    await page.goto(f"{found}&status=resolved")
    await page.get_by_role("link", name="Undo").click()
    await dialog.get_by_role("button", name="Undo").click()
    await expect(page.locator("#toast")).to_contain_text("open again")
    await eventually(lambda: department_is("Nowhere"), timeout=30, interval=0.3)
    await page.goto(found)
    await page.get_by_role("link", name=re.compile("^History")).click()
    await expect(page.locator("#main")).to_contain_text("Take back")

    # the others have one cause: one approval repairs them
    await page.goto(f"{base}/causes")
    await page.locator("tr", has_text="title").get_by_role("link", name=f"Repair {len(others)}").click()
    await dialog.get_by_role("button", name=f"Repair {len(others)}").click()
    await expect(page.locator("#toast")).to_contain_text(f"{len(others)} are being repaired.")
    await eventually(titles_are_back, timeout=30, interval=0.3)
