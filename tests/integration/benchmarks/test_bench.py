"""The benchmark command runs and prints what its readers parse; what it measures is nobody's test."""

import json
import subprocess
import sys

from tests.conftest import ROOT


def test_each_figure_is_one_object_a_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks", "queue.rate", "--json", "--quick", "--no-peers", "--scale", "0.01"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )

    assert done.returncode == 0, done.stderr
    figures = [json.loads(line) for line in done.stdout.splitlines()]
    assert [figure["measure"] for figure in figures] == [
        "queue, 1 process, beside limit loop",
        "queue, 2 processes, beside limit loop",
    ]
    assert set(figures[0]) == {"measure", "value", "unit", "versus", "ratio"}
    assert figures[0]["value"] > 0
    assert figures[0]["ratio"] > 0


def test_a_measure_that_does_not_exist_is_named_with_those_that_do() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks", "speed"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 2
    assert "there is no measure speed; there are import, sql, ldap" in done.stderr
