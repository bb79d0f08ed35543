"""What shows only when an operation is about to be carried out: newer plans, accounts that are gone or were changed."""

from typing import Any
from uuid import UUID

import pytest

from tests.factories import an_operation, enqueue
from tests.integration.execution.conftest import Site
from worker.domain.errors import TransientError
from worker.domain.operation import Origin, WaitReason
from worker.domain.outcome import Cancelled, Parked, Retry, Succeeded
from worker.store.tenant import tenant


async def says(site: Site, strategy: str) -> None:
    site.targets.set(site.connector, conflict_strategy=strategy)


async def conflict(site: Site) -> tuple[str, list[str], str, str | None]:
    row = await site.row("SELECT conflict_type, affected_attributes, status, outcome FROM conflicts")
    return row["conflict_type"], row["affected_attributes"], row["status"], row["outcome"]


def only(finished: dict[UUID, Any]) -> Any:
    [one] = finished.values()
    return one.outcome


async def decides(site: Site, outcome: str) -> None:
    """A person has decided, and what waited goes on."""
    await site.rows(
        "UPDATE conflicts SET status = 'resolved', outcome = $1, resolved_at = db_now() RETURNING id", outcome
    )
    await site.rows("UPDATE operations SET status = 'pending', wait_reason = NULL RETURNING id")


@pytest.mark.parametrize(
    ("strategy", "mail", "given", "outcome"),
    [
        pytest.param("last_write_wins", "ours@example.org", "Adah", "merged", id="ours wins"),
        pytest.param("merge", "ours@example.org", "Adah", "merged", id="merge: of one value ours"),
        pytest.param("first_write_wins", "theirs@example.org", "Adah", "merged", id="theirs stays, the rest is sent"),
    ],
)
async def test_what_the_target_changed_meanwhile_is_settled_by_strategy(
    site: Site, strategy: str, mail: str, given: str, outcome: str
) -> None:
    await says(site, strategy)
    owner, account_id, uid = await site.has()
    site.target.change(uid, mail="theirs@example.org", department="Theirs")
    await site.asks("update", account_id, owner, mail="ours@example.org", given="Adah")

    assert isinstance(only(await site.run()), Succeeded)

    now = site.target.accounts[uid].attributes
    assert (now["mail"], now["given"], now["department"]) == (mail, given, "Theirs")
    assert await conflict(site) == ("external_change", ["mail"], "resolved", outcome)
    assert (await site.row("SELECT observed FROM accounts"))["observed"]["department"] == "Theirs"


async def test_the_first_write_wins_and_there_is_no_rest(site: Site) -> None:
    await says(site, "first_write_wins")
    owner, account_id, uid = await site.has()
    site.target.change(uid, mail="theirs@example.org")
    await site.asks("update", account_id, owner, mail="ours@example.org")

    assert isinstance(only(await site.run()), Cancelled)

    assert site.target.count("update") == 0
    assert await conflict(site) == ("external_change", ["mail"], "resolved", "rejected")
    ended = await site.row("SELECT status, resolution_notes FROM operations_archive")
    assert ended["status"] == "cancelled"
    assert "what came first counts" in ended["resolution_notes"]


async def test_an_operation_waits_for_a_person_and_goes_on_as_they_decided(site: Site) -> None:
    await says(site, "manual")
    owner, account_id, uid = await site.has()
    site.target.change(uid, mail="theirs@example.org")
    await site.asks("update", account_id, owner, mail="ours@example.org")

    outcome = only(await site.run())

    assert isinstance(outcome, Parked)
    assert outcome.reason is WaitReason.CONFLICT
    assert await conflict(site) == ("external_change", ["mail"], "pending", None)
    await decides(site, "applied")
    assert isinstance(only(await site.run()), Succeeded)
    assert site.target.accounts[uid].attributes["mail"] == "ours@example.org"


