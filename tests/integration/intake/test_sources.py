from typing import Any
from uuid import UUID, uuid4

import pytest

from worker.connectors import Page
from worker.domain.account import TargetAccount
from worker.domain.errors import LeaseLost, ListingChanged, TargetUnavailable
from worker.domain.run import PauseReason, RunStatus
from worker.planning import decide_approval
from worker.store import runs
from worker.store.tenant import tenant

from .conftest import House, staff


class Listing:
    """A source that lists what it is told, in pages, and breaks where it is told."""

    def __init__(
        self, *pages: list[TargetAccount], total: int | None = None, is_ended: bool = True, error: Any = None
    ) -> None:
        self.pages, self.total, self.is_ended, self.error = pages, total, is_ended, error
        self.asked: list[str | None] = []

    async def search(self, object_class: str, *, token: str | None = None) -> Page:
        self.asked.append(token)
        number = int(token or 0)
        if self.error is not None and number == len(self.pages) - 1:
            raise self.error
        is_last = number == len(self.pages) - 1
        return Page(
            tuple(self.pages[number]),
            next_token=None if is_last else str(number + 1),
            is_last=is_last and self.is_ended,
            total=self.total,
        )


def accounts(first: int, last: int, **attributes: Any) -> list[TargetAccount]:
    return [TargetAccount(str(n), {"title": f"T{n}", **attributes}) for n in range(first, last)]


async def decided(house: House, run_id: UUID, *, approve: bool) -> None:
    run = await house.run(run_id)
    assert run.approval_id is not None
    async with tenant(house.pool, house.tenant_id) as conn:
        await decide_approval(conn, house.tenant_id, run.approval_id, approve=approve, by=uuid4(), seen=1)


async def test_a_file_becomes_people_who_are_planned(house: House) -> None:
    source = await house.source(
        settings={"import": {"user_name": "login", "active": {"column": "status", "values": ["in"]}}}
    )
    house.write(
        [
            {"number": "7", "login": "ann", "status": "in", "title": "Dr"},
            {**staff(1)[0], "login": "bob", "status": "out"},
        ]
    )
    run = await house.imported(source)

    assert (run.status, run.listing_complete, run.items_total, run.items_error) == (RunStatus.COMPLETED, True, 2, 0)
    assert run.statistics["created"] == 2
    rows = await house.rows("SELECT external_id, user_name, attributes, active, authority FROM identities ORDER BY 1")
    assert rows[1] == {
        "external_id": "7",
        "user_name": "ann",
        "active": True,
        "attributes": {"number": "7", "title": "Dr"},
        "authority": {"number": str(source.id), "title": str(source.id), "user_name": str(source.id)},
    }
    assert rows[0]["active"] is False
    linked = await house.rows(
        "SELECT 1 FROM accounts a JOIN identities i ON i.id = a.identity_id WHERE a.state = 'active'"
    )
    assert len(linked) == 2
    assert await house.planned() == 2


async def test_an_unchanged_import_writes_no_row(house: House) -> None:
    source = await house.source()
    house.write(staff(30))
    await house.imported(source)
    await house.planned()
    query = "SELECT id, xmin::text, ctid::text FROM {} ORDER BY id"
    before = [await house.rows(query.format(table)) for table in ("identities", "accounts")]
    run = await house.imported(source)

    assert [await house.rows(query.format(table)) for table in ("identities", "accounts")] == before
    assert (run.statistics["unchanged"], run.statistics["created"], run.statistics["updated"]) == (30, 0, 0)
    assert await house.planned() == 0


async def test_only_who_changed_is_written_and_planned(house: House) -> None:
    source = await house.source()
    house.write(staff(10))
    await house.imported(source)
    await house.planned()
    house.write([*staff(9), {"number": 109, "title": "Chief"}])
    run = await house.imported(source)

    assert (run.statistics["updated"], run.statistics["unchanged"]) == (1, 9)
    assert (await house.people())["109"]["attributes"]["title"] == "Chief"
    assert await house.planned() == 1


async def test_what_another_source_said_first_stays(house: House) -> None:
    hr, crm = await house.source("hr"), await house.source("crm")
    house.write(staff(1), "hr")
    house.write([{"number": 100, "title": "Other", "phone": "5"}], "crm")
    await house.imported(hr)
    await house.imported(crm)

    assert (await house.people())["100"]["attributes"] == {"number": "100", "title": "T0", "phone": "5"}


