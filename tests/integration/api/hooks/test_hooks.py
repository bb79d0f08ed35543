"""Hooks themselves: who may do what with them, and what nobody may."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from tests.integration.actions.conftest import Works
from tests.integration.api.conftest import Client
from tests.integration.api.hooks.conftest import NAMES, Editor
from worker.store import hook_stats, hooks
from worker.store.hook_stats import Counted, Key
from worker.store.tenant import tenant


async def test_a_hook_is_made_listed_described_and_deleted(client: Client, editor: Editor, works: Works) -> None:
    hook_id = await editor.hook("names", NAMES)
    await editor.hook("other")

    _, listed = await client.get("/api/hooks?q=AME", role="viewer")
    _, changed = await client.call(
        "PATCH", f"/api/hooks/{hook_id}", role="admin", json={"name": "logins", "description": "Names people."}
    )
    deleted, _ = await client.call("DELETE", f"/api/hooks/{hook_id}", role="admin")
    gone, problem = await client.get(f"/api/hooks/{hook_id}")

    assert (listed["total"], listed["limit"], listed["offset"]) == (1, 20, 0)
    [found] = listed["hooks"]
    assert (found["id"], found["kind"], found["active_version"], found["latest_version"]) == (hook_id, "hook", 1, 1)
    assert (changed["name"], changed["description"]) == ("logins", "Names people.")
    assert changed["version"] > found["version"]
    assert (deleted, gone, problem["error"]) == (204, 404, "not_found")
    left = await works.rows(
        "SELECT 1 FROM hook_versions UNION ALL SELECT 1 FROM hook_activations UNION ALL SELECT 1 FROM hook_tests"
    )
    assert left == []


async def test_what_one_did_not_see_is_not_overwritten(client: Client, editor: Editor) -> None:
    hook_id = await editor.hook("names")
    path = f"/api/hooks/{hook_id}"
    headers = {"If-Match": '"1"'}
    first, _ = await client.call("PATCH", path, role="admin", json={"description": "a"}, headers=headers)

    second, problem = await client.call("PATCH", path, role="admin", json={"description": "b"}, headers=headers)
    malformed, _ = await client.call("DELETE", path, role="admin", headers={"If-Match": "1"})
    third, _ = await client.call("DELETE", path, role="admin", headers={"If-Match": '"2"'})

    assert (first, second, malformed, third) == (200, 412, 422, 204)
    assert (problem["error"], problem["version"]) == ("outdated", 2)


async def test_of_many_who_saw_the_same_one_is_heard(client: Client, editor: Editor) -> None:
    path = f"/api/hooks/{await editor.hook('names')}"
    headers = {"If-Match": '"1"'}

    found = await asyncio.gather(
        *(
            client.call("PATCH", path, role="admin", json={"description": str(n)}, headers=dict(headers))
            for n in range(5)
        )
    )

    assert sorted(status for status, _ in found) == [200, 412, 412, 412, 412]


async def test_an_answer_carries_the_etag_of_its_version(client: Client, editor: Editor) -> None:
    hook_id = await editor.hook("names")
    headers = {"Authorization": f"Bearer {client.tokens['viewer']}"}

    async with client.session.get(f"{client.base}/api/hooks/{hook_id}", headers=headers) as answer:
        assert answer.headers["ETag"] == f'"{(await answer.json())["version"]}"'


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param({"name": "names"}, 409, id="taken"),
        pytest.param({"name": "  "}, 422, id="empty"),
        pytest.param({"name": "a\nb"}, 422, id="two lines"),
        pytest.param({"name": "a\0b"}, 422, id="NUL"),
        pytest.param({"name": "x", "description": "\ud800"}, 422, id="half a character"),
        pytest.param({"name": "no spaces", "kind": "library"}, 422, id="a library that cannot be loaded"),
        pytest.param({"name": "a/../../x", "kind": "library"}, 422, id="a library outside its folder"),
        pytest.param({"name": "a/./x", "kind": "library"}, 422, id="a library by a second name"),
        pytest.param({"name": "a//x", "kind": "library"}, 422, id="a library in a folder without a name"),
        pytest.param({"name": "x", "kind": "macro"}, 422, id="unknown kind"),
        pytest.param({"name": "x", "source": NAMES}, 422, id="unknown field"),
    ],
)
async def test_a_hook_that_cannot_be_is_refused(client: Client, editor: Editor, body: object, status: int) -> None:
    await editor.hook("names")

    found, problem = await client.post("/api/hooks", body, role="admin")

    assert (found, bool(problem["message"])) == (status, True)


async def test_roles_decide_who_configures_and_who_tries(client: Client, editor: Editor) -> None:
    hook_id = await editor.hook("names", NAMES)
    trial = {"function": "before_create", "context": {"identity": {"given_name": "Kim"}}}
    configures = [
        ("POST", "", {"name": "x"}),
        ("PATCH", f"/{hook_id}", {"description": "x"}),
        ("DELETE", f"/{hook_id}", None),
        ("POST", f"/{hook_id}/versions", {"source": NAMES}),
        ("POST", f"/{hook_id}/versions/1/activate", None),
        ("POST", f"/{hook_id}/tests", {"name": "t", "function": "before_create"}),
        ("POST", f"/{hook_id}/bindings", {"connector_id": str(uuid4()), "phase": "before"}),
    ]
    tries = [("POST", "/validate", {"source": NAMES}), ("POST", f"/{hook_id}/test", trial)]
    reads = [("GET", "", None), ("GET", f"/{hook_id}/versions/1", None), ("GET", f"/{hook_id}/tests", None)]

    async def statuses(calls: list[tuple[str, str, object]], role: str) -> set[int]:
        return {(await client.call(how, f"/api/hooks{path}", role=role, json=body))[0] for how, path, body in calls}

    assert await statuses(configures, "operator") == {403}
    assert await statuses(tries, "operator") == {200}
    assert await statuses(tries, "viewer") == {403}
    assert await statuses(reads, "viewer") == {200}
    assert await statuses([*reads, *tries], "ingest") == {403}


async def test_a_bound_hook_is_not_deleted(client: Client, editor: Editor) -> None:
    hook_id = await editor.hook("names", NAMES)
    binding = await editor.bound(hook_id)

    refused, problem = await client.call("DELETE", f"/api/hooks/{hook_id}", role="admin")
    await editor.send("DELETE", f"/{hook_id}/bindings/{binding['id']}")
    deleted, _ = await client.call("DELETE", f"/api/hooks/{hook_id}", role="admin")

    assert (refused, deleted) == (409, 204)
    assert "bound" in problem["message"]


async def test_a_suspended_hook_is_resumed_by_an_operator(client: Client, editor: Editor, works: Works) -> None:
    hook_id = await editor.hook("names", NAMES)
    async with tenant(works.house.pool, works.tenant_id) as conn:
        await hooks.suspend(conn, tenant_id=works.tenant_id, hook_id=UUID(hook_id), reason="It loops.")
    _, suspended = await client.get("/api/hooks?suspended=true")

    resumed, hook = await client.post(f"/api/hooks/{hook_id}/resume")
    again, problem = await client.post(f"/api/hooks/{hook_id}/resume")

    assert [each["suspended_reason"] for each in suspended["hooks"]] == ["It loops."]
    assert (resumed, hook["suspended_at"]) == (200, None)
    assert (again, problem["error"]) == (409, "wrong_state")
    actions = await works.rows("SELECT action FROM audit WHERE object_id = $1 ORDER BY n", hook_id)
    assert [row["action"] for row in actions] == ["hook.create", "hook.version", "hook.activate", "hook.resume"]


async def test_a_source_is_checked_and_not_stored(client: Client, works: Works) -> None:
    sound, good = await client.post("/api/hooks/validate", {"source": NAMES})
    broken, bad = await client.post("/api/hooks/validate", {"source": "def before_create(ctx):\n  return 1 +\n"})
    hostile, deep = await client.post("/api/hooks/validate", {"source": "x = " + "-" * 60_000 + "1"})
    large, problem = await client.post("/api/hooks/validate", {"source": "x" * 100_001})

    assert (sound, good["ok"], good["functions"], good["diagnostics"]) == (200, True, ["before_create"], [])
    [first] = bad["diagnostics"]
    assert (broken, bad["ok"], first["severity"], first["code"], first["line"]) == (
        200,
        False,
        "error",
        "hook.syntax",
        2,
    )
    assert (hostile, deep["ok"]) == (200, False)
    assert (large, problem["error"]) == (422, "invalid_request")
    assert await works.rows("SELECT 1 FROM hooks") == []


async def test_a_query_that_means_nothing_is_refused(client: Client) -> None:
    for query in ("suspendet=true", "kind=macro", "limit=0", "limit=101", "connector_id=x"):
        status, _ = await client.get(f"/api/hooks?{query}")
        assert status == 422, query


async def test_lists_and_statistics_tell_how_a_hook_fares(client: Client, editor: Editor, works: Works) -> None:
    hook_id = await editor.hook("names", NAMES, NAMES + "# again\n")
    minute = datetime.now(UTC).replace(second=0, microsecond=0)
    well, badly = Counted(), Counted()
    for took in (100, 100, 5000):
        well.add(took, at=minute)
    badly.add(900, at=minute, error={"class": "hook.fail", "message": "no"})
    counted = {Key(UUID(hook_id), minute, 1, "ok"): well, Key(UUID(hook_id), minute, 2, "hook.fail"): badly}
    async with tenant(works.house.pool, works.tenant_id) as conn:
        await hook_stats.add(conn, works.tenant_id, counted)

    _, listed = await client.get("/api/hooks", role="viewer")
    _, stats = await client.get(f"/api/hooks/{hook_id}/stats?hours=1", role="viewer")
    wrong, _ = await client.get(f"/api/hooks/{hook_id}/stats?hours=0")

    health = listed["hooks"][0]["health"]
    assert (health["calls"], health["errors"]) == (4, {"hook.fail": 1})
    assert 64 <= health["p50_us"] <= 128 < health["p99_us"] <= 8192
    assert health["last_error"]["message"] == "no"
    assert [(each["version"], each["calls"]) for each in stats["versions"]] == [(2, 1), (1, 3)]
    assert wrong == 422


async def test_the_reference_names_functions_events_and_fields(client: Client) -> None:
    status, found = await client.get("/api/hooks/functions", role="viewer")
    unknown, _ = await client.get("/api/hooks/functions?api=2", role="viewer")

    functions = {each["name"]: each for each in found["functions"]}
    assert (status, found["api"], unknown) == (200, 1, 422)
    assert functions["text.ascii"]["examples"][0]["result"] == '"Joerg Muessig"'
    assert functions["reject"]["summary"]
    assert {"before_create", "on_error", "correlate"} <= set(found["events"])
    assert {"identity", "attributes", "params"} <= {each["name"] for each in found["fields"]}


async def test_every_route_is_described(client: Client) -> None:
    _, described = await client.get("/api/openapi.json")
    routes = {
        f"{method.upper()} {path}": route
        for path, methods in described["paths"].items()
        if path.startswith("/api/hooks")
        for method, route in methods.items()
    }

    assert len(routes) > 25
    for name, route in routes.items():
        [answer] = [each for status, each in route["responses"].items() if status.startswith("2")]
        assert route["summary"] != name
        assert " " in route["summary"], name
        assert "204" in route["responses"] or "$ref" in answer["content"]["application/json"]["schema"], name
