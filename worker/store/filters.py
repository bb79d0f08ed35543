"""SCIM filters over identities, as SQL: the same answer as ``worker.domain.filters`` gives in memory.

Names and values of a filter are parameters, never text of a statement. The text is put together from the pieces below
alone, behind the tenant of the statement it becomes part of. What is compared without case is folded as Python folds
it: by tables that are parameters, too, for no two servers agree on the letters of the world.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from uuid import UUID

from worker.domain.comparison import fold_case
from worker.domain.filter_syntax import And, Compare, Filter, Not, Operator, Or, Present
from worker.domain.filters import FIXED, MOMENT, NUMBER, decimal_of, instant_of
from worker.store.pool import Connection
from worker.store.sql import Query, Record, load

queries = load("filters")

_PLACE = "(true /* matching */)"
_COLUMNS = {
    "id": "to_jsonb(i.id::text)",
    "external_id": "to_jsonb(i.external_id)",
    "user_name": "to_jsonb(i.user_name)",
    "active": "to_jsonb(i.active AND i.disabled_at IS NULL AND i.deleted_at IS NULL)",
}
#: The last of the common letters: Latin ones and the marks on them.
_COMMON = "\u036f"
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SIGNS = {Operator.GT: ">", Operator.GE: ">=", Operator.LT: "<", Operator.LE: "<="}
#: One value of an attribute as text; of numbers as ``filters`` writes them.
_TEXT = (
    "CASE jsonb_typeof(e.value) WHEN 'number' THEN trim_scale((e.value #>> '{}')::numeric)::text "
    "ELSE e.value #>> '{}' END"
)
#: Whether one value of an attribute passes a test; null and empty text are no values.
_SOME = """EXISTS (SELECT 1 FROM jsonb_array_elements(
    CASE jsonb_typeof({values}) WHEN 'array' THEN {values} ELSE jsonb_build_array({values}) END) AS e(value)
    WHERE jsonb_typeof(e.value) <> 'null' AND e.value <> '""' AND ({test}))"""
#: The first attribute that is alike without case, in the order of code points.
_ALIKE = 'SELECT k.value FROM jsonb_each(i.attributes) AS k WHERE {name} = {wanted} ORDER BY k.key COLLATE "C" LIMIT 1'


@dataclass(frozen=True, slots=True)
class Count:
    """How many people a filter takes in; ``enabled`` of them may have active accounts."""

    people: int
    enabled: int


async def count(conn: Connection, *, tenant_id: UUID, scope: Filter | None) -> Count:
    """Count who is in a scope; None takes in everybody."""
    (row,) = await _rows(conn, queries.count, scope, tenant_id=tenant_id)
    return Count(row["people"], row["enabled"])


async def sample(conn: Connection, *, tenant_id: UUID, scope: Filter | None, limit: int, seed: int = 0) -> list[UUID]:
    """Some enabled people whom a scope takes in, from among all; another ``seed`` finds others."""
    rows = await _rows(conn, queries.sample, scope, tenant_id=tenant_id, limit=limit, seed=seed)
    return [row["id"] for row in rows]


@dataclass(frozen=True, slots=True)
class Concerned:
    """Whom a target concerns among some people, how many those were, and the last of them; None: there was nobody."""

    ids: list[UUID]
    looked_at: int
    last: UUID | None


async def concerned(
    conn: Connection, *, tenant_id: UUID, connector_id: UUID, scope: Filter | None, after: UUID, limit: int
) -> Concerned:
    """Of the next ``limit`` people in id order, those whom a target's scope takes in or who have an account there."""
    (row,) = await _rows(
        conn,
        queries.concerned,
        scope,
        tenant_id=tenant_id,
        connector_id=connector_id,
        after=after,
        limit=limit,
    )
    return Concerned(list(row["ids"]), row["n"], row["last"])