@pytest.mark.parametrize(
    "theirs",
    [
        pytest.param({"mail": "OURS@example.org"}, id="the same in another case, which does not count"),
        pytest.param({"given": "Someone"}, id="something else"),
        pytest.param({}, id="nothing"),
    ],
)
async def test_no_conflict_where_the_target_does_not_disagree(site: Site, theirs: dict[str, str]) -> None:
    owner, account_id, uid = await site.has()
    site.target.change(uid, **theirs)
    await site.asks("update", account_id, owner, mail="ours@example.org")

    assert isinstance(only(await site.run()), Succeeded)

    assert await site.rows("SELECT 1 FROM conflicts") == []


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"active": False}, id="only whether it is active"),
        pytest.param({"password": "x"}, id="what cannot be compared"),
    ],
)
async def test_no_read_before_an_update_that_no_answer_could_change(site: Site, fields: dict[str, Any]) -> None:
    owner, account_id, _ = await site.has()
    await site.asks("update", account_id, owner, **fields)

    await site.run()

    assert (site.target.count("get"), site.target.count("update")) == (0, 1)


async def test_the_read_before_an_update_can_be_switched_off(site: Site) -> None:
    site.targets.set(site.connector, read_before_update=False)
    owner, account_id, uid = await site.has()
    site.target.change(uid, mail="theirs@example.org")
    await site.asks("update", account_id, owner, mail="ours@example.org")

    await site.run()

    assert (site.target.count("get"), site.target.count("update")) == (0, 1)


async def test_an_account_is_read_once_however_many_ask(site: Site) -> None:
    """A target with protected accounts is read before a change anyway."""
    guard = (await site.targets.get(None, site.connector.id)).guard
    guard._is_protected = lambda account: account.attributes.get("login") == "root"  # type: ignore[assignment]  # what a filter compiles to
    owner, account_id, _ = await site.has()
    await site.asks("update", account_id, owner, mail="ours@example.org")

    await site.run()

    assert (site.target.count("get"), site.target.count("update")) == (1, 1)


@pytest.mark.parametrize(
    ("strategy", "is_made", "outcome"),
    [
        pytest.param("last_write_wins", True, "applied", id="made anew"),
        pytest.param("merge", True, "applied", id="merge: made anew"),
        pytest.param("first_write_wins", False, "rejected", id="the removal came first"),
    ],
)
@pytest.mark.parametrize("reads", [pytest.param(True, id="read before"), pytest.param(False, id="met by the write")])
async def test_an_update_of_an_account_that_is_gone(
    site: Site, strategy: str, is_made: bool, outcome: str, reads: bool
) -> None:
    site.targets.set(site.connector, conflict_strategy=strategy, read_before_update=reads)
    owner, account_id, uid = await site.has()
    site.target.remove(uid)
    await site.asks("update", account_id, owner, mail="ours@example.org")

    ended = only(await site.run())

    assert isinstance(ended, Succeeded if is_made else Cancelled)
    assert bool(site.target.accounts) == is_made
    assert await conflict(site) == ("missing_target", ["mail"], "resolved", outcome)


async def test_a_person_decides_whether_an_account_that_is_gone_is_made_anew(site: Site) -> None:
    await says(site, "manual")
    owner, account_id, uid = await site.has()
    site.target.remove(uid)
    await site.asks("update", account_id, owner, mail="ours@example.org")

    assert isinstance(only(await site.run()), Parked)
    assert site.target.accounts == {}
    await decides(site, "applied")
    assert isinstance(only(await site.run()), Succeeded)
    assert len(site.target.accounts) == 1


async def test_a_delete_of_what_is_gone_is_done_and_recorded(site: Site) -> None:
    owner, account_id, uid = await site.has()
    site.target.remove(uid)
    await site.asks("delete", account_id, owner)

    outcome = only(await site.run())

    assert (outcome.already_so, outcome.account_gone) == (True, True)
    assert await conflict(site) == ("missing_target", [], "resolved", "applied")


