"""The states of a run."""

import pytest

from worker.domain.run import RunStatus


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
