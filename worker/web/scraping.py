"""The metrics page for one tenant: a process counts for all of them, and whoever reads sees only their own connectors.

Connectors of two tenants that have one name are one series; what has no connector is the whole process.
"""

from collections.abc import Collection, Iterator

from prometheus_client import CollectorRegistry, Metric, generate_latest

from worker.telemetry import metrics


class _Own(CollectorRegistry):
    """Our registry without the series of other connectors."""

    def __init__(self, connectors: Collection[str]) -> None:
        super().__init__()
        self._connectors = frozenset(connectors)

    def collect(self) -> Iterator[Metric]:
        for each in metrics.registry.collect():
            own = Metric(each.name, each.documentation, each.type, each.unit)
            own.samples = [
                one
                for one in each.samples
                if "connector" not in one.labels or one.labels["connector"] in self._connectors
            ]
            yield own


def of_connectors(names: Collection[str]) -> bytes:
    """The page with the series of these connectors alone."""
    return generate_latest(_Own(names))
