"""Schedules on the pages of the console, over a real house."""

import pytest

from tests.integration.actions.conftest import Works
from tests.integration.api.conftest import Client
from tests.integration.api.test_console import form_of
from worker.schedule import Ticker

LIST = "/schedules"
WRITTEN = {
    "frequency": "weekly",
    "hour_of_day": "3",
    "day_of_week": "0",
    "timezone": "Europe/Berlin",
    "mode": "full",
    "missed_run_policy": "skip",
    "jitter_seconds": "0",
    "blackouts": "Mon-Fri 08:00-18:00\r\n23:00-01:00",
    "enabled": "true",
}


@pytest.fixture
async def path(works: Works) -> str:
    """The page of the schedule, for a person who may configure."""
    await works.rows("UPDATE role_grants SET role = 'admin' WHERE principal_id = $1", works.operator.id)
    return f"/connectors/{works.connector.id}/reconciliation/schedule"


async def test_a_schedule_is_tried_saved_switched_and_deleted(browser: Client, works: Works, path: str) -> None:
    _, empty = await browser.get(path)
    form = {**form_of(empty), **WRITTEN}
    _, ahead = await browser.call("POST", f"{path}/preview", data=form)
    unsaved = await works.value("SELECT count(*) FROM schedules")
    _, saved = await browser.call("POST", path, data=form)
    outdated, refused = await browser.call("POST", path, data={**form, "hour_of_day": "4"})
    _, listed = await browser.get(LIST)
    for verb, said in (
        ("disable", "The schedule is off"),
        ("enable", "The schedule is on"),
        ("run", "The run starts."),
    ):
        _, question = await browser.get(f"{path}/{verb}")
        _, answer = await browser.call("POST", f"{path}/{verb}", data=form_of(question))
        assert said in answer
    _, question = await browser.get(f"{path}/delete")
    _, gone = await browser.call("POST", f"{path}/delete", data=form_of(question))

    assert (unsaved, ahead.count("<b>Sun 20")) == (0, 5)
    assert "The schedule is saved." in saved
    assert "Mon,Tue,Wed,Thu,Fri 08:00-18:00\n23:00-01:00" in saved
    assert outdated == 409
    assert "Somebody else changed this meanwhile" in refused
    assert "every Sunday at 03:00 Europe/Berlin" in listed
    assert "The schedule is deleted" in gone
    assert await works.value("SELECT count(*) FROM schedules") == 0


async def test_mistakes_are_told_by_field_and_what_was_written_stays(browser: Client, works: Works, path: str) -> None:
    _, empty = await browser.get(path)
    wrong = {"hour_of_day": "noon", "blackouts": "at night", "frequency": "sometimes"}
    status, page = await browser.call("POST", path, data={**form_of(empty), **WRITTEN, **wrong})
    _, other = await browser.call("POST", f"{path}/preview", data={**form_of(empty), **WRITTEN, "timezone": "Berlin"})

    assert status == 409
    for told in ("Hour of day:</b> must be a number", "Frequency:</b> must be chosen", "is no black-out"):
        assert told in page
    assert "at night</textarea>" in page
    assert "there is no such time zone; did you mean Europe/Berlin?" in other
    assert await works.value("SELECT count(*) FROM schedules") == 0


async def test_the_page_says_why_an_occurrence_was_skipped(browser: Client, works: Works, path: str) -> None:
    _, empty = await browser.get(path)
    await browser.call("POST", path, data={**form_of(empty), **WRITTEN, "blackouts": ""})
    await works.rows("UPDATE schedules SET next_run_at = '2026-01-04 02:00:00+00'")
    schedule_id = await works.value("SELECT id FROM schedules")
    await Ticker(works.house.pool).run_once(works.tenant_id, schedule_id)
    _, listed = await browser.get(LIST)
    _, page = await browser.get(path)

    for each in (listed, page):
        assert "No daemon looked when it was due, and missed runs are skipped." in each


async def test_who_may_not_configure_sees_and_changes_nothing(browser: Client, works: Works) -> None:
    path = f"/connectors/{works.connector.id}/reconciliation/schedule"
    _, page = await browser.get(path)
    status, said = await browser.call("POST", path, data={**form_of(page), **WRITTEN})
    missing, _ = await browser.get("/connectors/00000000-0000-7000-8000-000000000000/reconciliation/schedule")

    assert ">Save<" not in page
    assert (status, missing) == (409, 404)
    assert "role admin" in said
    assert await works.value("SELECT count(*) FROM schedules") == 0
