"""Versions of a hook: drafts, what they load, what lets them run, and the way back."""

from typing import Any

import pytest

from tests.integration.actions.conftest import Works
from tests.integration.api.conftest import Client
from tests.integration.api.hooks.conftest import NAMES, Editor
from worker.security import Role, create_token
from worker.store import hooks
from worker.store.tenant import tenant

KIM = {"given_name": "Kim"}
SHOUTING = NAMES.replace("text.slug(given)", "given.upper()")
LIBRARY = "def login(given):\n    return text.slug(given)\n"
LOADING = 'load("lib/names", "login")\n\ndef before_create(ctx):\n    return {"set": {"login": login("Kim")}}\n'


async def test_versions_are_drafts_until_one_is_activated(client: Client, editor: Editor) -> None:
    hook_id = await editor.hook("names", NAMES)
    await editor.send("POST", f"/{hook_id}/versions", {"source": SHOUTING, "note": "Louder."})

    _, listed = await client.get(f"/api/hooks/{hook_id}/versions", role="viewer")
    _, draft = await client.get(f"/api/hooks/{hook_id}/versions/2", role="viewer")
    missing, _ = await client.get(f"/api/hooks/{hook_id}/versions/3")

    assert [(each["version"], each["is_active"]) for each in listed["versions"]] == [(2, False), (1, True)]
    assert "source" not in listed["versions"][0]
    assert (draft["source"], draft["note"], draft["functions"]) == (SHOUTING, "Louder.", ["before_create"])
    assert (draft["created_by_name"], draft["libraries"], missing) == ("t-admin", [], 404)


async def test_what_cannot_run_is_not_stored(client: Client, editor: Editor) -> None:
    hook_id = await editor.hook("names")
    for source, code in (
        ("def before_create(ctx):\n  return 1 +\n", "hook.syntax"),
        ("def before_create(ctx):\n  return undefined_name\n", "hook.compile"),
        ("x = 1\n", "hook.no_function"),
        ("#" * 70_000, "hook.limit"),
    ):
        status, problem = await client.post(f"/api/hooks/{hook_id}/versions", {"source": source}, role="admin")

        assert (status, problem["error"], problem["class"]) == (422, "invalid_script", code)
        assert problem["diagnostics"][0]["line"] == problem["line"]
    _, listed = await client.get(f"/api/hooks/{hook_id}/versions")
    assert listed["versions"] == []


async def test_two_versions_are_compared(client: Client, editor: Editor) -> None:
    hook_id = await editor.hook("names", NAMES, SHOUTING)

    _, found = await client.get(f"/api/hooks/{hook_id}/versions/1/diff/2", role="viewer")
    _, same = await client.get(f"/api/hooks/{hook_id}/versions/2/diff/2", role="viewer")

    changed = [line for line in found["diff"].splitlines() if line[:1] in "+-"]
    assert changed[:2] == ["--- version 1", "+++ version 2"]
    assert [line[0] for line in changed[2:]] == ["-", "+"]
    assert "upper()" in changed[3]
    assert same["diff"] == ""


async def test_activating_is_recorded_with_who_and_what(client: Client, editor: Editor, works: Works) -> None:
    hook_id = await editor.hook("names", NAMES, SHOUTING)

    back, done = await client.post(f"/api/hooks/{hook_id}/versions/1/activate", role="admin")
    _, listed = await client.get(f"/api/hooks/{hook_id}/versions/activations", role="viewer")

    assert (back, done["version"], done["previous"]) == (200, 1, 2)
    rows = await works.rows("SELECT version, activated_by FROM hook_activations ORDER BY activated_at")
    assert [row["version"] for row in rows] == [2, 1]
    assert [(each["version"], each["activated_by_name"]) for each in listed["activations"]] == [
        (1, "t-admin"),
        (2, "t-admin"),
    ]
    [entry] = await works.rows(
        "SELECT actor_id, details FROM audit WHERE action = 'hook.activate' ORDER BY n DESC LIMIT 1"
    )
    assert entry["actor_id"] == rows[-1]["activated_by"]
    assert (entry["details"]["previous"], entry["details"]["forced"]) == (2, False)
    assert "-" in entry["details"]["diff"]


