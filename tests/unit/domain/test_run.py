"""The states of a run, and what it is about."""

from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from worker.domain.run import Only, PauseReason, Run, RunKind, RunMode, RunStatus, RunTrigger


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


@pytest.mark.parametrize(
    ("status", "reason", "expected"),
    [
        pytest.param(RunStatus.RUNNING, None, True, id="under way"),
        pytest.param(RunStatus.PAUSED, PauseReason.SHUTDOWN, True, id="put down for a restart"),
        pytest.param(RunStatus.PAUSED, PauseReason.TARGET, True, id="waiting for its target"),
        pytest.param(RunStatus.PAUSED, PauseReason.PERSON, False, id="paused by a person"),
        pytest.param(RunStatus.PAUSED, PauseReason.SAFEGUARD, False, id="waiting for an approval"),
        pytest.param(RunStatus.CANCELLED, PauseReason.TARGET, False, id="cancelled while it waited"),
    ],
)
def test_a_run_goes_on_by_itself_unless_people_have_a_say(status, reason, expected):
    assert replace(a_run(), status=status, pause_reason=reason).goes_on is expected
