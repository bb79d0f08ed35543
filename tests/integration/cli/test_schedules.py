"""Schedules from the command line: what a person reads, what a program reads."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from tests.conftest import Database
from tests.factories import a_connector
from tests.integration.cli.conftest import Configure
from worker.cli import run
from worker.store.pool import open_pool

Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
async def say(database: Database, tenant_id: UUID, configure: Configure, capsys: pytest.CaptureFixture[str]) -> Say:
    """Run a command line of schedules where there is a target called app."""
    configure(database_url=database.daemon_dsn)
    pool = await open_pool(database.daemon_dsn, size=1)
    await a_connector(pool, tenant_id, name="app")
    await pool.close()

    def said(*arguments: str) -> tuple[int, str, str]:
        code = run(["schedules", *arguments])
        found = capsys.readouterr()
        return code, found.out, found.err

    return said


def read(say: Say, *arguments: str) -> Any:
    code, out, err = say(*arguments, "--json")
    assert (code, err) == (0, "")
    return json.loads(out)


def test_a_schedule_is_set_looked_at_switched_and_deleted(say: Say) -> None:
    none = say("list")
    made = say(
        *("set", "app", "--every", "weekly", "--weekday", "sun", "--hour", "3", "--timezone", "Europe/Berlin"),
        *("--jitter", "300", "--blackout", "Mon-Fri 08:00-18:00"),
    )
    known = read(say, "show", "app")
    off = read(say, "disable", "app")
    listed = say("list")
    on = read(say, "enable", "app")
    deleted = say("delete", "app")
    gone = say("show", "app")

    assert none == (0, "There is no schedule.\n", "")
    assert made[0] == 0
    assert "every Sunday at 03:00 Europe/Berlin" in made[1]
    assert "Mon,Tue,Wed,Thu,Fri 08:00-18:00" in made[1]
    assert made[1].count("Sun 20") == 5
    assert (known["version"], known["jitter_seconds"], len(known["next"]), known["last"]) == (1, 300, 5, [])
    assert (off["enabled"], off["next_run_at"], off["next"]) == (False, None, [])
    assert "off" in listed[1]
    assert (on["enabled"], on["next_run_at"]) == (True, known["next_run_at"])
    assert deleted[1] == "The schedule of app is deleted. Its runs stay.\n"
    assert (gone[0], gone[2]) == (
        4,
        "provisiond: app has no schedule; make one with `provisiond schedules set app --every …`.\n",
    )


def test_next_runs_are_told_before_anything_is_saved(say: Say) -> None:
    code, out, _ = say("next", "app", "--every", "cron", "--cron", "0 * * * *", "--blackout", "00:00-23:30", "-n", "2")
    found = read(say, "next", "app", "--every", "hourly", "-n", "3")
    unsaved = say("show", "app")

    assert code == 0
    assert "behind a black-out" in out
    assert len(found) == 3
    assert unsaved[0] == 4


def test_a_run_is_started_beside_the_times(say: Say) -> None:
    read(say, "set", "app", "--every", "daily", "--hour", "3", "--mode", "delta")
    started = read(say, "run", "app", "--no-wait")
    again = say("run", "app", "--no-wait")

    assert (started["connector"], started["mode"], started["status"]) == ("app", "delta", "pending")
    assert (again[0], again[2]) == (4, "provisiond: A run of this connector is under way.\n")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        pytest.param("set app", "Say how often with --every: hourly, daily, weekly, monthly, cron.", id="how often"),
        pytest.param("set app --every daily", "hour_of_day: is needed for daily.", id="no hour"),
        pytest.param(
            "set app --every fortnightly",
            "fortnightly is not a frequency; there are hourly, daily, weekly, monthly, cron.",
            id="no frequency",
        ),
        pytest.param(
            "set app --every hourly --timezone Berlin",
            "timezone: there is no such time zone; did you mean Europe/Berlin?",
            id="no zone",
        ),
        pytest.param(
            "set app --every hourly --blackout night",
            "“night” is no black-out: write 22:00-06:00 or Mon-Fri 08:00-18:00.",
            id="no black-out",
        ),
        pytest.param(
            "next app", "app has no schedule; make one with `provisiond schedules set app --every …`.", id="none"
        ),
        pytest.param("show ap", "There is no connector ap; see `provisiond connectors list`.", id="no connector"),
    ],
)
def test_what_is_wrong_is_one_sentence(say: Say, line: str, said: str) -> None:
    assert say(*line.split()) == (4, "", f"provisiond: {said}\n")