async def test_a_version_that_fails_its_tests_is_not_activated_unless_forced(client: Client, editor: Editor) -> None:
    hook_id = await editor.hook("names", NAMES)
    await editor.saved(hook_id, "kim", {"set": {"login": "kim"}}, identity=KIM)
    await editor.saved(hook_id, "nobody", {"reject": {"code": "nameless"}})
    await editor.version(hook_id, SHOUTING)
    path = f"/api/hooks/{hook_id}/versions/2/activate"

    refused, problem = await client.post(path, role="admin")
    _, hook = await client.get(f"/api/hooks/{hook_id}")
    forced, done = await client.post(path, {"force": True}, role="admin")

    assert (refused, problem["error"], hook["active_version"]) == (422, "saved_tests_failed", 1)
    [failed] = problem["tests"]
    assert (failed["name"], failed["mismatches"]) == ("kim", ['set.login is "KIM", expected "kim"'])
    assert (forced, [each["ok"] for each in done["tests"]]) == (200, [False, True])


async def test_an_activation_of_what_changed_meanwhile_is_refused(client: Client, editor: Editor) -> None:
    hook_id = await editor.hook("names", NAMES, SHOUTING)
    _, hook = await client.get(f"/api/hooks/{hook_id}")
    headers = {"If-Match": f'"{hook["version"]}"'}
    await editor.version(hook_id, NAMES)

    status, problem = await client.post(f"/api/hooks/{hook_id}/versions/1/activate", role="admin", headers=headers)

    assert (status, problem["error"]) == (412, "outdated")


