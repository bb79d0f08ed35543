import re
from pathlib import Path

import pytest
from prometheus_client import Metric
from prometheus_client.metrics import MetricWrapperBase

from worker.telemetry import metrics
from worker.telemetry.histogram import BatchHistogram

DOCUMENT = Path(__file__).parents[3] / "docs" / "operations.md"
SNAPSHOT = Path(__file__).with_name("metric_names.txt")

FAMILIES = [family for family in metrics.registry.collect() if not family.name.startswith("provisiond_process_")]


def described() -> list[str]:
    collectors = metrics.registry._collector_to_names
    labels = {
        name: ",".join(getattr(collector, "_labelnames", ()))
        for collector in collectors
        for name in collectors[collector]
    }
    endings = {"counter": "_total", "info": "_info"}
    return sorted(
        f"{family.name}{endings.get(family.type, '')} {family.type} [{labels[family.name]}]" for family in FAMILIES
    )


def test_names_types_and_labels_are_a_public_surface() -> None:
    """Dashboards and alerts are built on them: a change belongs into the change log and then into the snapshot."""
    assert described() == SNAPSHOT.read_text().splitlines()


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_each_metric_says_what_it_is_in_a_sentence(family: Metric) -> None:
    text = family.documentation

    assert text.endswith(".")
    assert len(text.split()) >= 4


@pytest.mark.parametrize("label", ["tenant", "tenant_id", "user", "identity", "operation_id", "uid"])
def test_no_label_names_a_tenant_or_a_person(label: str) -> None:
    assert not [line for line in described() if label in line.partition("[")[2].rstrip("]").split(",")]


def test_every_metric_is_explained_to_those_who_run_it() -> None:
    """The table names families without their common beginning; those of the client library explain themselves."""
    explained = set(re.findall(r"`([a-z_]+)`", DOCUMENT.read_text(encoding="utf-8")))
    names = {line.split()[0].removeprefix("provisiond_") for line in described()}

    assert sorted(name for name in names if name.removesuffix("_info") not in explained and name not in explained) == []


def test_render_is_text_that_prometheus_reads() -> None:
    metrics.build_info.info({"version": "1", "python": "3"})
    text = metrics.render().decode()

    assert 'provisiond_build_info{python="3",version="1"} 1.0' in text
    assert "# TYPE provisiond_operations_total counter" in text
    assert "provisiond_process_resident_memory_bytes" in text
    assert "_created" not in text


SOURCES = Path(metrics.__file__).parents[1]


def test_every_metric_is_set_somewhere() -> None:
    """One that nobody sets shows 0, whatever is true."""
    sources = [path.read_text() for path in SOURCES.rglob("*.py") if path != Path(metrics.__file__)]
    used = set(re.findall(r"\bmetrics\.(\w+)", "\n".join(sources)))
    defined = {name for name, value in vars(metrics).items() if isinstance(value, MetricWrapperBase | BatchHistogram)}

    assert defined - used == set()
