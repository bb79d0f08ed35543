"""Lists and pages show what a later version has written beside all else, as it calls it."""

from uuid import UUID

import pytest

from tests.integration.actions.conftest import Works
from tests.integration.api.conftest import Client
from worker.store.tenant import tenant


async def rewrite(works: Works, **words: str) -> UUID:
    """Say of the one live operation what only a later version says; its id."""
    async with tenant(works.house.pool, works.tenant_id) as conn:
        changes = ", ".join(f"{name} = '{word}'" for name, word in words.items())
        found = await conn.fetchval(
            f"UPDATE operations SET {changes} WHERE tenant_id = $1 RETURNING id", works.tenant_id
        )
    assert isinstance(found, UUID)
    return found


@pytest.mark.parametrize(
    "words",
    [
        pytest.param({"operation_type": "move"}, id="kind"),
        pytest.param({"status": "suspended"}, id="state"),
        pytest.param({"origin": "hearsay"}, id="origin"),
        pytest.param({"status": "awaiting_system", "wait_reason": "moon"}, id="reason to wait"),
    ],
)
async def test_operations_of_a_later_version_are_shown(client: Client, works: Works, words: dict[str, str]) -> None:
    await works.reconcile()
    await works.hire(("Kim", "Berg", "kim@example.org"))
    strange = await rewrite(works, **words)

    listed, page = await client.get("/api/operations")
    shown, _ = await client.get(f"/api/operations/{strange}")
    counted, _ = await client.get("/api/operations/stats")

    assert (listed, shown, counted) == (200, 200, 200)
    assert str(strange) in {each["id"] for each in page["operations"]}
