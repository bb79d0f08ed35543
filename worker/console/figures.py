"""Geometry of small charts drawn on the server: numbers in, rectangles out. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from worker.console.views import HourCount, TrendDay


@dataclass(frozen=True, slots=True)
class Bar:
    """One rectangle of a chart, in the units of its view box."""

    x: float
    y: float
    width: float
    height: float
    family: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class HourChart:
    """Stacked bars per hour with grid lines at ``ticks`` (value, y)."""

    width: float
    height: float
    bars: tuple[Bar, ...]
    ticks: tuple[tuple[int, float], ...]


def hour_chart(hours: Sequence[HourCount], *, width: float = 600, height: float = 160) -> HourChart:
    """Completed below, failed on top; a failed share is at least 3 units high so that it can be seen."""
    top = _round_up(max((h.completed + h.failed for h in hours), default=0))
    plot = height - 8
    step = width / max(len(hours), 1)
    bars: list[Bar] = []
    for index, hour in enumerate(hours):
        x, w = index * step + 1, step - 2
        failed = max(hour.failed / top * plot, 3.0) if hour.failed else 0.0
        done = hour.completed / top * plot
        if done:
            bars.append(Bar(x, height - done, w, done, "green"))
        if failed:
            bars.append(Bar(x, max(0.0, height - done - failed - 1), w, failed, "red"))
    ticks = tuple((round(top * part), height - plot * part) for part in (0.5, 1.0))
    return HourChart(width, height, tuple(bars), ticks)


@dataclass(frozen=True, slots=True)
class TrendChart:
    """A bar for what was found each day, and a line of what was open at its end, on one scale."""

    width: float
    height: float
    bars: tuple[Bar, ...]
    line: tuple[tuple[float, float], ...]
    ticks: tuple[tuple[int, float], ...]


def trend_chart(days: Sequence[TrendDay], *, width: float = 600, height: float = 160) -> TrendChart:
    """Days from left to right; a day that found anything has a bar of 3 units at least."""
    top = _round_up(max((max(day.detected_total, day.open_total) for day in days), default=0))
    plot = height - 8
    step = width / max(len(days), 1)
    gap = min(1.0, step / 8)
    bars = [
        Bar(at * step + gap, height - tall, step - 2 * gap, tall, "blue")
        for at, day in enumerate(days)
        if (tall := max(day.detected_total / top * plot, 3.0) if day.detected_total else 0.0)
    ]
    line = tuple(((at + 0.5) * step, height - day.open_total / top * plot) for at, day in enumerate(days))
    ticks = tuple((round(top * part), height - plot * part) for part in (0.5, 1.0))
    return TrendChart(width, height, tuple(bars), line, ticks)


@dataclass(frozen=True, slots=True)
class ListedBar:
    """One bar with its label before and its number behind it; ``y`` is the base line of both."""

    label: str
    value: int
    bar: Bar
    y: float


@dataclass(frozen=True, slots=True)
class BarList:
    """Bars one below the other, each with its words."""

    width: float
    height: float
    rows: tuple[ListedBar, ...]


def bar_list(counts: Sequence[tuple[str, str, int]], *, width: float = 480, label: float = 140) -> BarList:
    """(label, family, value) as bars on one scale; one that is not zero can be seen."""
    step, thick, number = 26.0, 14.0, 70.0
    top = max((value for _, _, value in counts), default=0) or 1
    room = width - label - number
    rows = []
    for at, (name, family, value) in enumerate(counts):
        length = max(value / top * room, 3.0) if value else 0.0
        rows.append(ListedBar(name, value, Bar(label, at * step + 4, length, thick, family), at * step + 15))
    return BarList(width, max(step * len(counts), step), tuple(rows))


def segments(
    counts: Sequence[tuple[str, int]], *, width: float = 300, least: float = 4, gap: float = 2
) -> tuple[Bar, ...]:
    """One bar cut into shares; a share that is not zero is at least ``least`` wide."""
    present = [(family, value) for family, value in counts if value > 0]
    total = sum(value for _, value in present)
    if not total:
        return ()
    free = width - gap * (len(present) - 1) - least * len(present)
    x, bars = 0.0, []
    for family, value in present:
        w = least + free * value / total
        bars.append(Bar(round(x, 2), 0, round(w, 2), 8, family, str(value)))
        x += w + gap
    return tuple(bars)


def _round_up(value: int) -> int:
    """The next number that halves well; at least 10."""
    size = 10
    while True:
        for factor in (1.0, 1.2, 1.6, 2.0, 2.4, 3.0, 4.0, 5.0, 6.0, 8.0):
            if size * factor >= value:
                return round(size * factor)
        size *= 10
