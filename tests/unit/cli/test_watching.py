"""What a person sees of a run under way."""

import io
from typing import Any
from uuid import UUID

import pytest
from rich.console import Console

from worker.cli.watching import RunBar, spelt, told
from worker.domain.run import Run, RunKind, RunMode, RunStatus, RunTrigger
from worker.store.run_history import Listed, Ranges


def a_run(**fields: Any) -> Run:
    one = UUID(int=1)
    usual = {"status": RunStatus.RUNNING, "kind": RunKind.RECONCILIATION, "mode": RunMode.FULL}
    return Run(one, one, one, trigger=RunTrigger.MANUAL, correlation_id=one, **{**usual, **fields})


@pytest.mark.parametrize(
    ("run", "listed", "line"),
    [
        pytest.param(a_run(), Listed(), "0 accounts, 0 findings", id="at its beginning"),
        pytest.param(
            a_run(accounts_total=10_000, accounts_processed=4000, discrepancies_found=12),
            Listed(pages=8, recent=2, seconds=10.0),
            "page 8, 4,000 of 10,000 accounts, 100/s, 12 findings, about 1 min left",
            id="the target says how many there are",
        ),
        pytest.param(
            a_run(accounts_processed=40, statistics={"known": 90}),
            Listed(pages=2, recent=1, seconds=2.0),
            "page 2, 40 of 90 accounts, 10/s, 0 findings, about 5 s left",
            id="as many as we know",
        ),
        pytest.param(
            a_run(accounts_total=90, accounts_processed=40),
            Listed(pages=9, ranges=Ranges(8, 3, 2)),
            "page 9, 3 of 8 ranges, 2 at work, 40 of 90 accounts, 0 findings",
            id="in ranges",
        ),
        pytest.param(
            a_run(accounts_processed=95, statistics={"known": 90}, phase="remediation", items_total=7, items_success=6),
            Listed(pages=1),
            "page 1, 95 of 95 accounts, 0 findings, 6 of 7 repairs",
            id="repairing",
        ),
    ],
)
def test_line_tells_pages_rate_findings_and_time_left(run: Run, listed: Listed, line: str) -> None:
    assert told(run, listed) == line


def test_seconds_are_spelt_as_a_person_says_them() -> None:
    assert [spelt(seconds) for seconds in (0.2, 59, 61, 7200)] == [
        "about 1 s",
        "about 59 s",
        "about 1 min",
        "about 2.0 h",
    ]


def test_bar_is_drawn_on_a_terminal_and_nowhere_else() -> None:
    terminal, file = io.StringIO(), io.StringIO()
    for stream, is_terminal in ((terminal, True), (file, False)):
        bar = RunBar(Console(file=stream, force_terminal=is_terminal, width=120))
        bar.show(a_run(accounts_total=10, accounts_processed=5), Listed(pages=3))
        bar.end()

    assert "page 3, 5 of 10 accounts" in terminal.getvalue()
    assert "50%" in terminal.getvalue()
    assert file.getvalue().strip() == ""
