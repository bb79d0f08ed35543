"""Every day has its point."""

from datetime import date, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from worker.recon.trend import points

ONE, OTHER = UUID(int=1), UUID(int=2)
DAY = date(2026, 3, 1)
COUNTS = st.dictionaries(st.sampled_from(["mismatch", "orphan", "missing"]), st.integers(0, 99))


def test_a_day_that_nobody_looked_at_is_as_the_one_before_was_left() -> None:
    looked = [(ONE, DAY - timedelta(days=9), {"orphan": 4}), (ONE, DAY + timedelta(days=2), {"orphan": 1})]
    looked += [(OTHER, DAY, {"mismatch": 2})]
    today = DAY + timedelta(days=3)

    found = points(
        DAY,
        DAY + timedelta(days=4),
        found={DAY: {"orphan": 3}},
        looked=looked,
        today=today,
        now={"missing": 7},
    )

    assert [each.detected["orphan"] for each in found] == [3, 0, 0, 0, 0]
    assert [each.open["orphan"] for each in found] == [4, 4, 1, 0, 0]
    assert [each.open["mismatch"] for each in found] == [2, 2, 2, 0, 0]
    assert [each.open["missing"] for each in found] == [0, 0, 0, 7, 0]


def test_of_several_days_before_the_last_one_counts() -> None:
    looked = [(ONE, DAY - timedelta(days=n), {"orphan": n}) for n in (3, 1, 2)]

    assert points(DAY, DAY, found={}, looked=looked, today=DAY + timedelta(days=1))[0].open["orphan"] == 1


@given(
    st.integers(0, 60),
    st.dictionaries(st.integers(-5, 70), COUNTS),
    st.lists(st.tuples(st.sampled_from([ONE, OTHER]), st.integers(-9, 70), COUNTS), max_size=20),
)
def test_days_are_whole_and_in_order_and_know_every_kind(
    length: int, found: dict[int, dict[str, int]], looked: list[tuple[UUID, int, dict[str, int]]]
) -> None:
    made = points(
        DAY,
        DAY + timedelta(days=length),
        found={DAY + timedelta(days=n): counts for n, counts in found.items()},
        looked=[(who, DAY + timedelta(days=n), counts) for who, n, counts in looked],
        today=DAY + timedelta(days=100),
    )

    assert [each.date for each in made] == [DAY + timedelta(days=n) for n in range(length + 1)]
    assert {len(each.detected) for each in made} == {len(each.open) for each in made} == {6}
    inside = [counts for n, counts in found.items() if 0 <= n <= length]
    assert sum(sum(each.detected.values()) for each in made) == sum(sum(counts.values()) for counts in inside)
