"""All that can be said about rules before they are used: read from a document, checked, tried in the sandbox.

Nothing here stores anything or asks a target; the schema and the names that people have are handed in.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from worker.connectors import ObjectSchema
from worker.domain.errors import HookError
from worker.domain.hook import HookClass
from worker.domain.mapping import Direction, MappingRule
from worker.mapping.check import check_rules, parse_rules
from worker.mapping.documents import Document, DocumentError, Where, read_document
from worker.mapping.engine import Evaluator, expression_name
from worker.mapping.fitting import check_fit, check_sources
from worker.mapping.mistakes import RuleMistake

#: Failures that are the text's own, whoever it is computed for.
_OF_TEXT = frozenset({HookClass.SYNTAX, HookClass.COMPILE, HookClass.LIMIT})
#: Where an expression stands and its text, by the name that it is computed under.
_Texts: TypeAlias = dict[str, tuple[int, str]]
_FIELD = re.compile(r"(?P<name>[^\[\]]*)(?:\[(?P<place>\d+)\])?")


@dataclass(frozen=True, slots=True)
class Review:
    """The rules, of use only when there is no error, and every mistake in them, those of one rule together."""

    rules: tuple[MappingRule, ...]
    mistakes: tuple[RuleMistake, ...] = ()

    @property
    def is_sound(self) -> bool:
        """Whether the rules can be saved; warnings do not keep them from it."""
        return not any(mistake.is_error for mistake in self.mistakes)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What rules are to fit: the target's schema (None: it cannot be had), what hooks make, what people have.

    ``opened`` are the attributes that the active version fills without marking them secret.
    """

    schema: ObjectSchema | None = None
    hooked: Iterable[str] = ()
    known: frozenset[str] = frozenset()
    opened: frozenset[str] = frozenset()


async def review_document(text: str, *, evaluator: Evaluator, around: Surroundings) -> Review:
    """Review rules as somebody wrote them: JSON, a list of rules or ``{"rules": [...]}``. Mistakes have their lines."""
    try:
        document = read_document(text)
    except DocumentError as error:
        mistake = RuleMistake(None, "", f"is not JSON: {error}", line=error.place.line, column=error.place.column)
        return Review((), (mistake,))
    base: Where = ("rules",) if isinstance(document.value, dict) else ()
    raw = document.value.get("rules") if isinstance(document.value, dict) else document.value
    found = await review_rules(raw, evaluator=evaluator, around=around)
    return Review(found.rules, tuple(_located(mistake, document, base) for mistake in found.mistakes))


async def review_rules(raw: Any, *, evaluator: Evaluator, around: Surroundings) -> Review:
    """Review rules from JSON: their shape and content, then their expressions, and whether they fit."""
    rules, mistakes = parse_rules(raw)
    if mistakes:
        return Review(rules, _in_order(mistakes))
    found = await check_expressions(rules, evaluator)
    found += check_sources(rules, around.known)
    if around.schema is not None:
        found += check_fit(rules, around.schema, hooked=around.hooked, opened=around.opened)
    return Review(rules, _in_order(found))


async def check_expressions(rules: Sequence[MappingRule], evaluator: Evaluator) -> tuple[RuleMistake, ...]:
    """Build every expression in the sandbox: the mistakes that its text has whoever it is computed for.

    Raises HookError when the sandbox cannot say: it is busy.
    """
    if check_rules(rules):
        return ()
    out: _Texts = {}
    back: _Texts = {}
    for at, rule in enumerate(rules):
        if rule.expression and rule.direction is Direction.INBOUND:
            back[f"{rule.source} of rule {at}"] = at, rule.expression
        elif rule.expression:
            out[expression_name(rule)] = at, rule.expression
    tried = [*await _tried(out, "identity", evaluator), *await _tried(back, "account", evaluator)]
    return tuple(sorted(tried, key=lambda mistake: mistake.rule or 0))


async def _tried(texts: _Texts, variable: str, evaluator: Evaluator) -> list[RuleMistake]:
    found: list[RuleMistake] = []
    if not texts:
        return found
    (answers,) = await evaluator.evaluate({name: text for name, (_, text) in texts.items()}, [{variable: {}}])
    for name, (at, text) in texts.items():
        error = answers[name].error
        if error is not None and error.retryable:
            raise error
        if error is not None and error.hook_class in _OF_TEXT:
            found.append(_of_expression(at, text, error))
    return found


def _of_expression(at: int, text: str, error: HookError) -> RuleMistake:
    """A mistake at its place in the text as it was written; the sandbox sees it without blanks around it."""
    line, column, message = error.fields.get("line"), error.fields.get("column"), error.detail
    if line is not None and column is not None:
        blanks = text[: len(text) - len(text.lstrip())]
        lines = text.strip().split("\n")
        if line > len(lines):  # what is missing is missed behind the end
            line, column = len(lines), len(lines[-1]) + 1
            message = "ends too early: something is missing, or a bracket is still open"
        column += len(blanks) - blanks.rfind("\n") - 1 if line == 1 else 0
        line += blanks.count("\n")
    return RuleMistake(at, "expression", message, expression_line=line, expression_column=column)


def _in_order(mistakes: Iterable[RuleMistake]) -> tuple[RuleMistake, ...]:
    return tuple(sorted(mistakes, key=lambda mistake: (mistake.rule is None, mistake.rule or 0)))


def _located(mistake: RuleMistake, document: Document, base: Where) -> RuleMistake:
    place = document.place(base if mistake.rule is None else (*base, mistake.rule, *_parts_of(mistake.field)))
    return replace(mistake, line=place.line, column=place.column)


def _parts_of(field: str) -> Where:
    found = _FIELD.fullmatch(field)
    if found is None:
        return (field,)
    return (found["name"],) if found["place"] is None else (found["name"], int(found["place"]))
