"""Rows of a table as accounts, at the cost of many: what every row has in common is found out once."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

from worker.connectors.builtin.sqlsettings import SqlSettings
from worker.connectors.builtin.sqlvalues import from_column, into, is_plain, uid_of
from worker.domain.account import TargetAccount

Row = Mapping[str, Any]


class RowReader:
    """Makes accounts of rows; ``attributes`` are the columns by the names that attributes have."""

    def __init__(self, settings: SqlSettings, table: sa.Table, attributes: Mapping[str, "sa.Column[Any]"]) -> None:
        self._settings = settings
        self._table = table
        self._names = tuple(attributes)
        self._values = _getter([column.name for column in attributes.values()])
        self._odd = tuple(name for name, column in attributes.items() if not is_plain(column))
        self._key = settings.key
        self._flag = settings.active_column or ""

    def account(self, row: Row) -> TargetAccount:
        attributes = dict(zip(self._names, self._values(row), strict=True))
        for name in self._odd:
            attributes[name] = from_column(attributes[name])
        return TargetAccount(uid_of(row[self._key]), attributes, self._active_of(row))

    def _active_of(self, row: Row) -> bool | None:
        if not self._flag:
            return None
        active, inactive = self._flags
        value = row[self._flag]
        return True if value == active else False if value == inactive else None

    @cached_property
    def _flags(self) -> tuple[Any, Any]:
        """What the column holds for an active account and for a disabled one; raises InvalidAttributes."""
        convert = into(self._table.columns[self._flag])
        return convert(self._settings.active_value), convert(self._settings.inactive_value)


def _getter(columns: Sequence[str]) -> Callable[[Row], Sequence[Any]]:
    """Reads these columns of a row."""
    if len(columns) > 1:
        return itemgetter(*columns)
    return lambda row: [row[column] for column in columns]
