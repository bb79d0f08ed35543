"""Trying scripts: on a context, and on what was saved as tests. Nothing is written by it."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from tests.integration.actions.conftest import Works
from tests.integration.api.conftest import Client
from tests.integration.api.hooks.conftest import NAMES, Editor
from worker.store import hook_records
from worker.store.hook_records import Recorded
from worker.store.tenant import tenant

KIM = {"identity": {"given_name": "Kim"}, "attributes": {"login": "k", "mail": "kim@example.org"}}
ANY = """
def before_create(ctx):
    print("asked for", ctx["identity"]["given_name"])
    return {body}
"""


async def test_a_trial_shows_what_a_function_would_change(client: Client, editor: Editor) -> None:
    hook_id = await editor.hook("names", NAMES)
    source = ANY.format(body='{"set": {"login": "kim"}, "unset": ["mail"], "tags": {"by": "hook"}}')
    trial = {"function": "before_create", "context": KIM, "source": source}

    status, found = await client.post(f"/api/hooks/{hook_id}/test", trial)

    assert (status, found["ok"], found["function"], found["failure"]) == (200, True, "before_create", None)
    assert found["result"] == found["patch"]
    assert found["patch"] == {"set": {"login": "kim"}, "unset": ["mail"], "tags": {"by": "hook"}}
    assert found["changes"] == {
        "login": {"before": "k", "after": "kim"},
        "mail": {"before": "kim@example.org", "after": None},
    }
    assert found["logs"] == ["asked for Kim"]
    assert found["duration_us"] > 0


@pytest.mark.parametrize(
    ("body", "result"),
    [
        pytest.param("None", {}, id="no change"),
        pytest.param('reject("no", code = "late")', {"reject": {"reason": "no", "code": "late"}}, id="reject"),
        pytest.param('skip("not yet")', {"skip": {"reason": "not yet"}}, id="skip"),
        pytest.param('{"unique": {"login": ["a", "b"]}}', {"unique": {"login": ["a", "b"]}}, id="unique"),
    ],
)
async def test_a_trial_tells_each_kind_of_answer(
    client: Client, editor: Editor, body: str, result: dict[str, Any]
) -> None:
    hook_id = await editor.hook("names")
    trial = {"function": "before_create", "context": KIM, "source": ANY.format(body=body)}

    _, found = await client.post(f"/api/hooks/{hook_id}/test", trial)

    assert (found["ok"], found["result"]) == (True, result)


@pytest.mark.parametrize(
    ("body", "hook_class"),
    [
        pytest.param('ctx["missing"]', "hook.script", id="error"),
        pytest.param('fail("no")', "hook.fail", id="fail"),
        pytest.param("[1]", "hook.result", id="nonsense"),
        pytest.param("max(range(2147483647))", "hook.timeout", id="hangs"),
    ],
)
async def test_how_a_script_fails_is_an_answer(client: Client, editor: Editor, body: str, hook_class: str) -> None:
    hook_id = await editor.hook("names")
    trial = {"function": "before_create", "context": KIM, "source": ANY.format(body=body), "budget_ms": 50}

    status, found = await client.post(f"/api/hooks/{hook_id}/test", trial)

    assert (status, found["ok"], found["result"]) == (200, False, None)
    assert found["failure"]["class"] == hook_class
    assert found["failure"]["message"]
    if hook_class in {"hook.script", "hook.fail"}:
        assert found["failure"]["line"] == 4
        assert found["logs"] == ["asked for Kim"]


@pytest.mark.parametrize(
    "trial",
    [
        pytest.param({"function": "before_rain"}, id="unknown function"),
        pytest.param({"function": "before_create", "version": 9}, id="unknown version"),
        pytest.param({"function": "before_create", "version": 1, "source": NAMES}, id="two scripts"),
        pytest.param({"function": "before_create", "budget_ms": 6000}, id="too long"),
    ],
)
async def test_a_trial_of_nothing_is_refused(client: Client, editor: Editor, trial: dict[str, Any]) -> None:
    hook_id = await editor.hook("names", NAMES)

    status, problem = await client.post(f"/api/hooks/{hook_id}/test", trial)

    assert status == (404 if trial.get("version") == 9 else 422)
    assert problem["message"]


async def test_random_values_of_a_trial_are_its_own(client: Client, editor: Editor) -> None:
    """The same each time, so that a test can expect them; and never those of a real operation."""
    hook_id = await editor.hook("names")
    source = ANY.format(body='{"set": {"code": rand.uuid4()}}')
    trial = {"function": "before_create", "context": KIM, "source": source}

    found = [(await client.post(f"/api/hooks/{hook_id}/test", trial))[1]["result"] for _ in range(2)]

    assert found[0] == found[1]
    assert len(found[0]["set"]["code"]) == 36


async def test_saved_tests_are_written_run_changed_and_deleted(client: Client, editor: Editor, works: Works) -> None:
    hook_id = await editor.hook("names", NAMES)
    kim = await editor.saved(hook_id, "kim", {"set": {"login": "kim"}}, **KIM)
    await editor.saved(hook_id, "nobody", {"reject": {}})
    path = f"/api/hooks/{hook_id}/tests"

    _, passing = await client.post(f"{path}/run")
    _, failing = await client.post(f"{path}/run", {"source": NAMES.replace("text.slug(given)", '"x"')})
    body = {"name": "kim", "function": "before_create", "context": KIM, "expected": {"error": {"class": "hook.fail"}}}
    changed, stored = await client.call("PUT", f"{path}/{kim}", role="admin", json=body)
    _, wrong = await client.post(f"{path}/run")
    deleted, _ = await client.call("DELETE", f"{path}/{kim}", role="admin")
    _, listed = await client.get(path, role="viewer")

    assert (passing["ok"], passing["passed"], passing["failed"]) == (True, 2, 0)
    assert (failing["ok"], failing["passed"], failing["failed"]) == (False, 1, 1)
    assert (changed, stored["expected"]) == (200, {"error": {"class": "hook.fail"}})
    assert wrong["tests"][0]["mismatches"] == ["expected error, got a patch"]
    assert (deleted, [each["name"] for each in listed["tests"]]) == (204, ["nobody"])
    assert await works.rows("SELECT 1 FROM hook_tests WHERE name = 'kim'") == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param({"name": "kim"}, 409, id="taken"),
        pytest.param({"name": "x", "function": "before_rain"}, 422, id="unknown function"),
        pytest.param({"name": "x", "expected": {"sett": {}}}, 422, id="no answer is so"),
        pytest.param({"name": "x", "expected": {"reject": {}, "set": {}}}, 422, id="two answers"),
        pytest.param({"name": "x", "context": {"a": "\0"}}, 422, id="NUL"),
        pytest.param({"name": "x", "context": {"a": "b" * 70_000}}, 422, id="too large"),
    ],
)
async def test_a_saved_test_that_cannot_be_is_refused(
    client: Client, editor: Editor, body: dict[str, Any], status: int
) -> None:
    hook_id = await editor.hook("names")
    await editor.saved(hook_id, "kim", None)

    found, problem = await client.post(
        f"/api/hooks/{hook_id}/tests", {"function": "before_create", **body}, role="admin"
    )

    assert (found, bool(problem["message"])) == (status, True)


async def test_a_saved_test_that_somebody_else_changed_is_not_written_over(client: Client, editor: Editor) -> None:
    hook_id = await editor.hook("names", NAMES)
    path = f"/api/hooks/{hook_id}/tests"
    body = {"name": "kim", "function": "before_create", "context": {}, "expected": {}}
    _, made = await client.post(path, body, role="admin")
    one = f"{path}/{made['id']}"
    headers = {"Authorization": f"Bearer {client.tokens['viewer']}"}
    async with client.session.get(client.base + one, headers=headers) as answer:
        seen = {"If-Match": answer.headers["ETag"]}

    first, _ = await client.call("PUT", one, role="admin", headers=seen, json=body | {"name": "kim again"})
    second, told = await client.call("PUT", one, role="admin", headers=seen, json=body)
    third, _ = await client.call("DELETE", one, role="admin", headers=seen)
    _, kept = await client.get(one)

    assert (first, second, third, kept["name"]) == (200, 412, 412, "kim again")
    assert told["message"] == "Somebody else changed the test kim again meanwhile. Read it again."


async def test_a_replay_shows_the_calls_that_end_otherwise(client: Client, editor: Editor, works: Works) -> None:
    """What the version of then answers now is compared: its random values and secrets would differ from the record."""
    tagged = NAMES.replace("text.slug(given)}}", 'text.slug(given)}, "tags": {"code": rand.uuid4()}}')
    hook_id = await editor.hook("names", tagged)
    calls = [
        Recorded(
            UUID(hook_id),
            1,
            "before_create",
            {"operation_id": f"op-{given}", "identity": {"given_name": given}, "params": {}, "attributes": {}},
            {"value": {"set": {"login": given.lower()}, "tags": {"code": "of then"}}},
            datetime.now(UTC),
        )
        for given in ("Kim", "", "Bo")
    ]
    async with tenant(works.house.pool, works.tenant_id) as conn:
        await hook_records.add(conn, works.tenant_id, calls)
    path = f"/api/hooks/{hook_id}/replay"
    longer = tagged.replace("if not given:", 'if given == "Bo":\n        fail("too short")\n    if not given:')

    _, same = await client.post(path)
    status, found = await client.post(path, {"source": longer})
    _, fewer = await client.post(path, {"source": longer, "last": 1})

    assert (same["replayed"], same["unchanged"], same["changed"]) == (3, 3, [])
    assert (status, found["replayed"], found["unchanged"]) == (200, 3, 2)
    [changed] = found["changed"]
    assert (changed["operation_id"], changed["version"], changed["failure"]["class"]) == ("op-Bo", 1, "hook.fail")
    assert changed["recorded"]["value"]["tags"] == {"code": "of then"}
    assert changed["differences"] == ["expected a patch, got the error hook.fail: too short"]
    assert fewer["replayed"] == 1


LOGIN = """
def before_create(ctx):
    print(ctx["resource"]["name"], ctx["identity"].get("initial_password"))
    return {"set": {"login": text.slug(ctx["identity"]["given_name"])}}