async def test_leavers_become_inactive_and_rehires_active(house: House) -> None:
    source = await house.source()
    house.write(staff(10))
    await house.imported(source)
    house.write(staff(8))
    left = await house.imported(source)
    gone = await house.people()
    await house.planned()
    house.write(staff(10))
    back = await house.imported(source)

    assert (left.status, left.statistics["vanished"]) == (RunStatus.COMPLETED, 2)
    assert [key for key, each in sorted(gone.items()) if not each["active"]] == ["108", "109"]
    assert back.statistics["updated"] == 2
    assert all(each["active"] for each in (await house.people()).values())
    assert await house.planned() == 2


async def test_who_is_in_another_source_stays_active(house: House) -> None:
    hr, crm = await house.source("hr"), await house.source("crm")
    house.write(staff(10), "hr")
    house.write(staff(10), "crm")
    await house.imported(hr)
    await house.imported(crm)
    house.write(staff(9), "hr")
    await house.imported(hr)

    assert (await house.people())["109"]["active"] is True


@pytest.mark.parametrize("left", [pytest.param(0, id="emptied"), pytest.param(10, id="halved")])
async def test_an_emptied_or_halved_source_removes_nobody_before_a_person_agrees(house: House, left: int) -> None:
    source = await house.source()
    house.write(staff(20))
    await house.imported(source)
    await house.planned()
    house.write(staff(left))
    run = await house.imported(source)

    assert (run.status, run.pause_reason, run.listing_complete) == (RunStatus.PAUSED, PauseReason.SAFEGUARD, False)
    assert all(each["active"] for each in (await house.people()).values())
    assert await house.planned() == 0
    (approval,) = await house.rows("SELECT kind, held, sample, reason, run_id FROM approvals")
    assert (approval["kind"], approval["held"], approval["run_id"]) == ("incomplete_source", 20 - left, run.id)
    assert approval["sample"][0] == {"what": "deactivate", "who": str(100 + left), "uid": str(100 + left)}
    assert "Nobody was made inactive" in approval["reason"]

    await decided(house, run.id, approve=True)
    ended = await house.process(await house.claim(run.id))

    assert (ended.status, ended.statistics["vanished"]) == (RunStatus.COMPLETED, 20 - left)
    assert sum(each["active"] for each in (await house.people()).values()) == left
    assert await house.planned() == 20 - left


async def test_a_rejected_removal_keeps_everybody(house: House) -> None:
    source = await house.source()
    house.write(staff(20))
    await house.imported(source)
    house.write(staff(5))
    run = await house.imported(source)
    await decided(house, run.id, approve=False)
    ended = await house.process(await house.claim(run.id))

    assert (ended.status, ended.listing_complete, ended.statistics["kept"]) == (RunStatus.COMPLETED, False, 15)
    assert all(each["active"] for each in (await house.people()).values())


async def test_a_file_of_no_bytes_removes_nobody_before_a_person_agrees(house: House) -> None:
    source = await house.source()
    house.write(staff(5))
    await house.imported(source)
    (house.folder / "hr.csv").write_text("")
    run = await house.imported(source)

    assert (run.status, run.pause_reason) == (RunStatus.PAUSED, PauseReason.SAFEGUARD)
    (approval,) = await house.rows("SELECT held, sample FROM approvals")
    assert (approval["held"], len(approval["sample"])) == (5, 5)
    assert all(each["active"] for each in (await house.people()).values())


@pytest.mark.parametrize(
    "listing",
    [
        pytest.param(Listing(accounts(0, 9), is_ended=False), id="no end marked"),
        pytest.param(Listing(accounts(0, 9), total=12), id="fewer than announced"),
    ],
)
async def test_a_listing_that_broke_off_removes_nobody(house: House, listing: Listing) -> None:
    source = await house.source()
    house.guard = Listing(accounts(0, 10))
    await house.imported(source)
    house.guard = listing
    run = await house.imported(source)

    assert run.status is RunStatus.PAUSED
    assert (await house.people())["9"]["active"] is True


