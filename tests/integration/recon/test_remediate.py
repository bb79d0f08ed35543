"""Repairs: what a dry run lists is what the real run does, through the queue or in our own records."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.integration.recon.conftest import House, a_house
from worker.domain.discrepancy import RepairAction, RepairDirection
from worker.domain.mapping import MappingRule
from worker.domain.run import RunStatus
from worker.planning import decide_approval
from worker.recon import Repairs, Wish
from worker.recon.remediate import TOO_MANY_UNLINKS
from worker.store.pool import Pool
from worker.store.tenant import tenant

POLICY = {
    "missing": "create",
    "mismatch": "update",
    "unlinked": "link",
    "deleted": "create",
    "orphan": "delete",
    "collision": "link",
}


async def one_of_each(house: House) -> dict[str, str]:
    """Twelve people in order, then one of each kind; uids of the accounts."""
    await house.provide(*(f"person{n}" for n in range(12)))
    await house.reconcile()
    house.target.change("uid-000002", department="Wrong", active=False)
    house.target.remove("uid-000005")
    house.target.put({"login": "zzz9q", "mail": "nobody@elsewhere.net"}, uid="orphan")
    await house.hire("newcomer", "dagmar.unlinked")
    house.target.put({"login": "dagmar.unlinked", "mail": "dagmar.unlinked@example.org"}, uid="unlinked")
    await house.hire("twin.one", "twin.two", attributes={"mail": "twin@example.org"})
    house.target.put({"login": "twin", "mail": "twin@example.org"}, uid="collision")
    await house.rows("DELETE FROM plan_items RETURNING 1")
    return {}


async def remediate(house: House, *wishes: Wish, dry_run: bool = False) -> Repairs:
    by = await house.person()
    async with tenant(house.pool, house.tenant_id) as conn:
        return await house.remediation.remediate(conn, **house.where, wishes=wishes, by=by, dry_run=dry_run)


async def id_of(house: House, key: str) -> UUID:
    found: UUID = (await house.findings())[key]["id"]
    return found


async def actions(house: House) -> list[dict[str, Any]]:
    return await house.rows(
        "SELECT discrepancy_id, action_type, direction, details FROM recon_actions ORDER BY discrepancy_id"
    )


@pytest.fixture
async def repairing(pool: Pool, tenant_id: UUID) -> House:
    return await a_house(pool, tenant_id, policy=POLICY)


async def test_dry_run_lists_exactly_what_the_real_run_then_does(repairing: House) -> None:
    house = repairing
    await one_of_each(house)

    rehearsal = await house.reconcile(dry_run=True)
    proposed = await actions(house)
    untouched = await house.rows("SELECT 1 FROM operations UNION ALL SELECT 1 FROM plan_items")
    await house.rows("DELETE FROM recon_actions RETURNING 1")
    real = await house.reconcile()

    assert await actions(house) == proposed
    assert [each["action_type"] for each in proposed] != []
    assert untouched == []
    assert (rehearsal.items_total, rehearsal.items_success) == (real.items_total, real.items_success) == (5, 5)


async def test_policy_repairs_everything_but_the_collision_and_the_next_run_finds_nothing_else(
    repairing: House,
) -> None:
    house = repairing
    await one_of_each(house)

    await house.reconcile()
    await house.plan()
    await house.carry_out()
    run = await house.reconcile()

    assert run.discrepancies_by_type == {"collision": 1}
    assert house.target.accounts["uid-000002"].attributes["department"] == "Sales"
    assert house.target.accounts["uid-000002"].active is True
    assert "orphan" not in house.target.accounts
    logins = sorted(each.attributes["login"] for each in house.target.accounts.values())
    assert logins.count("dagmar.unlinked") == logins.count("newcomer") == logins.count("person4") == 1


async def test_repair_of_an_account_carries_the_state_it_was_decided_on(house: House) -> None:
    await house.provide("anna", "bert")
    await house.reconcile()
    house.target.change("uid-000001", department="Wrong")
    await house.reconcile()
    finding = (await house.findings())["mismatch:uid-000001"]

    done = await remediate(house, Wish(finding["id"]))

    op = (await house.rows("SELECT * FROM operations"))[0]
    assert (op["operation_type"], op["payload"]) == ("update", {"attributes": {"department": "Sales"}})
    assert (op["expected_hash"], op["discrepancy_id"], op["origin"]) == (finding["state_hash"], finding["id"], "recon")
    assert (done.results[0].result, done.results[0].operation_id) == ("queued", op["id"])
    assert done.results[0].changes == {"department": {"before": "Wrong", "after": "Sales"}}
    settled = (await house.findings("resolved"))["mismatch:uid-000001"]
    assert (settled["resolved_action"], settled["resolved_operation"]) == ("update", op["id"])


async def test_bulk_skips_and_explains_what_is_settled_or_unknown(house: House) -> None:
    await house.provide("anna", "bert")
    await house.reconcile()
    house.target.put({"login": "zzz9q"}, uid="orphan")
    house.target.change("uid-000001", department="Wrong")
    await house.reconcile()
    mismatch, orphan = await id_of(house, "mismatch:uid-000001"), await id_of(house, "orphan:orphan")
    await remediate(house, Wish(mismatch))

    done = await remediate(
        house,
        Wish(mismatch),
        Wish(orphan, RepairAction.LINK),
        Wish(orphan, RepairAction.CREATE),
        Wish(UUID(int=7)),
    )

    assert [(each.result, each.error) for each in done.results] == [
        ("skipped", "This is resolved already."),
        ("failure", "Choose whose account it is."),
        ("skipped", "This is named twice."),
        ("failure", "There is no such discrepancy."),
    ]
    assert (done.succeeded, done.failed, done.skipped) == (0, 2, 2)


async def test_link_by_a_person_is_a_fact_and_can_be_undone(house: House) -> None:
    people = await house.provide("anna", "bert")
    await house.reconcile()
    late = await house.hire("carla")
    await house.plan()
    house.target.put({"login": "c.o", "mail": "other@example.org"}, uid="hers")
    await house.reconcile()
    orphan = await id_of(house, "orphan:hers")

    done = await remediate(house, Wish(orphan, RepairAction.LINK, identity_id=late["carla"]))
    linked = await house.rows("SELECT uid, live FROM accounts WHERE identity_id = $1", late["carla"])
    said = await house.rows("SELECT verdict FROM decisions")
    [seen] = await house.rows("SELECT evidence FROM decisions")
    [why] = await house.rows("SELECT details FROM recon_actions")
    waiting = await house.rows("SELECT operation_type, target_uid FROM operations")
    await house.rows("DELETE FROM operations RETURNING 1")
    await house.rows("UPDATE accounts SET live = 0, head_id = NULL RETURNING 1")
    by = await house.person()
    async with tenant(house.pool, house.tenant_id) as conn:
        undone = await house.remediation.undo(conn, **house.where, discrepancy_id=orphan, by=by)

    assert done.succeeded == 1
    assert linked == [{"uid": "hers", "live": 1}]  # the create that waited for it goes on with it
    assert waiting == [{"operation_type": "update", "target_uid": "hers"}]
    assert said == [{"verdict": "is"}]
    assert any(each["identity"] and each["account"] for each in seen["evidence"].values())
    assert why["details"]["explanation"]
    assert undone.success
    assert (await house.rows("SELECT identity_id FROM accounts WHERE uid = 'hers'"))[0]["identity_id"] is None
    assert [each["verdict"] for each in await house.rows("SELECT verdict FROM decisions")] == ["is_not"]
    assert "orphan:hers" in await house.findings()
    assert people


async def test_a_repair_keeps_why_it_was_made(pool: Pool, tenant_id: UUID) -> None:
    """The finding may say something else by then: it is the same row when it comes back."""
    house = await a_house(pool, tenant_id, policy={"mismatch": "update"})
    await house.provide("anna")
    await house.reconcile()
    house.target.change("uid-000001", department="Wrong")
    await house.reconcile()
    [finding] = (await house.findings("resolved")).values()
    [action] = await house.rows("SELECT details, performed_by FROM recon_actions")

    assert action["details"]["explanation"] == finding["explanation"]
    assert action["details"]["reason"] == finding["suggested_actions"][0]["reason"]
    assert action["details"]["before_state"] == {"department": "Wrong"}


async def test_what_was_unlinked_keeps_what_the_pair_looked_like(house: House) -> None:
    people = await house.provide("anna")
    await house.reconcile()
    house.target.change("uid-000001", department="Wrong")
    await house.reconcile()
    mismatch = await id_of(house, "mismatch:uid-000001")
    done = await remediate(house, Wish(mismatch, RepairAction.UNLINK))
    decisions = await house.rows("SELECT identity_id, verdict, evidence FROM decisions")

    assert done.succeeded == 1
    assert [(each["identity_id"], each["verdict"]) for each in decisions] == [(people["anna"], "is_not")]
    assert any(each["account"] for each in decisions[0]["evidence"].values())


async def test_ignored_finding_stays_aside_until_its_time_is_over(house: House) -> None:
    await house.provide("anna")
    await house.reconcile()
    house.target.put({"login": "zzz9q"}, uid="orphan")
    await house.reconcile()
    orphan, by = await id_of(house, "orphan:orphan"), await house.person()
    until = datetime.now(UTC) + timedelta(hours=1)
    async with tenant(house.pool, house.tenant_id) as conn:
        ignored = await house.remediation.ignore(
            conn, **house.where, ids=[orphan], reason="a test system", until=until, by=by
        )

    quiet = await house.reconcile()
    await house.rows("UPDATE discrepancies SET ignored_until = now() - interval '1 hour' RETURNING 1")
    loud = await house.reconcile()

    assert ignored == [orphan]
    assert (quiet.discrepancies_found, loud.discrepancies_found) == (0, 1)


async def test_preview_shows_before_and_after_and_writes_nothing(house: House) -> None:
    await house.provide("anna")
    await house.reconcile()
    house.target.change("uid-000001", department="Wrong")
    await house.reconcile()
    mismatch = await id_of(house, "mismatch:uid-000001")

    shown = await house.engine.preview(house.tenant_id, house.connector.id, [Wish(mismatch)])

    assert (shown[0].before_state, shown[0].after_state) == ({"department": "Wrong"}, {"department": "Sales"})
    assert await actions(house) == []


async def test_values_flow_back_only_where_the_mapping_lets_them(house: House) -> None:
    await house.provide("anna")
    await house.reconcile()
    house.target.change("uid-000001", department="Wrong")
    await house.reconcile()
    mismatch = await id_of(house, "mismatch:uid-000001")

    done = await remediate(house, Wish(mismatch, RepairAction.UPDATE, RepairDirection.TO_IDENTITY))

    assert done.results[0].error == "The mapping does not let department flow back to the identity."


async def test_removals_beyond_the_limit_wait_and_the_run_with_them(pool: Pool, tenant_id: UUID) -> None:
    house = await a_house(pool, tenant_id, policy={"orphan": "delete"})
    await house.provide("anna")
    for n in range(14):
        house.target.put({"login": f"zzz{n}q"}, uid=f"orphan{n}")

    run = await house.reconcile()

    waiting = await house.rows("SELECT status, wait_reason, count(*) AS n FROM operations GROUP BY 1, 2 ORDER BY 3")
    assert [(each["wait_reason"], each["n"]) for each in waiting] == [("approval", 4), (None, 10)]
    assert (run.status, run.pause_reason) == (RunStatus.PAUSED, "safeguard")


async def test_deleted_account_is_unlinked_without_a_trace_or_made_anew(house: House) -> None:
    people = await house.provide(*(f"person{n}" for n in range(8)))
    await house.reconcile()
    for uid in ("uid-000001", "uid-000002"):
        house.target.remove(uid)
    await house.reconcile()
    first, second = await id_of(house, "deleted:uid-000001"), await id_of(house, "deleted:uid-000002")

    done = await remediate(house, Wish(first, RepairAction.UNLINK), Wish(second, RepairAction.CREATE))
    await house.plan()
    await house.carry_out()

    assert done.succeeded == 2
    rows = await house.rows("SELECT identity_id, state, uid FROM accounts WHERE identity_id = ANY($1::uuid[])",
                            [people["person0"], people["person1"]])  # fmt: skip
    assert [(each["identity_id"], each["state"]) for each in rows] == [(people["person1"], "active")]
    assert rows[0]["uid"] not in {"uid-000001", "uid-000002"}


async def test_linked_account_keeps_the_name_it_is_known_by(pool: Pool, tenant_id: UUID) -> None:
    house = await a_house(
        pool, tenant_id, rules=(MappingRule("mail", source="mail"),), settings={"hook_attributes": ["login", "mail"]}
    )
    late = await house.hire("carla")
    house.target.put({"login": "an.old.name", "mail": "carla@example.org"}, uid="hers")
    await house.reconcile()
    found = await house.findings()

    await remediate(house, Wish(next(iter(found.values()))["id"], RepairAction.LINK, identity_id=late["carla"]))

    kept = await house.rows("SELECT hooked FROM accounts WHERE uid = 'hers'")
    assert kept == [{"hooked": {"login": "an.old.name", "mail": "carla@example.org"}}]


async def test_a_policy_takes_no_more_links_away_than_may_be_removed_in_a_day(pool: Pool, tenant_id: UUID) -> None:
    """Taking an account from its owner is a removal; what is beyond the limit stays open for a person."""
    house = await a_house(pool, tenant_id, policy={"deleted": "unlink"})
    await house.provide(*(f"person{n}" for n in range(60)))
    await house.reconcile()
    for n in range(1, 16):
        house.target.remove(f"uid-{n:06}")
    held = await house.reconcile()
    assert held.approval_id is not None  # so many are gone that a person looks at them first
    by = await house.person()
    async with tenant(pool, tenant_id) as conn:
        await decide_approval(conn, tenant_id, held.approval_id, approve=True, by=by, seen=1)
    run = await house.engine.run(await house.claim(held.id))
    assert run is not None
    left = await house.findings()
    by_hand = await remediate(house, Wish(next(iter(left.values()))["id"], RepairAction.UNLINK))

    assert (run.items_success, run.items_error, len(left)) == (10, 5, 5)
    assert await house.rows("SELECT sum(accepted) AS n FROM removal_counts") == [{"n": 10}]
    assert by_hand.succeeded == 1


async def test_people_unlink_together_within_the_same_limit(pool: Pool, tenant_id: UUID) -> None:
    house = await a_house(pool, tenant_id)
    await house.provide(*(f"person{n}" for n in range(60)))
    await house.reconcile()
    for n in range(1, 13):
        house.target.remove(f"uid-{n:06}")
    await house.reconcile()
    found = await house.findings()
    done = await remediate(house, *(Wish(each["id"], RepairAction.UNLINK) for each in found.values()))

    assert (done.succeeded, done.failed) == (10, 2)
    assert {each.error or "" for each in done.results if not each.success} == {TOO_MANY_UNLINKS}


async def test_a_link_to_somebody_who_has_an_account_says_what_to_do_first(repairing: House) -> None:
    house = repairing
    await one_of_each(house)
    await house.reconcile()
    taken = (await house.rows("SELECT identity_id FROM accounts WHERE uid = 'uid-000007'"))[0]["identity_id"]
    done = await remediate(house, Wish(await id_of(house, "collision:collision"), RepairAction.LINK, identity_id=taken))

    assert done.results[0].error == (
        "This person has another account here already, uid-000007; unlink that one first, or choose another."
    )


@pytest.mark.parametrize(
    ("by_script", "unlinked"),
    [pytest.param(False, 12, id="a person's act on one account"), pytest.param(True, 10, id="a script may loop")],
)
async def test_one_after_the_other_is_no_way_around_the_limit_for_a_script(
    pool: Pool, tenant_id: UUID, by_script: bool, unlinked: int
) -> None:
    house = await a_house(pool, tenant_id)
    await house.provide(*(f"person{n}" for n in range(60)))
    await house.reconcile()
    for n in range(1, 13):
        house.target.remove(f"uid-{n:06}")
    await house.reconcile()
    by = await house.person()
    done = []
    for each in (await house.findings()).values():
        async with tenant(pool, tenant_id) as conn:
            wish = Wish(each["id"], RepairAction.UNLINK)
            done.append(
                await house.remediation.remediate(conn, **house.where, wishes=[wish], by=by, by_script=by_script)
            )

    assert sum(each.succeeded for each in done) == unlinked


async def test_what_a_script_deletes_one_by_one_is_counted(pool: Pool, tenant_id: UUID) -> None:
    house = await a_house(pool, tenant_id)
    await house.reconcile()
    for n in range(12):
        house.target.put({"login": f"zz{n}q", "mail": f"nobody{n}@elsewhere.net"}, uid=f"orphan{n}")
    await house.reconcile()
    by = await house.person()
    for each in (await house.findings()).values():
        async with tenant(pool, tenant_id) as conn:
            wish = Wish(each["id"], RepairAction.DELETE)
            await house.remediation.remediate(conn, **house.where, wishes=[wish], by=by, by_script=True)

    states = [row["wait_reason"] for row in await house.rows("SELECT wait_reason FROM operations ORDER BY id")]
    assert states == [None] * 10 + ["approval"] * 2
