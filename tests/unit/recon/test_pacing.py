"""How fast a run is now, and what it says while nobody can know."""

from typing import Any
from uuid import UUID

import pytest

from worker.domain.run import Run, RunKind, RunMode, RunStatus, RunTrigger
from worker.recon import expected, pace, seconds_left
from worker.store.run_history import Listed


def a_run(**fields: Any) -> Run:
    one = UUID(int=1)
    usual = {"status": RunStatus.RUNNING, "kind": RunKind.RECONCILIATION, "mode": RunMode.FULL, "phase": "listing"}
    return Run(one, one, one, trigger=RunTrigger.MANUAL, correlation_id=one, **{**usual, **fields})


@pytest.mark.parametrize(
    ("run", "listed", "known"),
    [
        pytest.param(a_run(accounts_processed=1000), Listed(10, 5, 50.0), 10.0, id="pages of 100, one in ten seconds"),
        pytest.param(a_run(accounts_processed=100), Listed(1), None, id="one page says nothing"),
        pytest.param(a_run(accounts_processed=900), Listed(9, 0, 58.0), None, id="nothing came for a minute"),
        pytest.param(a_run(), Listed(), None, id="nothing yet"),
        pytest.param(a_run(accounts_processed=9, phase="owners"), Listed(9, 5, 5.0), None, id="all is listed"),
        pytest.param(a_run(accounts_processed=9, status=RunStatus.PAUSED), Listed(9, 5, 5.0), None, id="put down"),
    ],
)
def test_pace_is_that_of_the_last_minute_or_not_known(run: Run, listed: Listed, known: float | None) -> None:
    assert pace(run, listed) == known


def test_time_left_is_told_only_while_it_can_be_known() -> None:
    listing = a_run(accounts_total=10)

    assert seconds_left(listing, rate=2.0) == 5.0
    assert seconds_left(listing, rate=None) is None
    assert seconds_left(a_run(accounts_total=10, phase="owners"), rate=2.0) is None
    assert seconds_left(a_run(), rate=2.0) is None


def test_what_we_know_counts_where_the_target_does_not_say() -> None:
    assert expected(a_run(accounts_processed=40, statistics={"known": 90})) == 90
    assert expected(a_run(accounts_processed=95, statistics={"known": 90})) == 95
