"""Candidates of a case beside each other, a row for each rule. Pure."""

from dataclasses import dataclass
from typing import Any

from worker.console.views import Candidate, CaseDetail, Contribution

#: More do not fit beside each other; the next ones come in a table below.
ABREAST = 3


@dataclass(frozen=True, slots=True)
class RuleRow:
    """What one rule compared: ``here`` is the subject's value; a cell is None where the rule said nothing of it."""

    rule: str
    here: Any
    cells: tuple[Contribution | None, ...]

    @property
    def is_split(self) -> bool:
        """Whether the rule tells these candidates apart."""
        return len({round(cell.weight, 6) if cell else 0 for cell in self.cells}) > 1


@dataclass(frozen=True, slots=True)
class Comparison:
    """Up to three candidates with their numbers, and what the rules say of each; what weighs most is first."""

    candidates: tuple[tuple[int, Candidate], ...]
    rows: tuple[RuleRow, ...]


def beside(detail: CaseDetail) -> tuple[Comparison, ...]:
    """The candidates in their order, three at a time; the numbers count from 1 over all of them."""
    numbered = tuple(enumerate(detail.candidates, start=1))
    return tuple(_compare(numbered[at : at + ABREAST]) for at in range(0, len(numbered), ABREAST))


def _compare(candidates: tuple[tuple[int, Candidate], ...]) -> Comparison:
    said = [{each.rule: each for each in candidate.contributions} for _, candidate in candidates]
    rules = dict.fromkeys(rule for by_rule in said for rule in by_rule)
    rows = [_row(rule, tuple(by_rule.get(rule) for by_rule in said)) for rule in rules]
    return Comparison(candidates, tuple(sorted(rows, key=_weight, reverse=True)))


def _row(rule: str, cells: tuple[Contribution | None, ...]) -> RuleRow:
    here = next((cell.source_value for cell in cells if cell and cell.source_value not in {None, ""}), None)
    return RuleRow(rule, here, cells)


def _weight(row: RuleRow) -> float:
    return max(abs(cell.weight) if cell else 0.0 for cell in row.cells)
