"""What is wrong with a mapping, as values for people: which rule, which part of it, where in its text."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """A mapping with an error cannot be saved; a warning is for a person to look at."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class RuleMistake:
    """What is wrong with one rule; ``rule`` counts from 0, in what people read from 1, and is None where the whole
    mapping is meant.

    ``field`` is the part of the rule, as ``transforms[1]``. ``line`` and ``column`` are those of the document that the
    rules came in, ``expression_line`` and ``expression_column`` those within the text of the expression; all count
    from 1, and are None where there is no such text.
    """

    rule: int | None
    field: str
    message: str
    severity: Severity = Severity.ERROR
    line: int | None = None
    column: int | None = None
    expression_line: int | None = None
    expression_column: int | None = None

    @property
    def is_error(self) -> bool:
        return self.severity is Severity.ERROR

    def __str__(self) -> str:
        where = "the mapping" if self.rule is None else f"rule {self.rule + 1}"
        return f"{where}: {self.field} {self.message}" if self.field else f"{where} {self.message}"
