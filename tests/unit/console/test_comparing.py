"""Candidates beside each other."""

from datetime import UTC, datetime
from uuid import UUID

from worker.console import Candidate, CaseDetail, CaseRow, Contribution
from worker.console.comparing import beside

ROW = CaseRow(
    id=UUID(int=1),
    connector_id=UUID(int=2),
    connector_name="directory",
    subject="Ana",
    subject_kind="account",
    status="open",
    opened_at=datetime(2026, 1, 1, tzinfo=UTC),
    candidates=2,
)


def candidate(label: str, *said: Contribution) -> Candidate:
    return Candidate(label=label, confidence=0.5, contributions=said)


def case(*candidates: Candidate) -> CaseDetail:
    return CaseDetail(row=ROW, attributes={}, candidates=candidates)


def test_what_weighs_most_for_or_against_anybody_comes_first() -> None:
    [table] = beside(
        case(
            candidate("a", Contribution("name", 2.0, "Ana", "Ana"), Contribution("born", 1.0, "1990", "1990")),
            candidate("b", Contribution("name", 2.0, "Ana", "Ana"), Contribution("born", -7.0, "1990", "1960")),
        )
    )

    assert [row.rule for row in table.rows] == ["born", "name"]
    assert [row.is_split for row in table.rows] == [True, False]
    assert [row.here for row in table.rows] == ["1990", "Ana"]


def test_a_rule_that_was_not_asked_about_somebody_leaves_a_gap() -> None:
    [table] = beside(case(candidate("a", Contribution("mail", 4.0, None, "a@x")), candidate("b")))

    [row] = table.rows
    assert row.here is None
    assert row.cells[1] is None
    assert row.is_split


def test_three_stand_beside_each_other_and_numbers_go_on() -> None:
    tables = beside(case(*(candidate(name) for name in "abcd")))

    assert [[n for n, _ in table.candidates] for table in tables] == [[1, 2, 3], [4]]
    assert beside(case()) == ()
