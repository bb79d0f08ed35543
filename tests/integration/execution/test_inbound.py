"""An account that is found for a person: what comes back from a believed target is heard before it is overwritten."""

from typing import Any

import pytest

from tests.factories import an_operation, enqueue
from tests.integration.execution.conftest import RULES, Site
from worker.domain.mapping import Direction, MappingRule
from worker.domain.operation import Origin
from worker.store import mappings
from worker.store.tenant import tenant


@pytest.mark.parametrize(
    ("settings", "origin", "expected"),
    [
        pytest.param({"precedence": 50}, Origin.EVENT, "Lab", id="believed more than sources"),
        pytest.param({"precedence": 150}, Origin.EVENT, "Sales", id="believed less"),
        pytest.param({}, Origin.EVENT, "Sales", id="as usual"),
        pytest.param({"precedence": 50}, Origin.API, "Sales", id="a person asks for it"),
    ],
)
async def test_a_found_account_keeps_what_its_target_says(
    site: Site, settings: dict[str, Any], origin: Origin, expected: str
) -> None:
    rules = [rule for rule in RULES if rule.target != "department"]
    rules.append(MappingRule("department", source="department", direction=Direction.BOTH))
    where: dict[str, Any] = {"tenant_id": site.tenant_id, "connector_id": site.connector.id, "object_class": "user"}
    async with tenant(site.pool, site.tenant_id) as conn:
        await mappings.activate(conn, **where, version=await mappings.insert(conn, **where, rules=rules))
    site.targets.set(site.connector, **settings)
    known = {"login": "ada.moss", "mail": "ada.moss@example.org", "given": "Ada", "family": "Moss"}
    _, uid = await site.unowned(**known, department="Lab")
    owner = await site.person("Ada", "Moss", department="Sales")
    wanted = {**known, "department": "Sales"}
    account_id = await site.account(owner, wanted=wanted, wanted_active=True)
    payload = {"attributes": wanted, "active": True}
    op = an_operation(
        site.connector.id, account_id, operation_type="create", payload=payload, user_id=owner, origin=origin
    )
    await enqueue(site.pool, site.tenant_id, op)

    await site.run()

    assert site.target.accounts[uid].attributes["department"] == expected
    assert site.target.count("create") == 0