async def test_a_try_that_is_repeated_finds_the_same_conflict(site: Site) -> None:
    owner, account_id, uid = await site.has()
    site.target.change(uid, mail="theirs@example.org")
    await site.asks("update", account_id, owner, mail="ours@example.org")
    site.target.next("update", TransientError("not now"))

    assert isinstance(only(await site.run()), Retry)
    assert isinstance(only(await site.again()), Succeeded)

    assert len(await site.rows("SELECT 1 FROM conflicts")) == 1
    assert site.target.accounts[uid].attributes["mail"] == "ours@example.org"


async def _planned(site: Site, account_id: UUID, owner: UUID, version: int, **attributes: Any) -> UUID:
    operation = an_operation(
        site.connector.id,
        account_id,
        payload={"attributes": attributes},
        origin=Origin.EVENT,
        user_id=owner,
        identity_version=version,
    )
    return (await enqueue(site.pool, site.tenant_id, operation))[0]


@pytest.mark.parametrize(
    ("strategy", "ends", "mail", "outcome"),
    [
        pytest.param(
            "last_write_wins", Cancelled, "new@example.org", "superseded", id="the newer plan takes its place"
        ),
        pytest.param("merge", Cancelled, "new@example.org", "merged", id="merge: the same"),
        pytest.param("first_write_wins", Succeeded, "old@example.org", "applied", id="both run in order"),
        pytest.param("manual", Parked, "ada.moss@example.org", None, id="both wait"),
    ],
)
async def test_a_plan_that_a_newer_one_overtook(
    site: Site, strategy: str, ends: type[Any], mail: str, outcome: str | None
) -> None:
    await says(site, strategy)
    owner, account_id, uid = await site.has()
    old = await _planned(site, account_id, owner, 1, mail="old@example.org", given="Adah")
    claimed = await site.claim()
    await site.rows("UPDATE identities SET version = 2 RETURNING id")
    new = await _planned(site, account_id, owner, 2, mail="new@example.org")
    await site.executor.prepare(site.tenant_id, claimed)

    finished = await site.executor.process(claimed[0])
    async with site.writer() as finisher:
        finisher.put(site.lease.owner, finished)

    assert isinstance(finished.outcome, ends)
    assert await conflict(site) == ("stale_data", ["mail"], "resolved" if outcome else "pending", outcome)
    row = await site.row("SELECT operation_id_a, operation_id_b FROM conflicts")
    assert (row["operation_id_a"], row["operation_id_b"]) == (old, new)
    states = {row["id"]: row["status"] for row in await site.rows("SELECT id, status FROM operations")}
    if outcome is None:
        assert states == {old: "awaiting_system", new: "awaiting_system"}
        return
    if ends is Cancelled:
        await site.run()
        assert site.target.accounts[uid].attributes["given"] == "Adah"
    assert site.target.accounts[uid].attributes["mail"] == ("new@example.org" if ends is Cancelled else mail)


async def test_a_daemon_that_dies_after_it_settled_leaves_all_as_it_was_settled(site: Site) -> None:
    """The older one comes back with its lease, and gives way again; what only it said is said by the newer one."""
    owner, account_id, uid = await site.has()
    await _planned(site, account_id, owner, 1, mail="old@example.org", given="Adah")
    claimed = await site.claim()
    await site.rows("UPDATE identities SET version = 2 RETURNING id")
    await _planned(site, account_id, owner, 2, mail="new@example.org")
    await site.executor.prepare(site.tenant_id, claimed)
    await site.executor.process(claimed[0])  # and nobody writes down how it ended
    await site.rows("UPDATE operations SET status = 'pending', owner = NULL WHERE head RETURNING id")

    assert isinstance(only(await site.run()), Cancelled)
    assert isinstance(only(await site.run()), Succeeded)

    assert len(await site.rows("SELECT 1 FROM conflicts")) == 1
    now = site.target.accounts[uid].attributes
    assert (now["mail"], now["given"]) == ("new@example.org", "Adah")
    async with tenant(site.pool, site.tenant_id) as conn:
        assert await conn.fetchval("SELECT live FROM accounts") == 0
