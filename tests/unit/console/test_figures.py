from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.e2e.fakes import sample
from worker.console.figures import bar_list, hour_chart, segments, trend_chart
from worker.console.views import HourCount, TrendDay

COUNTS = st.lists(st.integers(0, 10**7), max_size=8)


@given(COUNTS)
def test_every_share_can_be_seen_and_all_fit(values):
    bars = segments([("gray", value) for value in values])

    assert len(bars) == sum(value > 0 for value in values)
    assert all(bar.width >= 3.99 for bar in bars)
    assert not bars or abs(bars[-1].x + bars[-1].width - 300) < 0.5


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), min_size=1, max_size=24))
def test_hours_stay_inside_the_chart(pairs):
    hours = [HourCount(sample.NOW + timedelta(hours=n), *pair) for n, pair in enumerate(pairs)]
    chart = hour_chart(hours)

    assert all(bar.y >= 0 and bar.y + bar.height <= chart.height + 0.01 for bar in chart.bars)
    assert all(bar.height >= 3 for bar in chart.bars if bar.family == "red")


def test_an_empty_day_has_a_scale_and_no_bars():
    chart = hour_chart([HourCount(sample.NOW)])

    assert chart.bars == ()
    assert chart.ticks[-1][0] == 10


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), min_size=1, max_size=365))
def test_days_have_a_place_each_and_stay_inside_the_chart(pairs):
    days = [TrendDay(date=sample.NOW.date(), detected={"orphan": a}, open={"orphan": b}) for a, b in pairs]
    chart = trend_chart(days)

    assert len(chart.line) == len(days)
    assert all(0 <= x <= chart.width and 0 <= y <= chart.height for x, y in chart.line)
    assert all(bar.y >= 0 and bar.width > 0 and bar.height >= 3 for bar in chart.bars)
    assert len(chart.bars) == sum(1 for a, _ in pairs if a)


def test_bars_of_a_list_share_one_scale_and_none_that_counts_is_invisible():
    chart = bar_list(
        [("Mismatch", "yellow", 1000), ("Missing", "red", 1), ("Orphan", "orange", 0)], width=480, label=140
    )

    assert [row.bar.width for row in chart.rows] == [270, 3, 0]
    assert [row.value for row in chart.rows] == [1000, 1, 0]
    assert (chart.height, bar_list([]).rows) == (78, ())
