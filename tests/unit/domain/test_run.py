"""The states of a run, and what it is about."""

from uuid import UUID, uuid4

import pytest

from worker.domain.run import Only, Run, RunKind, RunMode, RunStatus, RunTrigger


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        pytest.param(RunStatus.PENDING, True, id="pending"),
        pytest.param(RunStatus.RUNNING, True, id="running"),
        pytest.param(RunStatus.PAUSED, True, id="paused"),
        pytest.param(RunStatus.COMPLETED, False, id="completed"),
        pytest.param(RunStatus.FAILED, False, id="failed"),
        pytest.param(RunStatus.CANCELLED, False, id="cancelled"),
    ],
)
def test_a_live_run_keeps_others_out(status, expected):
    assert status.is_live is expected


def a_run(**statistics):
    where = (uuid4(), uuid4(), uuid4())
    return Run(
        *where,
        RunKind.RECONCILIATION,
        RunMode.DELTA,
        RunStatus.PENDING,
        RunTrigger.MANUAL,
        uuid4(),
        statistics=statistics,
    )


def test_a_run_over_single_accounts_knows_which():
    only = Only(("u1", "u2"), (UUID(int=1),))

    assert a_run(**only.kept()).only == only
    assert a_run(known=3).only is None