async def test_rows_that_come_twice_do_not_stand_for_those_that_are_missing(house: House) -> None:
    source = await house.source()
    house.guard = Listing(accounts(0, 10))
    await house.imported(source)
    house.guard = Listing(accounts(0, 8), accounts(0, 2), total=10)
    run = await house.imported(source)

    assert (run.status, run.accounts_processed, run.items_total) == (RunStatus.PAUSED, 8, 10)
    assert run.statistics["doubt"] == "The list shows 8, but says that there are 10."
    assert (await house.people())["9"]["active"] is True


async def test_an_incomplete_listing_that_misses_nobody_completes_and_says_so(house: House) -> None:
    source = await house.source()
    house.guard = Listing(accounts(0, 10), is_ended=False)
    run = await house.imported(source)

    assert (run.status, run.listing_complete) == (RunStatus.COMPLETED, False)


async def test_a_key_that_comes_twice_is_an_error_that_stops_nobody(house: House) -> None:
    source = await house.source()
    house.guard = Listing(accounts(0, 5), [*accounts(3, 4, title="Other"), *accounts(5, 7)])
    run = await house.imported(source)

    assert (run.status, run.items_total, run.items_success, run.items_error) == (RunStatus.COMPLETED, 8, 7, 1)
    assert run.statistics["errors"][0]["uid"] == "3"
    assert (await house.people())["3"]["attributes"] == {"title": "T3"}


async def test_two_rows_with_one_external_id_do_not_share_a_person(house: House) -> None:
    source = await house.source(settings={"import": {"external_id": "login"}})
    one, two, three = (
        TargetAccount(uid, {"login": login}) for uid, login in (("1", "ann"), ("2", "ann"), ("3", "bob"))
    )
    house.guard = Listing([one, two], [three, TargetAccount("4", {"login": "bob"})])
    run = await house.imported(source)

    assert run.items_error == 2
    assert {error["uid"] for error in run.statistics["errors"]} == {"2", "4"}
    assert set(await house.people()) == {"ann", "bob"}


async def test_who_comes_back_in_another_row_is_the_same_person_again(house: House) -> None:
    """A row that is gone keeps its person from nothing: whoever is hired again gets another one in many systems."""
    source = await house.source(settings={"import": {"external_id": "login"}})
    others = [TargetAccount(str(n), {"login": f"login{n}"}) for n in range(10)]
    house.guard = Listing([*others, TargetAccount("21", {"login": "ann"})])
    await house.imported(source)
    house.guard = Listing(others)
    await house.imported(source)
    gone = await house.people()
    house.guard = Listing([*others, TargetAccount("37", {"login": "ann"})])
    run = await house.imported(source)
    people = await house.people()

    assert [gone["ann"]["active"], gone["login0"]["active"]] == [False, True]
    assert (run.items_error, run.statistics.get("errors")) == (0, None)
    assert (len(people), people["ann"]["active"]) == (11, True)


async def test_a_row_that_cannot_be_kept_is_an_error(house: House) -> None:
    source = await house.source()
    house.guard = Listing([*accounts(0, 3), TargetAccount("9", {"title": "a\0b"}), TargetAccount("x\0", {})])
    run = await house.imported(source)

    assert (run.status, run.items_success, run.items_error) == (RunStatus.COMPLETED, 3, 2)


async def test_a_source_that_is_down_is_waited_for(house: House) -> None:
    source = await house.source()
    house.guard = Listing(accounts(0, 5), [], error=TargetUnavailable())
    run = await house.imported(source)

    assert (run.status, run.pause_reason) == (RunStatus.PAUSED, PauseReason.TARGET)
    assert run.error_message is not None
    assert run.error_message.startswith("The target cannot be reached.")
    assert len(await house.people()) == 5


async def test_a_listing_that_changes_again_and_again_fails_the_run(house: House) -> None:
    source = await house.source()
    house.guard = Listing(accounts(0, 5), [], error=ListingChanged())

    assert (await house.imported(source)).status is RunStatus.FAILED
    assert house.guard.asked == [None, "1"] * 4