async def test_tests_that_change_while_they_run_are_run_again(
    client: Client, editor: Editor, works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook_id = await editor.hook("names", NAMES, SHOUTING)
    await editor.saved(hook_id, "anybody", {"reject": {}})
    assert works.house.scripts is not None
    run = works.house.scripts.execute_batch

    async def meddled(*args: Any, **options: Any) -> Any:
        monkeypatch.undo()
        await editor.saved(hook_id, "kim", {"set": {"login": "KIM"}}, identity=KIM)
        return await run(*args, **options)

    monkeypatch.setattr(works.house.scripts, "execute_batch", meddled)
    path = f"/api/hooks/{hook_id}/versions/1/activate"

    meanwhile, problem = await client.post(path, role="admin")
    after, _ = await client.post(path, role="admin")

    assert (meanwhile, problem["error"]) == (409, "wrong_state")
    assert after == 422


async def test_a_new_version_needs_a_second_person_where_that_is_wanted(
    client: Client, editor: Editor, works: Works
) -> None:
    hook_id = await editor.hook("names", NAMES)
    await editor.version(hook_id, SHOUTING)
    object.__setattr__(works.house, "two_person_approval", True)
    async with tenant(works.house.pool, works.tenant_id) as conn:
        client.tokens["second"] = await create_token(
            conn, works.tenant_id, name="second", roles=frozenset({Role.ADMIN})
        )

    own, problem = await client.post(f"/api/hooks/{hook_id}/versions/2/activate", role="admin")
    back, _ = await client.post(f"/api/hooks/{hook_id}/versions/1/activate", role="admin")
    second, _ = await client.post(f"/api/hooks/{hook_id}/versions/2/activate", role="second")

    assert (own, back, second) == (403, 200, 200)
    assert "another person" in problem["message"]


async def test_a_script_keeps_the_libraries_it_was_stored_with(client: Client, editor: Editor, works: Works) -> None:
    library = await editor.hook("names", LIBRARY, kind="library")
    hook_id = await editor.hook("logins", LOADING)
    await editor.version(library, LIBRARY.replace("text.slug(given)", "given.upper()"))
    await editor.send("POST", f"/{library}/versions/2/activate")
    await editor.version(hook_id, LOADING)
    trial = {"function": "before_create"}

    _, stored = await client.get(f"/api/hooks/{hook_id}/versions/1")
    _, old = await client.post(f"/api/hooks/{hook_id}/test", trial)
    _, new = await client.post(f"/api/hooks/{hook_id}/test", {**trial, "version": 2})
    _, draft = await client.post(f"/api/hooks/{hook_id}/test", {**trial, "source": LOADING})

    assert [(each["name"], each["version"]) for each in stored["libraries"]] == [("names", 1)]
    assert [each["result"]["set"]["login"] for each in (old, new, draft)] == ["kim", "KIM", "KIM"]
    await editor.bound(hook_id)
    async with tenant(works.house.pool, works.tenant_id) as conn:
        bound = await hooks.bound(conn, tenant_id=works.tenant_id, connector_ids=[works.connector.id])
    [active] = bound[works.connector.id]
    assert [(each.name, each.source) for each in active.script.libraries] == [("names", LIBRARY)]
    assert active.script.sha == stored["sha"]


@pytest.mark.parametrize(
    ("libraries", "source", "said"),
    [
        pytest.param({}, LOADING, "the library names is missing", id="missing"),
        pytest.param({"names": ()}, LOADING, "the library names is missing", id="never activated"),
        pytest.param({"names": (LIBRARY,)}, LOADING.replace('"login")', '"logon")'), "logon", id="a name it lacks"),
    ],
)
async def test_what_cannot_be_loaded_is_named(
    client: Client, editor: Editor, libraries: dict[str, tuple[str, ...]], source: str, said: str
) -> None:
    for name, sources in libraries.items():
        await editor.hook(name, *sources, kind="library")
    hook_id = await editor.hook("logins")

    status, problem = await client.post(f"/api/hooks/{hook_id}/versions", {"source": source}, role="admin")

    assert status == 422
    assert said in problem["message"]


async def test_libraries_that_load_each_other_are_refused(client: Client, editor: Editor) -> None:
    first = await editor.hook("first", LIBRARY, kind="library")
    await editor.hook("second", 'load("lib/first", "login")\nname = login\n', kind="library")

    status, problem = await client.post(
        f"/api/hooks/{first}/versions", {"source": 'load("lib/second", "name")\nlogin = name\n'}, role="admin"
    )

    assert status == 422
    assert "first -> second -> first" in problem["message"]


async def test_a_library_in_use_keeps_its_name_and_stays(client: Client, editor: Editor) -> None:
    library = await editor.hook("names", LIBRARY, kind="library")
    await editor.hook("logins", LOADING)
    path = f"/api/hooks/{library}"
    _, shown = await client.get(path)

    renamed, problem = await client.call("PATCH", path, role="admin", json={"name": "people"})
    described, _ = await client.call("PATCH", path, role="admin", json={"description": "Names."})
    deleted, _ = await client.call("DELETE", path, role="admin")
    bound, _ = await client.post(
        f"{path}/bindings", {"connector_id": str(editor.connector_id), "phase": "before"}, role="admin"
    )
    tested, _ = await client.post(f"{path}/tests", {"name": "t", "function": "before_create"}, role="admin")

    assert (renamed, described, deleted, bound, tested) == (409, 200, 409, 422, 422)
    assert "logins" in problem["message"]
    assert shown["loaded_by"] == ["logins"]


async def test_a_process_without_a_sandbox_says_so(client: Client, editor: Editor, works: Works) -> None:
    hook_id = await editor.hook("names")
    object.__setattr__(works.house, "scripts", None)

    status, problem = await client.post(f"/api/hooks/{hook_id}/versions", {"source": NAMES}, role="admin")

    assert (status, "runs no scripts" in problem["message"]) == (503, True)
