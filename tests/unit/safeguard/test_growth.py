"""What is unusual for a target waits for a person; what is usual does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.safeguard import DEFAULT_LIMITS, Intent, SafeguardLimits, doubt_about

COUNTS = st.integers(0, 1_000_000)
HISTORIES = st.lists(COUNTS, max_size=9)


@pytest.mark.parametrize(
    ("intent", "doubt"),
    [
        pytest.param(Intent(90, 1000), None, id="little, nothing known"),
        pytest.param(Intent(900, 1000), None, id="much, and nothing known of what is usual"),
        pytest.param(Intent(900, 1000, (5, 5)), None, id="two runs say nothing yet"),
        pytest.param(Intent(100, 1000, (0, 0, 0)), None, id="as many as are always allowed"),
        pytest.param(Intent(101, 9000, (4, 9, 2)), "101 repairs are due; the last 3 runs had 4 as a rule.", id="grown"),
        pytest.param(Intent(400, 9000, (90, 100, 80)), None, id="four times what is usual"),
        pytest.param(
            Intent(501, 9000, (1, 100, 100, 2000)),
            "501 repairs are due; the last 4 runs had 100 as a rule.",
            id="one bad run is no rule",
        ),
        pytest.param(
            Intent(60, 150, alike=60, cause="mail: the domain is another"),
            "The same repair is due at 60 of 150 accounts: mail: the domain is another.",
            id="alike",
        ),
        pytest.param(Intent(60, 300, alike=60), None, id="alike, at few of them"),
        pytest.param(Intent(50, 50, alike=50), None, id="alike, at a small target"),
    ],
)
def test_doubt_is_told_in_a_sentence(intent: Intent, doubt: str | None) -> None:
    assert doubt_about(intent) == doubt


@given(COUNTS, COUNTS, HISTORIES, COUNTS)
def test_fewer_repairs_are_never_more_doubtful(repairs: int, accounts: int, earlier: list[int], fewer: int) -> None:
    more, less = max(repairs, fewer), min(repairs, fewer)

    if doubt_about(Intent(more, accounts, earlier)) is None:
        assert doubt_about(Intent(less, accounts, earlier)) is None


@given(COUNTS, HISTORIES, st.integers(1, 200), st.integers(0, 200))
def test_limits_that_are_wide_enough_let_everything_pass(
    repairs: int, earlier: list[int], accounts: int, alike: int
) -> None:
    limits = SafeguardLimits(growth_floor=1_000_000, alike_floor=200)

    assert doubt_about(Intent(repairs, accounts, earlier, alike), limits) is None


def test_no_run_is_held_for_as_many_repairs_as_are_always_allowed() -> None:
    least = min(DEFAULT_LIMITS.growth_floor, DEFAULT_LIMITS.alike_floor)

    assert doubt_about(Intent(least, least, (0, 0, 0), least)) is None