async def test_a_listing_that_begins_again_takes_no_row_twice_and_loses_none(house: House) -> None:
    source = await house.source()

    class Once(Listing):
        async def search(self, object_class: str, *, token: str | None = None) -> Page:
            if token == "1" and self.error:
                self.pages, self.error = [accounts(10, 12), accounts(0, 4), accounts(4, 10)], None
                raise ListingChanged
            return await super().search(object_class, token=token)

    house.guard = Once(accounts(0, 5), accounts(5, 10), error=ListingChanged())
    run = await house.imported(source)

    assert (run.status, run.listing_complete) == (RunStatus.COMPLETED, True)
    assert (run.accounts_processed, run.items_total, run.items_error) == (12, 12, 0)
    assert len(await house.people()) == 12


async def test_a_wrong_form_fails_the_run(house: House) -> None:
    source = await house.source(settings={"import": {"extrenal_id": "x"}})
    house.write(staff(1))

    assert (await house.imported(source)).error_message == '"import" has no part "extrenal_id".'


async def test_a_run_put_down_and_taken_up_equals_one_that_was_not(house: House) -> None:
    source = await house.source()
    house.guard = Listing(accounts(0, 10), accounts(10, 20), accounts(20, 30))
    await house.imported(source)
    pages = [accounts(0, 9), [*accounts(10, 20, room="1"), *accounts(0, 1)], accounts(20, 29)]
    house.guard = Listing(*pages)
    house.stop_after, house.looks = 1, 0
    put_down = await house.imported(source)
    house.stop_after = None
    ended = await house.process(await house.claim(put_down.id))

    assert (put_down.status, put_down.pause_reason) == (RunStatus.PAUSED, PauseReason.SHUTDOWN)
    assert house.guard.asked == [None, "1", "2"]
    assert ended.status is RunStatus.COMPLETED
    assert (ended.items_total, ended.items_error) == (29, 1)
    assert {name: ended.statistics[name] for name in ("updated", "unchanged", "vanished")} == {
        "updated": 10,
        "unchanged": 18,
        "vanished": 2,
    }


async def test_a_run_that_was_taken_over_writes_nothing_more(house: House) -> None:
    source = await house.source()
    run = await house.begin(source)
    house.guard = Listing(accounts(0, 5))
    await house.rows("UPDATE runs SET epoch = epoch + 1 RETURNING id")

    with pytest.raises(LeaseLost):
        await house.process(run)
    assert await house.people() == {}


@pytest.mark.parametrize(("wish", "status"), [("pause", RunStatus.PAUSED), ("cancel", RunStatus.CANCELLED)])
async def test_a_person_can_pause_or_cancel_on_the_way(house: House, wish: str, status: RunStatus) -> None:
    source = await house.source()
    run = await house.begin(source)
    house.guard = Listing(accounts(0, 5), accounts(5, 10))
    async with tenant(house.pool, house.tenant_id) as conn:
        ask = runs.request_pause if wish == "pause" else runs.request_cancel
        await ask(conn, tenant_id=house.tenant_id, run_id=run.id)

    assert (await house.process(run)).status is status
    assert len(await house.people()) == 5


async def test_a_dry_run_counts_and_writes_nobody(house: House) -> None:
    source = await house.source()
    house.write(staff(10))
    await house.imported(source)
    await house.planned()
    house.write([*staff(8, title="New"), *({"number": 200 + n, "title": "N"} for n in range(3))])
    run = await house.imported(source, dry_run=True)

    assert {name: run.statistics[name] for name in ("created", "updated", "vanished")} == {
        "created": 3,
        "updated": 8,
        "vanished": 2,
    }
    assert len(await house.people()) == 10
    assert await house.planned() == 0


async def test_what_nobody_foresaw_ends_the_run_in_words(house: House) -> None:
    """Left running it would be taken up again at every look, and end the same way for ever."""

    class Broken:
        async def search(self, *_: Any, **__: Any) -> None:
            raise ZeroDivisionError

    house.guard = Broken()
    run = await house.begin(await house.source())

    with pytest.raises(ZeroDivisionError):
        await house.process(run)

    async with tenant(house.pool, house.tenant_id) as conn:
        ended = await runs.get(conn, tenant_id=house.tenant_id, run_id=run.id)
    assert ended is not None
    assert (ended.status, ended.error_message) == (RunStatus.FAILED, "An error in provisiond; see its log.")
