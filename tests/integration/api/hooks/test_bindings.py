"""Bindings: around which operations a hook runs, and what is no binding."""

from typing import Any
from uuid import uuid4

import pytest

from tests.integration.actions.conftest import Works
from tests.integration.api.conftest import Client
from tests.integration.api.hooks.conftest import NAMES, Editor
from worker.domain.hook import FailurePolicy
from worker.store import hooks
from worker.store.tenant import tenant


async def test_a_binding_is_made_changed_and_deleted(client: Client, editor: Editor, works: Works) -> None:
    hook_id = await editor.hook("names", NAMES)
    made = await editor.bound(
        hook_id, operation_types=["create"], position=3, budget_ms=100, params={"n": 1}, permissions=["secrets"]
    )
    path = f"/api/hooks/{hook_id}/bindings"
    body = {"connector_id": made["connector_id"], "phase": "after", "enabled": False}
    headers = {"If-Match": '"1"'}

    changed, after = await client.call("PUT", f"{path}/{made['id']}", role="admin", json=body, headers=headers)
    outdated, _ = await client.call("PUT", f"{path}/{made['id']}", role="admin", json=body, headers=headers)
    _, listed = await client.get(path, role="viewer")
    deleted, _ = await client.call("DELETE", f"{path}/{made['id']}", role="admin")

    assert (made["on_error"], made["operation_types"], made["permissions"]) == ("fail", ["create"], ["secrets"])
    assert (made["connector_name"], made["version"]) == (works.connector.name, 1)
    assert (changed, outdated, deleted) == (200, 412, 204)
    assert (after["on_error"], after["operation_types"]) == ("skip_hook", ["create", "update", "delete"])
    assert listed["bindings"] == [after]
    assert await works.rows("SELECT 1 FROM bindings") == []


async def test_a_hook_that_says_whose_accounts_are_is_bound_around_no_operation(
    client: Client, editor: Editor, works: Works
) -> None:
    """To a process of the version before it is one before a change of no kind, which it never runs."""
    hook_id = await editor.hook("owners", 'def correlate(ctx):\n    return ["4711"]\n')
    made = await editor.bound(hook_id, phase="correlate", object_class="person", params={"prefix": "x-"})
    path = f"/api/hooks/{hook_id}/bindings"
    stored = await works.rows("SELECT phase, operation_types, is_correlating FROM bindings")
    headers = {"If-Match": '"1"'}
    again = {"connector_id": made["connector_id"], "phase": "correlate", "on_error": "skip_hook", "operation_types": []}
    changed, after = await client.call("PUT", f"{path}/{made['id']}", role="admin", json=again, headers=headers)
    deleted, _ = await client.call("DELETE", f"{path}/{made['id']}", role="admin")

    assert (made["phase"], made["operation_types"], made["on_error"]) == ("correlate", [], "fail")
    assert "is never asked about them" in made["warning"]
    assert [tuple(row) for row in stored] == [("before", [], True)]
    assert (changed, deleted) == (200, 204)
    assert (after["phase"], after["operation_types"], after["on_error"]) == ("correlate", [], "skip_hook")


async def test_a_binding_is_for_the_connectors_object_class_and_warns_of_another(editor: Editor, works: Works) -> None:
    await works.rows("UPDATE connectors SET object_class = 'person'")
    hook_id = await editor.hook("names", NAMES)

    usual = await editor.bound(hook_id)
    other = await editor.bound(hook_id, object_class="user")

    assert (usual["object_class"], usual["warning"]) == ("person", None)
    assert "'person'" in other["warning"]
    assert "'user'" in other["warning"]


async def test_hooks_run_where_they_are_bound_and_enabled(editor: Editor, works: Works) -> None:
    hook_id = await editor.hook("names", NAMES)
    await editor.bound(hook_id, position=2, on_error="quarantine", permissions=["secrets"])
    await editor.bound(hook_id, position=1)
    await editor.bound(hook_id, enabled=False)

    async with tenant(works.house.pool, works.tenant_id) as conn:
        found = await hooks.bound(conn, tenant_id=works.tenant_id, connector_ids=[works.connector.id])

    first, second = [each.binding for each in found[works.connector.id]]
    assert [first.position, second.position] == [1, 2]
    assert (second.on_error, second.permissions) == (FailurePolicy.QUARANTINE, ("secrets",))


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        pytest.param({"connector_id": str(uuid4())}, 404, id="no such connector"),
        pytest.param({"phase": "during"}, 422, id="no such phase"),
        pytest.param({"operation_types": []}, 422, id="for nothing"),
        pytest.param({"operation_types": ["rename"]}, 422, id="no such operation"),
        pytest.param({"budget_ms": 5001}, 422, id="too long"),
        pytest.param({"position": -1}, 422, id="before all"),
        pytest.param({"on_error": "shrug"}, 422, id="no such policy"),
        pytest.param({"permissions": ["root"]}, 422, id="no such permission"),
        pytest.param({"object_class": "  "}, 422, id="no object class"),
        pytest.param({"params": {"x": "y" * 20_000}}, 422, id="too many parameters"),
        pytest.param({"params": {"x": "\0"}}, 422, id="NUL"),
        pytest.param({"parms": {}}, 422, id="unknown field"),
    ],
)
async def test_what_is_no_binding_is_refused(
    client: Client, editor: Editor, fields: dict[str, Any], status: int
) -> None:
    hook_id = await editor.hook("names")
    body = {"connector_id": str(editor.connector_id), "phase": "before", **fields}

    found, problem = await client.post(f"/api/hooks/{hook_id}/bindings", body, role="admin")

    assert (found, bool(problem["message"])) == (status, True)
