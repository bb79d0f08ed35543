"""Rules that fit better to what people decided are proposed with their back-test; a person puts them in force."""

from typing import Any

from tests.integration.actions.conftest import Works
from tests.integration.api.conftest import Client
from worker.domain.correlation import PersonDecision, Verdict
from worker.recon import Backtests
from worker.store import correlation
from worker.store.tenant import tenant

#: Somewhat more than half sure, of what is always right.
TIMID: dict[str, Any] = {"rules": [{"name": "mail", "source": "mail", "target": "mail", "weight": 7.2}]}


async def decided(works: Works, count: int) -> None:
    """So many accounts of which a person said whose they are."""
    who = [(f"G{n}", f"F{n}", f"p{n:02}@example.org") for n in range(count)]
    await works.table.executemany("INSERT INTO people (login, mail) VALUES ($1, $2)", [(g, m) for g, _, m in who])
    people = await works.hire(*who, is_planned=False)
    await works.reconcile()
    rows = await works.rows("SELECT id FROM accounts ORDER BY observed ->> 'mail'")
    said = [PersonDecision(row["id"], each, Verdict.IS) for row, each in zip(rows, people, strict=True)]
    async with tenant(works.house.pool, works.tenant_id) as conn:
        await correlation.decide(
            conn, tenant_id=works.tenant_id, connector_id=works.connector.id, said=said, by=works.operator.id
        )


async def test_who_was_right_and_not_sure_is_surer_and_nothing_is_put_in_force(client: Client, works: Works) -> None:
    path = f"/api/connectors/{works.connector.id}/correlation/rules"
    await client.call("PUT", path, role="admin", json={"rule_set": TIMID})
    await decided(works, 40)
    forbidden, _ = await client.post(f"{path}/refine", role="operator")
    status, proposed = await client.post(f"{path}/refine", role="admin")
    for _ in range(3):
        await Backtests(works.house.pool).run_once(works.tenant_id)
    _, done = await client.get(f"{path}/backtest/{proposed['id']}")
    _, now = await client.get(path)
    saved, _ = await client.call("PUT", path, role="admin", json={"rule_set": done["rule_set"]})

    assert (forbidden, status, proposed["origin"], done["status"]) == (403, 202, "refined", "completed")
    assert done["before"]["ece"] > 0.3 > done["after"]["ece"]
    assert done["rule_set"]["rules"] == now["rule_set"]["rules"]
    assert (now["version"], saved) == (1, 200)


async def test_too_few_decisions_teach_nothing(client: Client, works: Works) -> None:
    path = f"/api/connectors/{works.connector.id}/correlation/rules"
    await client.call("PUT", path, role="admin", json={"rule_set": TIMID})
    await decided(works, 3)
    status, problem = await client.post(f"{path}/refine", role="admin")

    assert (status, "3 pairs" in problem["detail"]) == (409, True)


async def test_weights_are_learnt_from_data_that_nobody_labelled(client: Client, works: Works) -> None:
    """In a process of its own; with few rows nothing is learnt."""
    path = f"/api/connectors/{works.connector.id}/correlation/rules"
    await client.call("PUT", path, role="admin", json={"rule_set": TIMID})
    few, problem = await client.post(f"{path}/refine", {"learn_from": "data"}, role="admin")
    who = [(f"G{n}", f"F{n}", f"p{n:03}@example.org") for n in range(520)]
    await works.table.executemany("INSERT INTO people (login, mail) VALUES ($1, $2)", [(g, m) for g, _, m in who])
    await works.hire(*who, is_planned=False)
    await works.reconcile()
    status, proposed = await client.post(f"{path}/refine", {"learn_from": "data"}, role="admin")
    odd, _ = await client.post(f"{path}/refine", {"learn_from": "stars"}, role="admin")

    assert (few, "500 of both are the least" in problem["detail"]) == (409, True)
    assert (status, proposed["origin"], odd) == (202, "refined", 422)
    [rule] = proposed["rule_set"]["rules"]
    assert (rule["name"], rule["weight"] != TIMID["rules"][0]["weight"]) == ("mail", True)