"""
REFUSING = 'def before_create(ctx):\n    return reject("no")\n'


async def test_a_sample_is_tried_as_an_operation_would(client: Client, editor: Editor, works: Works) -> None:
    hook_id = await editor.hook("names", LOGIN)
    await editor.bound(hook_id)
    [kim] = await works.hire(("Kim", "Berg", "k.berg@example.org"), is_planned=False)
    sample = {"connector_id": str(works.connector.id), "identity_id": str(kim)}
    trial = {"function": "before_create", "sample": sample}
    path = f"/api/hooks/{hook_id}/test"

    status, found = await client.post(path, trial)
    _, draft = await client.post(path, {**trial, "source": LOGIN.replace("text.slug", "text.title_name")})
    _, refusing = await client.post(path, {**trial, "source": REFUSING})

    assert status == 200
    assert found["changes"] == {"login": {"before": "k.berg", "after": "kim"}}
    assert (found["context"]["dry_run"], found["context"]["identity"]["given_name"]) == (True, "Kim")
    assert (found["rehearsal"]["operation_type"], found["rehearsal"]["ends"]) == ("create", None)
    assert found["logs"][0].startswith(works.connector.name)
    assert draft["changes"]["login"]["after"] == "Kim"
    assert (refusing["result"], refusing["rehearsal"]["ending"]) == (
        {"reject": {"reason": "no", "code": "rejected"}},
        "dead_letter",
    )
    assert await works.logins() == []
    assert await works.rows("SELECT 1 FROM operations") == []


async def test_a_draft_on_a_sample_sees_no_secret(client: Client, editor: Editor, works: Works) -> None:
    """Whoever may try a draft would read with it what the binding lets the real hook see."""
    hook_id = await editor.hook("names", LOGIN)
    await editor.bound(hook_id, permissions=["secrets"])
    [kim] = await works.hire(("Kim", "Berg", "k.berg@example.org"), is_planned=False)
    await works.rows(
        "UPDATE identities SET attributes = attributes || $1 RETURNING id", {"initial_password": "a canary, alive"}
    )
    sample = {"connector_id": str(works.connector.id), "identity_id": str(kim)}

    _, found = await client.post(f"/api/hooks/{hook_id}/test", {"function": "before_create", "sample": sample})

    assert found["ok"]
    assert "canary" not in str(found)
    assert "secret" in found["logs"][0]


@pytest.mark.parametrize(
    ("trial", "status"),
    [
        pytest.param({"sample": {"identity_id": str(UUID(int=1))}}, 404, id="nobody"),
        pytest.param({"sample": {"connector_id": str(UUID(int=1))}}, 404, id="nowhere"),
        pytest.param({"function": "correlate"}, 422, id="no operation"),
        pytest.param({"function": "after_create", "source": REFUSING}, 409, id="not asked"),
        pytest.param({"context": {}}, 422, id="two contexts"),
    ],
)
async def test_a_sample_that_cannot_be_is_refused(
    client: Client, editor: Editor, works: Works, trial: dict[str, Any], status: int
) -> None:
    hook_id = await editor.hook("names", LOGIN)
    await editor.bound(hook_id)
    [kim] = await works.hire(("Kim", "Berg", "k.berg@example.org"), is_planned=False)
    sample = {"connector_id": str(works.connector.id), "identity_id": str(kim)} | trial.get("sample", {})

    found, problem = await client.post(
        f"/api/hooks/{hook_id}/test", {"function": "before_create", **trial, "sample": sample}
    )

    assert (found, bool(problem["message"])) == (status, True)
