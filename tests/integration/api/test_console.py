"""Every page of the console over a real house, and its acts."""

import re
from typing import Any

import pytest

from tests.factories import an_operation
from tests.integration.actions.conftest import Works
from tests.integration.api.conftest import Client
from worker.domain.operation import Origin
from worker.store.tenant import tenant


@pytest.fixture
async def busy(works: Works) -> Works:
    """Something of everything: done, dead, waiting, found, asked and held."""
    await works.table.execute(
        "INSERT INTO people (login, mail, given, family) VALUES "
        "('x4711', NULL, 'Saskia', 'van Dijk'), ('zz9', 'zz9@nowhere.example', 'Zoe', 'Zimmer')"
    )
    await works.table.execute("ALTER TABLE people ADD CHECK (mail NOT LIKE '%@bad.example')")
    await works.reconcile()
    await works.hire(
        ("Kim", "Berg", "kim@example.org"),
        ("Lou", "Anders", "lou@bad.example"),
        ("Saskia", "van Dijk", "saskia.vandijk@example.org"),
    )
    await works.work(until="SELECT count(*) = 1 AND min(status) = 'awaiting_system' FROM operations")
    await works.table.execute("UPDATE people SET mail = 'wrong@x' WHERE login = 'kim'")
    await works.reconcile()
    return works


async def test_every_page_opens(browser: Client, busy: Works) -> None:
    ids = {
        "operation": await busy.value("SELECT id FROM operations"),
        "dead": await busy.value("SELECT id FROM dead_letters"),
        "done": await busy.value("SELECT id FROM operations_archive LIMIT 1"),
        "case": await busy.value("SELECT id FROM cases WHERE status = 'open' LIMIT 1"),
        "identity": await busy.value("SELECT id FROM identities WHERE user_name = 'kim'"),
        "run": await busy.value("SELECT id FROM runs ORDER BY id DESC LIMIT 1"),
        "connector": busy.connector.id,
        "finding": await busy.value("SELECT id FROM discrepancies WHERE discrepancy_type = 'mismatch' LIMIT 1"),
    }
    pages = (
        "/",
        "/connectors",
        "/connectors/{connector}",
        "/connectors/operations",
        "/connectors/operations?status=awaiting_system&q=sas",
        "/connectors/operations/dlq",
        "/connectors/operations/{operation}",
        "/connectors/operations/{dead}",
        "/connectors/operations/{done}",
        "/connectors/{connector}/reconciliation",
        "/connectors/{connector}/reconciliation/runs/{run}",
        "/connectors/{connector}/reconciliation/discrepancies",
        "/connectors/{connector}/reconciliation/runs/{run}/changes",
        "/connectors/{connector}/reconciliation/discrepancies/{finding}",
        "/connectors/{connector}/reconciliation/discrepancies/remediate?id={finding}",
        "/approvals",
        "/correlation/cases",
        "/connectors/reconciliation",
        "/connectors/reconciliation?days=90&connector_id={connector}",
        "/connectors/{connector}/reconciliation/causes",
        "/correlation/cases/{case}",
        "/identities",
        "/identities?q=ki",
        "/identities/{identity}",
        "/audit",
    )
    for page in pages:
        status, body = await browser.get(page.format(**ids))

        assert status == 200, (page, body[:2000])
        assert "Traceback" not in body


async def test_an_act_in_the_console_is_done_and_said(browser: Client, busy: Works) -> None:
    dead = await busy.value("SELECT id FROM dead_letters")
    _, page = await browser.get(f"/connectors/operations/ask/resolve?id={dead}")
    csrf = re.search(r'name="csrf"[^>]*value="([^"]+)"', page)
    assert csrf is not None
    form = {"csrf": csrf[1], "id": str(dead), "notes": "done by hand", "back": "/connectors/operations/dlq"}

    status, answer = await browser.call("POST", "/connectors/operations/act/resolve", data=form)
    _, again = await browser.call("POST", "/connectors/operations/act/resolve", data=form)

    assert (status, "1 operation resolved." in answer) == (200, True)
    assert "Nothing was done" in again
    assert await busy.value("SELECT resolution_notes FROM operations_archive WHERE id = $1", dead) == "done by hand"


async def test_a_case_is_answered_and_the_list_is_left_when_it_was_the_last(browser: Client, busy: Works) -> None:
    case_id = await busy.value("SELECT id FROM cases WHERE status = 'open'")
    _, page = await browser.get(f"/correlation/cases/{case_id}")
    answer = re.search(r'name="choice" value="([^"]+)"', page)
    token = re.search(r'name="csrf" value="([^"]+)"', page)
    assert answer
    assert token
    to, form = f"/correlation/cases/{case_id}/decide", {"csrf": token[1], "choice": answer[1]}

    refused, _ = await browser.call("POST", to, data=form | {"choice": "perhaps"})
    status, onward = await browser.call("POST", to, data=form)
    _, twice = await browser.call("POST", to, data=form)
    _, again = await browser.call("POST", to, data=form | {"choice": "none"})

    assert (refused, status) == (422, 200)
    assert "<title>Cases" in onward
    assert "Linked; whatever waited for the answer goes on." in onward
    assert "Linked; whatever waited for the answer goes on." in twice
    assert "Nothing was done" in again or "already" in again
    assert await busy.value("SELECT status FROM cases") == "confirmed"


async def test_the_console_approves_what_it_has_shown_and_no_more(browser: Client, works: Works) -> None:
    await works.reconcile()
    await works.hire(*((f"G{n}", f"F{n}", f"p{n:02}@example.org") for n in range(13)))
    await works.work()
    rows = await works.rows("SELECT id, uid FROM accounts ORDER BY id")
    await remove(works, rows[:12])
    hold = await works.value("SELECT id FROM approvals")
    _, page = await browser.get(f"/approvals/{hold}/approve")
    await remove(works, rows[12:])
    late = await browser.call("POST", f"/approvals/{hold}/approve", data=form_of(page))
    _, page = await browser.get(f"/approvals/{hold}/approve")
    done = await browser.call("POST", f"/approvals/{hold}/approve", data=form_of(page))

    assert "More has come to be held since you looked" in late[1]
    assert "3 removals approved." in done[1]
    assert await works.value("SELECT status FROM approvals") == "approved"


async def remove(works: Works, accounts: list[Any]) -> None:
    """Ask for the removal of accounts, as planning does."""
    async with tenant(works.house.pool, works.tenant_id) as conn:
        await works.house.acceptance.accept(
            conn,
            tenant_id=works.tenant_id,
            operations=[
                an_operation(works.connector.id, row["id"], operation_type="delete", origin=Origin.EVENT, payload={})
                for row in accounts
            ],
            run_id=None,
            reason="A source lost them.",
        )


def form_of(page: str) -> dict[str, str]:
    """The hidden fields of the question on a page."""
    question = page[page.index('id="main"') :]
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', question))


async def test_what_a_later_version_wrote_is_shown_as_it_is(browser: Client, busy: Works) -> None:
    """Kinds and states that this version does not know break no page, list or number."""
    await busy.rows(
        "UPDATE operations SET operation_type = 'move', status = 'suspended', wait_reason = 'moon', origin = 'tide'"
    )
    strange = await busy.value("SELECT id FROM operations")

    for path in ("/", "/connectors", "/connectors/operations", f"/connectors/operations/{strange}"):
        status, page = await browser.get(path)
        assert status == 200, path
        if "operations" in path:
            assert "Suspended" in page
            assert "move" in page
