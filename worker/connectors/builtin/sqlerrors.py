"""What a database's complaint means to us: SQLSTATE (PostgreSQL, appendix A) to one error of ours.

Messages name the column and the kind of complaint, never a value: a database quotes values in its own words.
"""

from collections.abc import Mapping
from typing import Any

import asyncpg
from sqlalchemy import Table, exc

from worker.domain.errors import (
    AccessRefused,
    AlreadyExists,
    ConnectorError,
    CredentialsRejected,
    InvalidAttributes,
    OutcomeUnknown,
    PermanentError,
    TargetBusy,
    TargetUnavailable,
)

_UNIQUE = "23505"
_REFUSED_VALUES: Mapping[str, str] = {
    "23502": "is required",
    "23503": "refers to something that is not there",
    "23514": "breaks a rule of the table",
    "22001": "is too long",
    "22003": "is out of range",
    "22007": "is not a date or time",
    "22008": "is not a date or time",
    "22021": "holds a character that the database does not take",
    "22P02": "has the wrong form",
    "22P05": "holds a character that the database does not take",
    "428C9": "is made by the database itself",
}
_CREDENTIALS = frozenset({"28000", "28P01"})
_BUSY = frozenset({"40001", "40P01", "53300", "55P03", "57014", "0A000"})
_DOWN_CLASSES = frozenset({"08", "53", "57", "58", "XX"})
_BROKEN_OFF = ("08", "57P")  # a connection that ended, or a server that ends: before or after the change, who knows
_READ_ONLY = "25006"


def error_of(error: BaseException, *, table: Table | None, values: Mapping[str, Any], changes: bool) -> ConnectorError:
    """Classify a failure of a statement that was sent; ``changes`` says that it was to change something."""
    cause = _cause_of(error)
    state = getattr(cause, "sqlstate", None)
    if state is None:
        return _without_state(cause, changes=changes)
    columns = _columns_of(cause, state=state, table=table, values=values)
    if state == _UNIQUE:
        return AlreadyExists(f"There is a row with this {' and '.join(columns) or 'key'}.", attributes=columns)
    if state in _REFUSED_VALUES or state.startswith("22"):
        why = _REFUSED_VALUES.get(state, "has a value that the database does not take")
        names = ", ".join(columns) or "One of " + ", ".join(sorted(values))
        return InvalidAttributes(f"{names} {why}.", attributes=columns)
    if changes and state.startswith(_BROKEN_OFF):
        return OutcomeUnknown("The connection to the database broke while the change was under way.")
    return _of_state(state)


def connect_error_of(error: BaseException) -> ConnectorError:
    """Classify a failure to get a connection: nothing was sent."""
    cause = _cause_of(error)
    state = getattr(cause, "sqlstate", None)
    if state is None or state[:2] in _DOWN_CLASSES:
        return TargetUnavailable("The database cannot be reached.")
    return _of_state(state)


def _of_state(state: str) -> ConnectorError:
    if state in _CREDENTIALS:
        return CredentialsRejected("The database rejects our user or password.")
    if state == "42501":
        return AccessRefused("Our database user is not allowed to do this.")
    if state in _BUSY:
        return TargetBusy(f"The database could not do it just now (SQLSTATE {state}).")
    if state[:2] in _DOWN_CLASSES or state == _READ_ONLY:
        return TargetUnavailable(f"The database cannot work at present (SQLSTATE {state}).")
    return PermanentError(f"The database refuses the statement (SQLSTATE {state}).")


def _without_state(cause: BaseException, *, changes: bool) -> ConnectorError:
    """The driver itself gave up: either it could not write a value, or the connection broke."""
    if isinstance(cause, asyncpg.exceptions.DataError | ValueError | UnicodeError):
        return InvalidAttributes("A value does not fit its column.")
    if changes:
        return OutcomeUnknown("The connection to the database broke while the change was under way.")
    return TargetUnavailable("The connection to the database broke.")


def _cause_of(error: BaseException) -> BaseException:
    """The driver's own exception under SQLAlchemy's wrappers."""
    inner = error.orig if isinstance(error, exc.DBAPIError) and error.orig is not None else error
    return inner.__cause__ if inner.__cause__ is not None and inner is not error else inner


def _columns_of(cause: BaseException, *, state: str, table: Table | None, values: Mapping[str, Any]) -> list[str]:
    named = getattr(cause, "column_name", None)
    if named:
        return [named]
    constraint = getattr(cause, "constraint_name", None)
    if table is None:
        return []
    if constraint:
        return _columns_of_constraint(table, constraint)
    return _too_long(table, values) if state == "22001" else []


def _columns_of_constraint(table: Table, name: str) -> list[str]:
    for constraint in table.constraints:
        if constraint.name == name:
            return sorted(column.name for column in getattr(constraint, "columns", ()))
    return next((sorted(column.name for column in index.columns) for index in table.indexes if index.name == name), [])


def _too_long(table: Table, values: Mapping[str, Any]) -> list[str]:
    limits = {column.name: getattr(column.type, "length", None) or 0 for column in table.columns}
    return sorted(name for name, value in values.items() if 0 < limits[name] < len(str(value)))
