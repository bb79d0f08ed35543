"""Every route that the API describes: nobody without a token, nobody beyond their role, nothing of others."""

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID, uuid4

import pytest
import structlog

from tests.factories import a_connector, accounts, an_operation, enqueue
from tests.integration.actions.conftest import Works
from tests.integration.api.conftest import Client
from worker.domain.hook import HookPhase
from worker.hooks import HookExecutor
from worker.security import Role, create_token
from worker.store import bindings, hook_tests, hooks, tenants
from worker.store.hook_tests import SavedTest
from worker.store.hooks import Binding
from worker.store.tenant import tenant

SOURCE = "def before_create(ctx):\n    return None\n"
#: What a body is, where the least that its description allows is not sound: it is the id in the path that is looked at.
BODIES: Final[dict[str, Any]] = {
    "POST /api/connectors/{connector_id}/mappings": {"document": "[]"},
    "POST /api/connectors/{connector_id}/mappings/validate": {"document": "[]"},
    "POST /api/connectors/{connector_id}/mappings/preview": {"sample": 1},
    "POST /api/connectors/{connector_id}/mappings/scope": {"scope": "active eq true"},
    "PUT /api/connectors/{connector_id}/mappings/scope": {"scope": "active eq true"},
    "POST /api/connectors/{connector_id}/correlation/rules/backtest": {"version": 0},
    "POST /api/connectors/{connector_id}/correlation/correlate": {"attributes": {"mail": "a@b.example"}},
    "PATCH /api/hooks/{hook_id}": {"description": "theirs"},
    "POST /api/hooks/{hook_id}/versions": {"source": SOURCE},
    "POST /api/hooks/{hook_id}/tests": {"name": "x", "function": "before_create"},
    "PUT /api/hooks/{hook_id}/tests/{test_id}": {"name": "x", "function": "before_create"},
    "POST /api/hooks/{hook_id}/test": {"function": "before_create"},
}
#: POST routes that change nothing, so that viewers may ask.
ASKING: Final = {
    "POST /api/connectors/{connector_id}/correlation/correlate",
    "POST /api/connectors/{connector_id}/mappings/scope",
    "POST /api/connectors/{connector_id}/reconciliation/discrepancies/preview",
    "POST /api/reconciliation/schedules/preview",
}
#: What the other tenant has of tables that no act fills in one step.
THEIRS: Final = """
INSERT INTO identities (tenant_id, id, external_id, user_name) VALUES ($1, $3, 'theirs', 'theirs');
INSERT INTO runs (tenant_id, id, connector_id, kind, mode, status, trigger, correlation_id, created_at)
VALUES ($1, $4, $2, 'reconciliation', 'full', 'paused', 'manual', $4, now());
INSERT INTO discrepancies (tenant_id, id, connector_id, finding_key, run_id, discrepancy_type, explanation,
    resolution_status, created_at, first_seen_at, last_seen_at, last_seen_run)
VALUES ($1, $5, $2, 'theirs', $4, 'orphan', '{}', 'pending', now(), now(), now(), $4);
INSERT INTO cases (tenant_id, id, connector_id, subject, status, candidates, explanation, created_at)
VALUES ($1, $6, $2, '{}', 'open', '[]', '{}', now());
INSERT INTO approvals (tenant_id, id, connector_id, kind, status, held, sample, reason, created_at, asked_at)
VALUES ($1, $7, $2, 'removals', 'open', 1, '[]', 'theirs', now(), now());
INSERT INTO conflicts (tenant_id, id, connector_id, account_id, operation_id_a, conflict_type, affected_attributes,
    status, strategy, created_at)
VALUES ($1, $8, $2, $9, $10, 'stale_data', '{}', 'pending', 'manual', now())
"""
MADE: Final = ("identity_id", "run_id", "discrepancy_id", "case_id", "approval_id", "conflict_id")


