"""The benchmark command runs and prints what its readers parse; what it measures is nobody's test."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.waiting import eventually

#: What the measures of the queue print, at any size; with # for each number in their names.
QUEUE = [
    "queue, # process, beside limit loop",
    "queue, # processes, beside limit loop",
    "core time, beside limit loop",
    "pick-up p#",
    "pick-up p#",
    "pick-up p# without NOTIFY",
    "submission in bulk",
    "submission, # an account",
    "# over # accounts",
    "queue, # waiting",
    "memory of a worker over #",
    "the same, after # of them",
    "queue, # finished",
    "transaction held # s, last quarter",
    "a trickle beside # waiting, p#",
    "calls of a target at once, the most",
    "event to finished, by the clock",
    "event to finished, daemon",
    "event to finished, PostgreSQL",
    "idle for # s, of a core",
    "idle, statements",
    "GET operations p#, # stored",
]


@pytest.mark.timeout(900)  # a dozen measures, each with processes of its own
def test_each_figure_of_the_queue_is_one_object_a_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks", "queue", "--json", "--quick", "--no-peers", "--scale", "0.01"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=880,
    )

    assert done.returncode == 0, done.stderr
    figures = [json.loads(line) for line in done.stdout.splitlines()]
    assert [re.sub(r"\d+(,\d+)*", "#", figure["measure"]) for figure in figures] == QUEUE
    assert all(set(figure) == {"measure", "value", "unit", "versus", "ratio"} for figure in figures)
    nothing = [figure for figure in figures if not (figure["value"] > 0 and figure["ratio"] > 0)]
    # Nobody is idle for long here: it may be that nothing was used, and nothing asked.
    assert [figure["measure"] for figure in nothing if not figure["measure"].startswith("idle")] == []


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


async def test_a_run_that_is_told_to_end_leaves_nothing_behind(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks", "queue.submit", "--quick"],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        await eventually(lambda: list(tmp_path.glob("provisiond-bench-*/postgres/postgres.log")), timeout=60)
        process.terminate()
        status = await asyncio.to_thread(process.wait, 60)
    finally:
        process.kill()

    assert status == 128 + signal.SIGTERM
    assert list(tmp_path.glob("provisiond-bench-*")) == []


#: What the measures of scripts print.
HOOKS = [
    "script, single call p50",
    "scripts in batches of 100, one child",
    "the same, on a core of the child",
    "sandbox started",
    "next call after a killed child, with the spare",
    "100,000 identities by an expression",
]


@pytest.mark.timeout(300)
def test_each_figure_of_scripts_is_one_object_a_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks", "hooks", "--json", "--quick", "--scale", "0.02"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )

    assert done.returncode == 0, done.stderr
    figures = [json.loads(line) for line in done.stdout.splitlines()]
    assert [figure["measure"] for figure in figures] == HOOKS
    assert all(figure["value"] > 0 and figure["ratio"] > 0 for figure in figures)


@pytest.mark.timeout(300)
def test_each_figure_of_whole_tables_is_one_object_a_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks", "correlation.files", "--json", "--size", "300"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )

    assert done.returncode == 0, done.stderr
    figures = [json.loads(line) for line in done.stdout.splitlines()]
    name = "correlate files, 300 people"
    assert [figure["measure"] for figure in figures] == [
        f"{name}{of}" for of in ("", ", on cores", ", a second", ", memory")
    ]
    assert all(figure["value"] > 0 for figure in figures)
