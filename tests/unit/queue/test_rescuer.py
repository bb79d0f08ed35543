"""When the rescuer has nothing to look for."""

from uuid import uuid4

import pytest

from worker.queue.rescuer import rest
from worker.store.workers import Expired


@pytest.mark.parametrize(
    ("expired", "seconds"),
    [
        pytest.param(Expired([], next_in_s=40.0), 15.0, id="somebody with a shorter lease may have come"),
        pytest.param(Expired([], next_in_s=4.0), 4.0, id="until the next may be over"),
        pytest.param(Expired([]), 15.0, id="nobody is there"),
        pytest.param(Expired([uuid4()], next_in_s=40.0), 0.0, id="there are more than were seen, or it failed in part"),
        pytest.param(Expired([], next_in_s=40.0, has_older=True), 0.0, id="an older version is watched"),
    ],
)
def test_for_how_long_nobody_need_look(expired: Expired, seconds: float) -> None:
    assert rest(expired, at_most_s=15.0) == seconds