@dataclass(frozen=True, slots=True)
class Walked:
    """One method of one path, with a body that is sound."""

    method: str
    path: str
    body: Any

    @property
    def route(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def names(self) -> list[str]:
        return [part[1:-1] for part in self.path.split("/") if part.startswith("{")]

    def place(self, ids: dict[str, UUID]) -> str:
        known = {name: str(ids.get(name, uuid4())) for name in self.names}
        return self.path.format(**(known | dict.fromkeys(("version", "before", "after"), "1")))


@pytest.fixture
async def works(works: Works) -> AsyncIterator[Works]:
    async with HookExecutor(workers=1, log=structlog.get_logger()) as scripts:
        works.house = replace(works.house, scripts=scripts)
        yield works


@pytest.fixture
async def described(client: Client) -> Any:
    return (await client.get("/api/openapi.json"))[1]


@pytest.fixture
async def theirs(works: Works, client: Client) -> dict[str, UUID]:
    """One of each, of another tenant, by the name that the id has in paths; who reads there is the role ``theirs``."""
    pool = works.house.pool
    tenant_id = uuid4()
    async with pool.acquire() as conn:
        await tenants.ensure(conn, tenant_id=tenant_id, name="theirs")
    connector = await a_connector(pool, tenant_id)
    [account] = await accounts(pool, tenant_id, connector.id, 1)
    [operation] = await enqueue(pool, tenant_id, an_operation(connector.id, account))
    made = {name: uuid4() for name in MADE}
    async with tenant(pool, tenant_id) as conn:
        values = [tenant_id, connector.id, *made.values(), account, operation]
        for statement in THEIRS.split(";\n"):
            await _insert(conn, statement, values)
        hook = await _a_hook(conn, tenant_id, connector.id)
        client.tokens["theirs"] = await create_token(conn, tenant_id, name="theirs", roles=frozenset({Role.ADMIN}))
        token = await conn.fetchval("SELECT id FROM tokens WHERE tenant_id = $1", tenant_id)
    return {"connector_id": connector.id, "operation_id": operation, "token_id": token} | made | hook


async def _insert(conn: Any, statement: str, values: list[Any]) -> None:
    """Run a statement that names some of the values by their numbers."""
    used = sorted({int(part) for part in re.findall(r"\$(\d+)", statement)})
    for at, number in enumerate(used, 1):
        statement = re.sub(rf"\${number}\b", f"${at}", statement)
    await conn.execute(statement, *(values[number - 1] for number in used))


async def _a_hook(conn: Any, tenant_id: UUID, connector_id: UUID) -> dict[str, UUID]:
    where = {"tenant_id": tenant_id}
    hook_id = await hooks.insert(conn, **where, name="theirs")
    await hooks.add_version(conn, **where, hook_id=hook_id, source=SOURCE)
    await hooks.activate(conn, **where, hook_id=hook_id, version=1)
    await hooks.suspend(conn, **where, hook_id=hook_id, reason="It loops.")
    test = SavedTest("theirs", "before_create")
    await hook_tests.insert(conn, test, **where, hook_id=hook_id)
    binding = Binding(hook_id, connector_id, HookPhase.BEFORE)
    await hooks.bind(conn, binding, **where)
    assert await bindings.count(conn, **where, hook_id=hook_id) == 1
    return {"hook_id": hook_id, "test_id": test.id, "binding_id": binding.id}


async def test_nobody_comes_in_without_a_token(client: Client, described: Any) -> None:
    client.tokens["nobody"] = "pvd_no_such_token"
    found = {}
    for each in _routes(described):
        place = each.place({})
        found[each.route], _ = await client.call(each.method, place, role="nobody", json=each.body)
        async with client.session.request(each.method, client.base + place, json=each.body) as answer:
            assert answer.status == 401, each.route

    assert len(found) > 90
    assert {route: status for route, status in found.items() if status != 401} == {}


async def test_viewers_change_nothing(client: Client, described: Any, works: Works) -> None:
    before = await works.value("SELECT count(*) FROM audit")
    found = {}
    for each in _routes(described):
        if each.method != "GET" and each.route not in ASKING:
            found[each.route], _ = await client.call(each.method, each.place({}), role="viewer", json=each.body)

    assert {route: status for route, status in found.items() if status != 403} == {}
    assert await works.value("SELECT count(*) FROM audit") == before


async def test_what_is_of_another_tenant_is_not_there(
    client: Client, described: Any, works: Works, theirs: dict[str, UUID]
) -> None:
    found, there = {}, {}
    for each in _routes(described):
        if not each.names:
            continue
        place = each.place(theirs)
        if each.method == "GET" and each.path.endswith("_id}") and set(each.names) <= theirs.keys():
            there[each.route], _ = await client.get(place, role="theirs")
        found[each.route], _ = await client.call(each.method, place, role="admin", json=_with(each.body, theirs))

    assert {route: status for route, status in there.items() if status != 200} == {}
    assert {route: status for route, status in found.items() if status != 404} == {}
    assert not await works.rows(
        "SELECT 1 FROM audit WHERE object_id = ANY($1)", [str(each) for each in theirs.values()]
    )


async def test_no_list_shows_or_counts_what_is_of_another_tenant(
    client: Client, described: Any, theirs: dict[str, UUID]
) -> None:
    for each in _routes(described):
        if each.method != "GET" or each.names:
            continue
        for asked in ("", f"?connector_id={theirs['connector_id']}"):
            status, said = await client.get(each.path + asked, role="admin")
            others = {name for name, known in theirs.items() if name != "connector_id" and str(known) in str(said)}
            assert (status in {200, 404, 422}, others) == (True, set()), each.route + asked
            assert asked == "" or status != 200 or not said.get("total"), each.route + asked


async def test_a_hook_is_not_bound_to_a_connector_of_another_tenant(client: Client, theirs: dict[str, UUID]) -> None:
    _, hook = await client.post("/api/hooks", {"name": "ours"}, role="admin")
    body = {"connector_id": str(theirs["connector_id"]), "phase": "before"}

    status, _ = await client.post(f"/api/hooks/{hook['id']}/bindings", body, role="admin")
    _, listed = await client.get(f"/api/hooks?connector_id={theirs['connector_id']}")

    assert (status, listed["total"]) == (404, 0)


def _routes(described: Any) -> Iterator[Walked]:
    for path, methods in sorted(described["paths"].items()):
        for method, told in methods.items():
            route = f"{method.upper()} {path}"
            content = told.get("requestBody", {}).get("content", {}).get("application/json")
            least = _least(content["schema"], described) if content else None
            yield Walked(method.upper(), path, BODIES.get(route, least))


def _least(schema: Any, described: Any) -> Any:
    """The least value that a description allows."""
    if "$ref" in schema:
        return _least(described["components"]["schemas"][schema["$ref"].rpartition("/")[2]], described)
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return _least(schema[choice][0], described)
    if "enum" in schema or "const" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    match schema.get("type"):
        case "object":
            return {name: _least(schema["properties"][name], described) for name in schema.get("required", ())}
        case "array":
            return [_least(schema["items"], described)] * schema.get("minItems", 0)
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return False
        case "string":
            is_id = schema.get("format") == "uuid"
            return str(uuid4()) if is_id else "x" * max(schema.get("minLength", 1), 1)
        case _:
            return None


def _with(body: Any, ids: dict[str, UUID]) -> Any:
    """The body with the other tenant's ids under the names that they have."""
    if not isinstance(body, dict):
        return body
    return {name: str(ids.get(name, "")) or value for name, value in body.items()}