async def _rows(conn: Connection, query: Query, scope: Filter | None, **values: Any) -> list[Record]:
    given = query.arguments(values)
    if scope is None:
        return await query.rows(conn, **values)
    condition = compile_filter(scope, first=len(given) + 1)
    found: list[Record] = await conn.fetch(query.text.replace(_PLACE, condition.text), *given, *condition.values)
    return found


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on the row ``i`` of identities, and the values of its places."""

    text: str
    values: tuple[Any, ...]


def compile_filter(filter_: Filter, *, first: int = 1) -> Condition:
    """The condition of a filter; its places begin at ``$first``. It is true or false, never unknown."""
    writer = _Writer(first)
    text = writer.condition(filter_)
    return Condition(f"({text})", tuple(writer.values))


@dataclass(slots=True)
class _Writer:
    """Puts a condition together; every value of the filter becomes a place."""

    first: int
    values: list[Any] = field(default_factory=list)
    _places: dict[tuple[str, Any], str] = field(default_factory=dict)

    def condition(self, filter_: Filter) -> str:
        match filter_:
            case Present():
                return self._some(filter_.name, "true")
            case Compare():
                return self._compare(filter_)
            case Not():
                return f"NOT ({self.condition(filter_.operand)})"
            case And():
                return " AND ".join(f"({self.condition(term)})" for term in filter_.terms)
            case Or():
                return " OR ".join(f"({self.condition(term)})" for term in filter_.terms)

    def _compare(self, compare: Compare) -> str:
        name, operator, value = compare.name, compare.operator, compare.value
        if name == "id" and operator is Operator.EQ and isinstance(value, str):
            return self._of_id(value)
        if operator not in {Operator.EQ, Operator.NE}:
            return self._some(name, self._test(operator, value))
        if value is None or value == "":
            return ("" if operator is Operator.NE else "NOT ") + self._some(name, "true")
        return ("NOT " if operator is Operator.NE else "") + self._some(name, self._equality(value))

    def _of_id(self, text: str) -> str:
        """One person by id, through the index; a text that is not how ids are written is nobody's."""
        folded = fold_case(text)
        return f"i.id = {self._place('uuid', UUID(folded))}" if _ID.fullmatch(folded) else "false"

    def _some(self, name: str, test: str) -> str:
        """Whether a value of the attribute passes; null and empty text are no values."""
        values = self._values(name)
        return _SOME.format(values=values, test=test)

    def _values(self, name: str) -> str:
        """The attribute: spelt exactly so, else one of those that every identity has, else alike without case."""
        if name in _COLUMNS:
            return _COLUMNS[name]
        folded = fold_case(name)
        exact = f"i.attributes -> {self._place('text', name)}"
        fixed = next((each for each in FIXED if fold_case(each) == folded), None)
        if fixed is not None:
            return f"coalesce({exact}, {_COLUMNS[fixed]})"
        alike = _ALIKE.format(name=self._fold("k.key"), wanted=self._place("text", folded))
        return f"coalesce({exact}, ({alike}))"

    def _equality(self, wanted: Any) -> str:
        if isinstance(wanted, bool):
            return f"{self._fold(_TEXT)} = {self._place('text', str(wanted).lower())}"
        if isinstance(wanted, str):
            return f"{self._fold(_TEXT)} = {self._place('text', fold_case(wanted))}"
        return f"{self._number()} = {self._place('numeric', decimal_of(wanted))}"

    def _test(self, operator: Operator, wanted: Any) -> str:
        if operator in _SIGNS:
            return (
                self._text_order(_SIGNS[operator], wanted)
                if isinstance(wanted, str)
                else (f"{self._number()} {_SIGNS[operator]} {self._place('numeric', decimal_of(wanted))}")
            )
        text, part = self._fold(_TEXT), self._place("text", fold_case(str(wanted)))
        if operator is Operator.CO:
            return f"strpos({text}, {part}) > 0"
        return f"starts_with({text}, {part})" if operator is Operator.SW else f"right({text}, length({part})) = {part}"

    def _text_order(self, sign: str, wanted: str) -> str:
        number, moment = decimal_of(wanted), instant_of(wanted)
        as_text = f'{self._fold(_TEXT)} {sign} {self._place("text", fold_case(wanted))} COLLATE "C"'
        as_number = (
            "false" if number is None else (f"(e.value #>> '{{}}')::numeric {sign} {self._place('numeric', number)}")
        )
        as_moment = (
            ""
            if moment is None
            else (
                f"WHEN e.value #>> '{{}}' ~ {self._place('text', f'^{MOMENT}$')} "
                f"THEN {self._instant()} {sign} {self._place('bigint', moment)} "
            )
        )
        return (
            f"CASE WHEN jsonb_typeof(e.value) = 'number' THEN {as_number} "
            f"WHEN jsonb_typeof(e.value) = 'boolean' THEN false {as_moment}ELSE {as_text} END"
        )

    def _number(self) -> str:
        """The number that a value is, or is written as; unknown for what is none."""
        text = "btrim(e.value #>> '{}', E' \\t')"
        form = self._place("text", f"^(?:{NUMBER})$")
        return (
            "CASE jsonb_typeof(e.value) WHEN 'number' THEN (e.value #>> '{}')::numeric "
            f"WHEN 'string' THEN CASE WHEN {text} ~ {form} THEN {text}::numeric END END"
        )

    def _instant(self) -> str:
        """Microseconds from 1970 to a moment that is written as ``MOMENT``; more digits than six are cut off."""
        text = "e.value #>> '{}'"
        digits, zone = (
            self._place("text", "([.,][0-9]{6})[0-9]+"),
            self._place("text", "([Zz]|[+-][0-9]{2}:?[0-9]{2})$"),
        )
        plain = f"replace(regexp_replace({text}, {digits}, '\\1'), ',', '.')"
        return (
            f"(extract(epoch FROM ({plain} || CASE WHEN {text} ~ {zone} THEN '' ELSE ' Z' END)::timestamptz)"
            " * 1000000)::bigint"
        )

    def _fold(self, text: str) -> str:
        """``fold_case`` of a text, in the order of its characters.

        The table of all letters is long, and looked through for each: texts of common letters have one of their own.
        """
        apart = f"normalize({text}, NFD)"
        rare = self._place("text", f"[^\x01-{_COMMON}]")
        common, all_ = (self._translated(apart, table) for table in _tables())
        return (
            f'(CASE WHEN octet_length({text}) = length({text}) THEN lower(({text}) COLLATE "C") '
            f'WHEN {apart} ~ {rare} THEN normalize({all_}, NFC) ELSE normalize({common}, NFC) END COLLATE "C")'
        )

    def _translated(self, text: str, table: "_Table") -> str:
        whole = f"translate({text}, {self._place('text', table.letters)}, {self._place('text', table.folded)})"
        for one, two in table.several:
            whole = f"replace({whole}, {self._place('text', one)}, {self._place('text', two)})"
        return whole

    def _place(self, kind: str, value: Any) -> str:
        key = (kind, value)
        if key not in self._places:
            self.values.append(value)
            self._places[key] = f"${self.first + len(self.values) - 1}::{kind}"
        return self._places[key]


@dataclass(frozen=True, slots=True)
class _Table:
    """What letters become, place by place; ``several``: those that become more than one."""

    letters: str
    folded: str
    several: tuple[tuple[str, str], ...]


@cache
def _tables() -> tuple[_Table, _Table]:
    """How Python folds what is left of text once it is taken apart: the common letters, and all."""
    letters = (chr(code) for code in range(1, 0x110000) if not 0xD800 <= code < 0xE000)
    folded = [
        (char, char.casefold())
        for char in letters
        if char.casefold() != char and unicodedata.normalize("NFD", char) == char
    ]
    return _table([pair for pair in folded if pair[0] <= _COMMON]), _table(folded)


def _table(folded: Sequence[tuple[str, str]]) -> _Table:
    single = [(one, two) for one, two in folded if len(two) == 1]
    several = tuple((one, two) for one, two in folded if len(two) > 1)
    return _Table("".join(one for one, _ in single), "".join(two for _, two in single), several)
