"""A histogram that takes many values at once: what the library does for one value costs as much as for five hundred."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from threading import Lock

from prometheus_client import CollectorRegistry
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString


class _Series:
    """The counts of one set of label values; safe to use from several threads."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._lock = Lock()
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe_all(self, values: Sequence[float]) -> None:
        """Count every value into the first bucket whose bound is not below it."""
        with self._lock:
            for value in values:
                self._counts[bisect_left(self._bounds, value)] += 1
            self._sum += sum(values)

    def read(self) -> tuple[list[int], float]:
        """How many values are at or below each bound, all of them last; and their sum."""
        with self._lock:
            return list(accumulate(self._counts)), self._sum


class BatchHistogram(Collector):
    """Registers itself; its samples are those of the library's histogram."""

    def __init__(
        self, name: str, text: str, labels: Iterable[str], *, registry: CollectorRegistry, buckets: Sequence[float]
    ) -> None:
        self._name = name
        self._text = text
        self._labelnames = tuple(labels)
        self._bounds = tuple(buckets)
        self._bound_names = [*map(floatToGoString, self._bounds), "+Inf"]
        self._series: dict[tuple[str, ...], _Series] = {}
        self._lock = Lock()
        registry.register(self)

    def labels(self, *values: str) -> _Series:
        """The series of these label values, made when it is first asked for."""
        if len(values) != len(self._labelnames):
            raise ValueError(f"{self._name} has the labels {', '.join(self._labelnames)}")
        with self._lock:
            return self._series.setdefault(values, _Series(self._bounds))

    def describe(self) -> Iterator[HistogramMetricFamily]:
        """The family without values: by it the registry knows the names that are taken."""
        yield HistogramMetricFamily(self._name, self._text, labels=self._labelnames)

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """Everything counted so far."""
        family = HistogramMetricFamily(self._name, self._text, labels=self._labelnames)
        with self._lock:
            series = list(self._series.items())
        for values, each in series:
            counts, total = each.read()
            family.add_metric(values, list(zip(self._bound_names, map(float, counts), strict=True)), total)
        yield family
