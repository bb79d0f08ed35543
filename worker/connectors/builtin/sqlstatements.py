"""Statements made and compiled by SQLAlchemy, each once, and run by the driver itself.

Running a statement through SQLAlchemy's result machinery costs three times what the database takes for a row found by
its key; names, types and quoting are what it is needed for, and those do not change from call to call.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

#: The parameter for the uid: no column is called so, hence no clash with a column's own parameter.
UID = "uid of the row"
#: The parameters for the keys that a page lies between, and for each how many rows a key is wanted.
AFTER, UPTO, EACH = "behind this key", "up to this key", "rows a part"
#: Different sets of columns that updates and inserts are kept for; beyond it the oldest is made anew.
MOST_KEPT = 200

_Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Statement:
    """The text for the driver, its parameters in their order, and how values are converted on the way in and out."""

    text: str
    names: tuple[str, ...]
    constants: Mapping[str, Any]
    into: Mapping[str, _Convert]
    out: Mapping[str, _Convert]

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        """The values by parameter name, in the order that the text wants. None is NULL, in JSON columns too."""
        given = {**self.constants, **values}
        return [self._converted(name, given[name]) for name in self.names]

    def _converted(self, name: str, value: Any) -> Any:
        convert = self.into.get(name)
        return value if value is None or convert is None else convert(value)

    def row(self, record: Mapping[str, Any]) -> Mapping[str, Any]:
        """A row of the answer, by column name."""
        if not self.out:
            return record
        found = dict(record)
        for name, convert in self.out.items():
            if name in found:
                found[name] = convert(found[name])
        return found


def compiled(statement: "sa.Executable", dialect: Dialect, returns: Iterable["sa.Column[Any]"]) -> Statement:
    """Compile a statement that answers with these columns."""
    made: Any = statement.compile(dialect=dialect)  # type: ignore[attr-defined]  # every statement has it
    types = {name: bound.type for name, bound in made.binds.items()}
    into = {name: kind.dialect_impl(dialect).bind_processor(dialect) for name, kind in types.items()}
    out = {each.name: _from_json(each, dialect) for each in returns if isinstance(each.type, sa.JSON)}
    return Statement(
        str(made),
        tuple(made.positiontup or ()),
        {name: value for name, value in made.params.items() if value is not None},
        {name: convert for name, convert in into.items() if convert is not None},
        out,
    )


def _from_json(column: "sa.Column[Any]", dialect: Dialect) -> _Convert:
    """The driver leaves JSON as text to SQLAlchemy, and turns everything else into Python's values itself."""
    convert: _Convert = column.type.dialect_impl(dialect).result_processor(dialect, None) or (lambda value: value)
    return convert


class TableStatements:
    """What is sent to one table. ``columns`` are read; a row is found by ``key``."""

    def __init__(
        self, table: sa.Table, key: "sa.Column[Any]", columns: Iterable["sa.Column[Any]"], dialect: Dialect
    ) -> None:
        self._table = table
        self._key = key
        self._dialect = dialect
        self._columns = list({column.name: column for column in (key, *columns)}.values())
        self._kept: dict[tuple[str, frozenset[str]], Statement] = {}
        self._is_uid = key == sa.bindparam(UID, type_=key.type)
        self.get = self.reading(self.select().where(self._is_uid))
        self.exists = compiled(sa.select(key).where(self._is_uid), dialect, [key])
        self.delete = compiled(table.delete().where(self._is_uid).returning(key), dialect, [key])

    def select(self) -> "sa.Select[Any]":
        """All rows with the columns that are read."""
        return sa.select(*self._columns)

    def reading(self, statement: "sa.Select[Any]") -> Statement:
        """A statement made from ``select``."""
        return compiled(statement, self._dialect, self._columns)

    @property
    def every_nth(self) -> Statement:
        """The key of each ``EACH``-th row, in their order."""

        def make() -> Statement:
            place = sa.func.row_number().over(order_by=self._key).label("place of the row")
            numbered = sa.select(self._key, place).subquery()
            key, each = numbered.columns[self._key.name], sa.bindparam(EACH, type_=sa.BigInteger())
            wanted = numbered.columns["place of the row"] % each == 0
            return compiled(sa.select(key).where(wanted).order_by(key), self._dialect, [])

        return self._once("every nth", [], make)

    def page(self, limit: int, bounds: Iterable[str]) -> Statement:
        """Rows in the order of their keys, between the ``bounds`` that are given of ``AFTER`` and ``UPTO``."""
        given = frozenset(bounds)

        def make() -> Statement:
            statement = self.select().order_by(self._key).limit(limit)
            if AFTER in given:
                statement = statement.where(self._key > sa.bindparam(AFTER, type_=self._key.type))
            if UPTO in given:
                statement = statement.where(self._key <= sa.bindparam(UPTO, type_=self._key.type))
            return self.reading(statement)

        return self._once(f"page of {limit}", given, make)

    def find(self, column: "sa.Column[Any]", limit: int) -> Statement:
        """Rows with a value, given as ``UID``, in a column."""

        def make() -> Statement:
            where = column == sa.bindparam(UID, type_=column.type)
            return self.reading(self.select().where(where).limit(limit))

        return self._once("find", [column.name], make)

    def insert(self, columns: Iterable[str]) -> Statement:
        """A row with values for these columns, given by column name; answers with its key."""
        names = frozenset(columns)

        def make() -> Statement:
            made = self._table.insert().values(self._parameters(names)).returning(self._key)
            return compiled(made, self._dialect, [self._key])

        return self._once("insert", names, make)

    def update(self, columns: Iterable[str]) -> Statement:
        """New values for these columns of the row with ``UID``; answers with its key."""
        names = frozenset(columns)

        def make() -> Statement:
            made = self._table.update().where(self._is_uid).values(self._parameters(names)).returning(self._key)
            return compiled(made, self._dialect, [self._key])

        return self._once("update", names, make)

    def _parameters(self, names: Iterable[str]) -> dict[str, Any]:
        return {name: sa.bindparam(f"new {name}", type_=self._table.columns[name].type) for name in sorted(names)}

    def _once(self, kind: str, names: Iterable[str], make: Callable[[], Statement]) -> Statement:
        key = (kind, frozenset(names))
        if key not in self._kept:
            if len(self._kept) >= MOST_KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = make()
        return self._kept[key]


def new_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values by column under the names that ``insert`` and ``update`` give them."""
    return {f"new {name}": value for name, value in values.items()}
