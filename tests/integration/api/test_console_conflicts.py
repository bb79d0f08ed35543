"""Conflicts on the pages of the console, over a real house."""

from uuid import uuid4

from tests.factories import accounts, an_operation, enqueue
from tests.integration.actions.conftest import Works
from tests.integration.api.conftest import Client
from tests.integration.api.test_console import form_of

PAGE = "/connectors/conflicts"


async def test_a_conflict_is_shown_and_settled(browser: Client, works: Works) -> None:
    await works.rows("UPDATE connectors SET settings = $1 RETURNING id", {"conflict_strategy": "manual"})
    (account,) = await accounts(works.house.pool, works.tenant_id, works.connector.id, 1)
    for mail in ("a@example.org", "b@example.org"):
        payload = {"attributes": {"mail": mail, "password": "hunter2"}}
        operation = an_operation(works.connector.id, account, payload=payload)
        await enqueue(works.house.pool, works.tenant_id, operation)
    conflict_id = await works.value("SELECT id FROM conflicts")

    _, listed = await browser.get(PAGE)
    _, page = await browser.get(f"{PAGE}/{conflict_id}")
    _, question = await browser.get(f"{PAGE}/{conflict_id}/resolve")

    assert f"{PAGE}/{conflict_id}" in listed
    assert "a@example.org" in page
    assert "b@example.org" in page
    assert "hunter2" not in page
    assert "The newer counts" in question
    form = {**form_of(question), "outcome": "rejected", "notes": "The ticket says so."}
    _, said = await browser.call("POST", f"{PAGE}/{conflict_id}/resolve", data=form)
    _, again = await browser.call("POST", f"{PAGE}/{conflict_id}/resolve", data=form)
    _, page = await browser.get(f"{PAGE}/{conflict_id}")

    assert "Settled: rejected" in said
    assert "settled before" in again
    assert "The ticket says so." in page
    assert f"{conflict_id}/resolve" not in page


async def test_a_conflict_that_is_not_there_says_so(browser: Client) -> None:
    status, page = await browser.get(f"{PAGE}/{uuid4()}")

    assert status == 404
    assert "no such conflict" in page
