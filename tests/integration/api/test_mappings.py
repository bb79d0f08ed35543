"""The mapping of a target as people edit it over HTTP, against a real table and the real sandbox."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import structlog

from tests.integration.actions.conftest import Works
from tests.integration.api.conftest import Client
from worker.hooks import HookExecutor
from worker.mapping import MappingEngine
from worker.planning import Planner

GOOD: list[dict[str, Any]] = [
    {"target": "login", "source": "user_name", "required": True},
    {"target": "mail", "source": "mail", "transforms": ["upper"], "case_sensitive": True},
    {"target": "given", "expression": "identity['given_name'].title()"},
    {"target": "family", "source": "family_name"},
]


@pytest.fixture
async def works(works: Works) -> AsyncIterator[Works]:
    async with HookExecutor(workers=1, log=structlog.get_logger()) as scripts:
        works.house = replace(works.house, scripts=scripts)
        yield works


@pytest.fixture
def path(works: Works) -> str:
    return f"/api/connectors/{works.connector.id}/mappings"


async def plan(works: Works) -> None:
    planner = Planner(
        works.house.pool,
        mapper=MappingEngine(works.house.scripts),
        acceptance=works.house.acceptance,
        vault=works.house.vault,
    )
    for _ in range(3):
        await planner.run_once(works.tenant_id, works.tenant_id)


async def saved(client: Client, path: str, rules: list[dict[str, Any]] = GOOD, **fields: Any) -> int:
    status, body = await client.post(path, {"rules": rules, **fields}, role="admin")
    assert status == 201, body
    return int(body["version"])


async def test_versions_are_saved_listed_compared_activated_and_taken_back(
    client: Client, works: Works, path: str
) -> None:
    await works.hire(("anna", "Meier", "anna@x.de"))
    version = await saved(client, path, note="upper case mail")
    _, one = await client.get(f"{path}/{version}", role="viewer")
    _, difference = await client.get(f"{path}/1/diff/{version}", role="viewer")
    activated, done = await client.post(f"{path}/{version}/activate", role="admin", headers={"If-Match": '"1"'})
    outdated, _ = await client.post(f"{path}/1/activate", role="admin", headers={"If-Match": '"1"'})
    again, _ = await client.post(f"{path}/{version}/activate", role="admin")
    _, listed = await client.get(path, role="viewer")
    back, undone = await client.post(f"{path}/rollback", role="admin")

    without_defaults = {name: value for name, value in GOOD[1].items() if name != "case_sensitive"}
    assert (version, one["note"]) == (2, "upper case mail")
    assert one["rules"] == [GOOD[0], without_defaults, *GOOD[2:]]
    assert {each["target"]: each["fields"] for each in difference["changes"]} == {
        "given": ["expression", "source"],
        "mail": ["case_sensitive", "transforms"],
    }
    assert (activated, done["previous"], outdated, again) == (200, 1, 412, 409)
    assert [(each["version"], each["is_active"]) for each in listed["versions"]] == [(2, True), (1, False)]
    assert (back, undone["version"]) == (200, 1)
    actions = [row["action"] for row in await works.rows("SELECT action FROM audit ORDER BY n")]
    assert actions[-3:] == ["mapping.save", "mapping.activate", "mapping.roll_back"]


async def test_active_version_is_carried_out_at_the_target(client: Client, works: Works, path: str) -> None:
    await works.hire(("anna", "Meier", "anna@x.de"))
    await works.reconcile()
    await works.work()
    await client.post(f"{path}/{await saved(client, path)}/activate", role="admin")
    await plan(works)
    await works.work()

    rows = await works.table.fetch("SELECT mail, given FROM people")
    assert [(row["mail"], row["given"]) for row in rows] == [("ANNA@X.DE", "Anna")]


async def test_what_is_secret_at_the_target_is_not_newly_filled_in_the_open(
    client: Client, works: Works, path: str
) -> None:
    """A version that was saved before the target said so can be saved again while it is active, and not activated."""
    marked = [rule | {"secret": True} if rule["target"] == "given" else rule for rule in GOOD]
    first, second = await saved(client, path), await saved(client, path, marked)
    await client.post(f"{path}/{first}/activate", role="admin")
    target = await works.house.targets.get(works.tenant_id, works.connector.id)
    schema = await target.object_schema()
    target.schema = replace(
        schema, attributes=tuple(replace(each, secret=each.name == "given") for each in schema.attributes)
    )

    _, while_open = await client.post(f"{path}/validate", {"rules": GOOD})
    closed, _ = await client.post(f"{path}/{second}/activate", role="admin")
    _, afterwards = await client.post(f"{path}/validate", {"rules": GOOD})
    refused, _ = await client.post(path, {"rules": GOOD}, role="admin")
    opened, problem = await client.post(f"{path}/{first}/activate", role="admin")
    back, _ = await client.post(f"{path}/rollback", role="admin")

    told = [[(each["rule"], each["severity"]) for each in body["mistakes"]] for body in (while_open, afterwards)]
    assert told == [[(2, "warning")], [(2, "error")]]
    assert (closed, refused, opened, back) == (200, 422, 422, 422)
    assert "'given' is secret at the target: mark the rule as secret, too" in problem["detail"]


async def test_mistakes_are_told_with_line_and_column(client: Client, works: Works, path: str) -> None:
    await works.hire(("anna", "Meier", "anna@x.de"))
    document = """[
  {"target": "login", "source": "user_name"},
  {"target": "mial", "source": "mail"},
  {"target": "given", "expression": "identity['x'] +\\n  +"},
  {"target": "family",
   "source": "famly_name"}
]"""
    status, found = await client.post(f"{path}/validate", {"document": document})
    told = {each["rule"]: each for each in found["mistakes"]}

    assert (status, found["ok"]) == (200, False)
    assert (told[1]["line"], told[1]["column"]) == (3, 14)
    assert told[1]["message"] == "the target has no attribute 'mial'; did you mean mail?"
    assert (told[2]["line"], told[2]["column"], told[2]["expression_line"]) == (4, 37, 2)
    assert (told[3]["line"], told[3]["column"]) == (6, 14)
    assert told[3]["message"] == "nobody has an attribute 'famly_name'; did you mean family_name?"


async def test_faulty_mapping_is_not_stored(client: Client, works: Works, path: str) -> None:
    status, problem = await client.post(path, {"rules": [{"target": "mail"}]}, role="admin")

    assert (status, problem["error"]) == (422, "invalid_mapping")
    assert problem["mistakes"][0]["message"] == "a rule needs one of source, constant and expression"
    assert await works.value("SELECT count(*) FROM mapping_versions") == 1


async def test_new_attributes_may_be_read_when_a_person_says_so(client: Client, works: Works, path: str) -> None:
    await works.hire(("anna", "Meier", "anna@x.de"))
    rules = [*GOOD[:3], {"target": "family", "source": "famly_name"}]
    refused, _ = await client.post(path, {"rules": rules}, role="admin")

    assert refused == 422
    assert await saved(client, path, rules, sources_may_be_new=True) == 2


async def test_preview_shows_before_and_after_of_chosen_people(client: Client, works: Works, path: str) -> None:
    anna, ben = await works.hire(("anna", "Meier", "anna@x.de"), ("ben", "Kunz", "ben@x.de"), is_planned=False)
    await works.plan()
    await works.reconcile()
    await works.work()
    await works.reconcile()
    body = {"rules": GOOD, "identity_ids": [str(ben), str(anna)]}
    status, found = await client.post(f"{path}/preview", body)
    _, sampled = await client.post(f"{path}/preview", {"sample": 1})
    (first, second) = found["results"]

    assert status == 200
    assert [each["user_name"] for each in found["results"]] == ["ben", "anna"]
    assert first["kind"] == "update"
    assert first["changes"]["mail"] == {"before": "ben@x.de", "after": "BEN@X.DE"}
    assert (second["before"]["given"], second["after"]["given"]) == ("anna", "Anna")
    assert second["after"]["family"] == "Meier"
    assert [each["kind"] for each in sampled["results"]] == ["none"]
    assert await works.rows("SELECT 1 FROM operations") == []


async def test_preview_tells_who_does_not_map(client: Client, works: Works, path: str) -> None:
    (anna,) = await works.hire(("anna", "Meier", "anna@x.de"))
    rules = [*GOOD[:2], {"target": "given", "expression": "identity['nothing']"}]
    _, found = await client.post(f"{path}/preview", {"rules": rules, "identity_ids": [str(anna)]})
    (told,) = found["results"]

    assert told["kind"] == "error"
    assert told["error"].startswith("given: the expression failed")


async def test_dry_run_counts_in_the_background_and_can_be_cancelled(client: Client, works: Works, path: str) -> None:
    await works.hire(("anna", "Meier", "anna@x.de"), ("ben", "Kunz", "ben@x.de"))
    version = await saved(client, path)
    status, begun = await client.post(f"{path}/{version}/activate", {"dry_run": True})
    refused, _ = await client.post(f"{path}/{version}/activate")
    dry_run = begun["dry_run"]
    await plan(works)
    _, done = await client.get(f"{path}/dry-runs/{dry_run['id']}", role="viewer")
    over, _ = await client.post(f"{path}/dry-runs/{dry_run['id']}/cancel")
    _, second = await client.post(f"{path}/{version}/activate", {"dry_run": True}, role="admin")
    _, cancelled = await client.post(f"{path}/dry-runs/{second['dry_run']['id']}/cancel")
    _, listed = await client.get(f"{path}/dry-runs", role="viewer")

    assert (status, dry_run["status"], refused) == (202, "pending", 403)
    assert (done["status"], done["people_done"], done["people_total"]) == ("completed", 2, 2)
    assert done["operations"] == {"update": 2}
    assert done["attributes"] == {"given": 2, "mail": 2}
    assert done["safeguard"] == {"removals": 0, "used": 0, "limit": 10, "held": 0}
    assert (over, cancelled["status"]) == (409, "cancelled")
    assert [each["status"] for each in listed["dry_runs"]] == ["cancelled", "completed"]
    _, now = await client.get(path, role="viewer")
    assert now["active"] == 1


async def test_scope_is_counted_before_it_is_used(client: Client, works: Works, path: str) -> None:
    await works.hire(("anna", "Meier", "anna@x.de"), ("ben", "Kunz", "ben@x.de"))
    _, found = await client.post(f"{path}/scope", {"scope": 'family_name eq "MEIER"'}, role="viewer")
    wrong, problem = await client.post(f"{path}/scope", {"scope": "family_name = 1"}, role="viewer")

    assert found == {"scope": {"people": 1, "enabled": 1}, "now": {"people": 2, "enabled": 2}}
    assert (wrong, problem["error"]) == (422, "invalid_filter")


async def test_scope_is_changed_and_removals_wait_for_a_person(client: Client, works: Works, path: str) -> None:
    await works.hire(*((f"p{n}", "Meier", f"p{n}@x.de") for n in range(13)))
    await works.reconcile()
    await works.work()
    put = {"role": "admin", "json": {"scope": 'mail sw "p1@"'}}
    misspelt, problem = await client.call("PUT", f"{path}/scope", role="admin", json={"scope": "mial pr"})
    refused, _ = await client.call("PUT", f"{path}/scope", role="operator", json={"scope": None})
    outdated, _ = await client.call("PUT", f"{path}/scope", **put, headers={"If-Match": '"99"'})
    changed, connector = await client.call("PUT", f"{path}/scope", **put)
    await plan(works)
    waiting = await works.rows("SELECT status, count(*) FROM operations GROUP BY status ORDER BY status")

    assert (misspelt, problem["message"]) == (422, "Nobody has an attribute 'mial'; did you mean mail?")
    assert (refused, outdated, changed, connector["scope"]) == (403, 412, 200, 'mail sw "p1@"')
    assert [tuple(row) for row in waiting] == [("awaiting_system", 2), ("pending", 10)]


async def test_a_mapping_of_an_object_class_that_the_connector_has_no_more_is_told(
    client: Client, works: Works, path: str
) -> None:
    await works.rows("UPDATE connectors SET object_class = 'person'")

    _, found = await client.post(f"{path}/validate", {"rules": GOOD})

    (told,) = (each for each in found["mistakes"] if "object class" in each["message"])
    assert told["severity"] == "warning"
    assert "'user'" in told["message"]
    assert "'person'" in told["message"]


async def test_what_a_draft_calls_secret_is_not_shown(client: Client, works: Works, path: str) -> None:
    (anna,) = await works.hire(("anna", "Meier", "anna@x.de"))
    await works.reconcile()
    await works.work()
    rules = [GOOD[0], {"target": "mail", "source": "mail", "secret": True}]
    _, found = await client.post(f"{path}/preview", {"rules": rules, "identity_ids": [str(anna)]})
    (told,) = found["results"]

    assert told["before"]["mail"] == told["wanted_now"]["mail"] == {"secret": True}
    assert told["changes"]["mail"] == {"before": {"secret": True}, "after": {"secret": True}}


async def test_schema_and_transforms_are_there_for_the_editor(client: Client, works: Works) -> None:
    _, schema = await client.get(f"/api/connectors/{works.connector.id}/schema", role="viewer")
    _, reference = await client.get("/api/mappings/transforms", role="viewer")

    assert (schema["is_complete"], schema["incomplete_because"]) == (True, "")
    assert {each["name"]: each["required"] for each in schema["attributes"]}["login"] is True
    upper = next(each for each in reference["transforms"] if each["name"] == "upper")
    assert upper["example"] == {"transform": "upper", "given": "Müller", "result": "MÜLLER"}


@pytest.mark.parametrize(
    ("method", "tail", "body", "role"),
    [
        pytest.param("POST", "", {"rules": GOOD}, "operator", id="save"),
        pytest.param("POST", "/1/activate", {}, "operator", id="activate"),
        pytest.param("POST", "/rollback", {}, "operator", id="roll back"),
        pytest.param("POST", "/validate", {"rules": []}, "viewer", id="validate"),
        pytest.param("POST", "/preview", {}, "viewer", id="preview"),
    ],
)
async def test_who_may_not_is_refused(
    client: Client, path: str, method: str, tail: str, body: dict[str, Any], role: str
) -> None:
    status, _ = await client.call(method, path + tail, role=role, json=body)

    assert status == 403


@pytest.mark.parametrize(
    ("tail", "body", "message"),
    [
        pytest.param("", {}, "give either rules or a document", id="nothing"),
        pytest.param("", {"rules": [], "document": "[]"}, "give either rules or a document", id="both"),
        pytest.param("/preview", {"rules": [], "version": 1}, "give one of rules, document and version", id="two"),
        pytest.param("/preview", {"sample": 0}, "greater than or equal to 1", id="nobody"),
        pytest.param("", {"rules": [], "nonsense": 1}, "Extra inputs", id="unknown member"),
    ],
)
async def test_malformed_request_is_told(
    client: Client, path: str, tail: str, body: dict[str, Any], message: str
) -> None:
    status, problem = await client.post(path + tail, body, role="admin")

    assert status == 422
    assert message in problem["message"]
