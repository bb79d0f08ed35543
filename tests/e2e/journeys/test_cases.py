"""Accounts of leavers whose owners nobody knows: a run asks about them, a person answers by keys alone, once."""

import json
import re
from collections.abc import Sequence
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.e2e.daemon import Dev
from tests.waiting import eventually
from worker.domain.connector import Connector

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.timeout(240)]

LIST = "/correlation/cases"
NAMES = (
    *("Ida Falkenrath", "Ole Grevenstein", "Wiebke Haldern", "Tomke Isernhagen", "Jelto Kaltenbrunn", "Alke Lohmühlen"),
    *("Fenja Mistelbach", "Hauke Nordkirchen", "Swantje Oldersum", "Birte Pewsum", "Enno Quakenbrück", "Gesa Rysumer"),
)
#: Whose account it is, where the departments do not tell: by the key that chooses.
NOBODYS, SECOND = NAMES[3], NAMES[7]
OWNERS = """
SELECT a.observed ->> 'last_name' AS name, i.external_id, a.match ->> 'decision' AS decision
FROM accounts a LEFT JOIN identities i ON i.tenant_id = a.tenant_id AND i.id = a.identity_id
WHERE a.tenant_id = $1 AND a.connector_id = $2 AND a.observed ->> 'login' LIKE 'leaver-%'
"""
OPEN = "SELECT count(*) AS n FROM cases WHERE tenant_id = $1 AND connector_id = $2 AND status = 'open'"
FOUND = """
SELECT d.discrepancy_type, d.external_uid FROM discrepancies d
JOIN accounts a ON a.tenant_id = d.tenant_id AND a.id = d.account_id
WHERE d.tenant_id = $1 AND d.connector_id = $2 AND d.resolution_status = 'pending'
  AND a.observed ->> 'login' LIKE 'leaver-%'
"""


class Keys:
    """Somebody who only presses keys; how often."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.pressed = 0

    async def press(self, *keys: str) -> None:
        for key in keys:
            self.pressed += 1
            await self._page.keyboard.press(key)


async def _leavers(dev: Dev, page: Page) -> None:
    """Two of each name, of different departments, who have left."""
    token = (await dev.provisiond("tokens", "create", "leavers", "--role", "ingest")).strip()
    events = [
        {
            "specversion": "1.0",
            "id": f"{number}-{department}",
            "source": "/personnel",
            "type": "identity.created",
            "data": {
                "external_id": f"{name.split()[1]} of {department}",
                "user_name": f"leaver{number:02}{department.lower()}",
                "active": False,
                "attributes": dict(
                    zip(("given_name", "family_name", "department"), (*name.split(), department), strict=True)
                ),
            },
        }
        for number, name in enumerate(NAMES)
        for department in ("Sales", "Finance")
    ]
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/cloudevents-batch+json"}
    answer = await page.request.post("/api/events", data=json.dumps(events), headers=headers)
    assert answer.status == 202, await answer.text()


async def _accounts(dev: Dev, connector: Connector) -> None:
    """One account of each name, switched off long ago, of which nothing but name and department is known."""
    async with dev.organisation() as nordwerk, await nordwerk.guard(connector) as guard:
        for number, name in enumerate(NAMES):
            first, last = name.split()
            values = {"login": f"leaver-{number:02}", "first_name": first, "last_name": last, "department": "Sales"}
            await guard.create("user", values, active=False)


async def _rows(dev: Dev, statement: str, connector: Connector) -> Sequence[dict[str, Any]]:
    async with dev.organisation() as nordwerk:
        return await nordwerk.rows(statement, connector.id)


async def _run(dev: Dev, connector: Connector) -> None:
    """A run to its end, and whatever follows from it."""
    await dev.provisiond("recon", "run", connector.name)
    async with dev.organisation() as nordwerk:
        await eventually(nordwerk.is_done, timeout=60, interval=0.3)


async def _answer(page: Page, keys: Keys) -> list[str]:
    """Go through what is open, the newest first; whose accounts were asked about."""
    asked = []
    while found := re.match(r"Whose account is (.+)\?$", await page.locator("h1").inner_text()):
        name = found[1]
        if name not in NAMES:
            break  # older questions of the demo
        asked.append(name)
        before = page.url
        await expect(page.locator("label.answer").first).to_contain_text("%")
        await keys.press({NOBODYS: "b", SECOND: "2"}.get(name, "1"), "Enter")
        await expect(page).not_to_have_url(before)
        if len(asked) == 1:  # that was too quick: taken back, and answered again
            await keys.press("u")
            await expect(page.locator("#toast")).to_contain_text("Taken back")
            await expect(page.locator("h1")).to_contain_text(name)
            await keys.press("1", "Enter")
            await expect(page).not_to_have_url(re.compile(before.partition("?")[0]))
    return asked


async def test_a_person_answers_a_dozen_cases_by_keys_and_is_asked_again_only_when_something_changed(
    signed_in: Page, dev: Dev
) -> None:
    page, keys = signed_in, Keys(signed_in)
    async with dev.organisation() as nordwerk:
        connector = next(one for target, one in await nordwerk.targets() if target.name == "warehouse-app")
    where = f"{LIST}?connector_id={connector.id}"
    [before] = await _rows(dev, OPEN, connector)
    await _leavers(dev, page)
    await _accounts(dev, connector)
    await _run(dev, connector)

    # a dozen questions, two keys each; the first answer is taken back and given again by three more
    await page.goto(where)
    await page.locator("tr[data-row] a.subject").first.click()
    asked = await _answer(page, keys)
    assert sorted(asked) == sorted(NAMES)
    assert keys.pressed == 2 * len(NAMES) + 3

    # everybody has their account, as it was answered
    owners = {row["name"]: row for row in await _rows(dev, OWNERS, connector)}
    said = {name: None if name == NOBODYS else "Finance" if name == SECOND else "Sales" for name in NAMES}
    assert {name: owners[name.split()[1]]["external_id"] for name in NAMES} == {
        name: f"{name.split()[1]} of {where_}" if where_ else None for name, where_ in said.items()
    }

    # the next run asks nothing and finds nothing but the account that is nobody's
    await _run(dev, connector)
    assert await _rows(dev, OPEN, connector) == [before]
    assert [row["discrepancy_type"] for row in await _rows(dev, FOUND, connector)] == ["orphan"]

    # which says something new of itself, and is asked about again
    async with dev.organisation() as nordwerk, await nordwerk.guard(connector) as guard:
        [nobodys] = [
            one for one in await nordwerk.listed(connector) if one.attributes.get("last_name") == NOBODYS.split()[1]
        ]
        await guard.update("user", nobodys.uid, {"department": "Finance", "title": "Clerk"}, active=None)
    await _run(dev, connector)
    await page.goto(where)
    await page.locator("tr[data-row] a.subject").first.click()
    await expect(page.locator("h1")).to_have_text(f"Whose account is {NOBODYS}?")
    await expect(page.locator("#main")).to_contain_text("changed since")
    await keys.press("1", "Enter")
    await expect(page.locator("#toast")).to_contain_text("Linked")
    assert await _rows(dev, OPEN, connector) == [before]
