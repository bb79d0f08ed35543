"""The ``sql`` type: the rows of one table of a PostgreSQL database as accounts.

The uid is the text form of the key column. Attributes are columns, under their own names or those that ``columns``
gives them. Each change is one statement in a transaction of its own, so it happens whole or not at all. All SQL is
made by SQLAlchemy from the reflected table, which is where names are quoted and values get their types.

What exactly once can mean here: create is refused by the key's unique constraint when the row is there already, an
update sets absolute values, a delete is repeatable. After a lost answer the row is simply read again.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

import asyncpg
import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from worker.connectors.base import AttributeSchema, Change, Changes, ConnectorContext, ObjectSchema, Page, Span
from worker.connectors.builtin.sqlconnections import Connections
from worker.connectors.builtin.sqlerrors import connect_error_of, error_of
from worker.connectors.builtin.sqlrows import Row, RowReader
from worker.connectors.builtin.sqlsettings import SqlSettings
from worker.connectors.builtin.sqlstatements import AFTER, EACH, UID, UPTO, Statement, TableStatements, new_values
from worker.connectors.builtin.sqlvalues import Convert, into, to_column, uid_of
from worker.domain.account import TargetAccount
from worker.domain.errors import (
    AlreadyExists,
    InvalidAttributes,
    ListingChanged,
    PermanentError,
    UnknownUid,
)

#: A look-up by a value that many rows share is cut here; whoever asks wants to know that there are several.
FIND_LIMIT = 100
#: A row may be committed this long after the time it is stamped with: so much is read again, so that none is missed.
LATE_COMMITS = timedelta(minutes=1)

FAILURES = (
    exc.SQLAlchemyError,
    exc.EmulatedDBAPIException,  # of a connection that breaks while SQLAlchemy opens it, and is not lent yet
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)


class SqlConnector:
    """Rows of a table in a PostgreSQL database."""

    type: ClassVar[str] = "sql"
    Settings: ClassVar[Any] = SqlSettings
    secrets: ClassVar[Mapping[str, str]] = {"password": "the password of the database user"}

    def __init__(self, settings: SqlSettings, context: ConnectorContext) -> None:
        self._settings = settings
        self._context = context
        self._connections: Connections | None = None
        self._table: sa.Table | None = None
        self._made: TableStatements | None = None
        self._reader: RowReader | None = None
        self._attributes: dict[str, sa.Column[Any]] = {}
        self._into_column: dict[str, Convert] = {}

    async def __aenter__(self) -> Self:
        engine = self._make_engine()
        self._connections = Connections(
            engine,
            limit=self._context.concurrency + 2,  # a probe gets through where all calls hang
            wait_s=self._context.connect_s,
        )
        try:
            table = await self._reflected(engine)
            self._attributes = self._attributes_of(table)
            self._into_column = {column.name: into(column) for column in table.columns}
            self._table = table
            self._reader = RowReader(self._settings, table, self._attributes)
            self._made = TableStatements(table, self._key, self._read_columns(), engine.dialect)
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        connections, self._connections = self._connections, None
        if connections is not None:
            await connections.aclose()

    async def test_connection(self) -> str:
        rows = await self._run(self._statements.reading(sa.select(sa.func.version())), {})
        answer = str(next(iter(rows[0].values()))).partition(" on ")[0]
        return f'{answer} answers and table "{self._settings.table}" is there.'

    async def schema(self, object_class: str) -> ObjectSchema:
        naming = self._settings.naming or self._settings.key
        unique = {column.name for constraint in self._uniques() for column in constraint}
        attributes = tuple(_schema_of(name, column, unique) for name, column in self._attributes.items())
        return ObjectSchema(object_class, self._attribute_name(naming), attributes, is_complete=True)

    async def search(self, object_class: str, *, token: str | None, page_size: int) -> Page:
        """Pages by key, so rows that come and go meanwhile shift nothing; ``total`` comes with the first page."""
        return await self.search_within(object_class, Span(), token=token, page_size=page_size)

    async def search_within(self, object_class: str, span: Span, *, token: str | None, page_size: int) -> Page:
        """The same of the rows whose keys are in the span, by the database's order of keys."""
        places = {AFTER: token or span.after, UPTO: span.upto}
        made = self._statements.page(page_size + 1, [name for name, place in places.items() if place is not None])
        keys = {name: self._key_of_token(place) for name, place in places.items() if place is not None}
        rows = await self._run(made, keys)
        accounts = tuple(map(self._account, rows[:page_size]))
        is_last = len(rows) <= page_size
        total = await self._count() if places[AFTER] is None else None
        return Page(accounts, None if is_last else json.dumps(accounts[-1].uid), is_last=is_last, total=total)

    async def marks(self, object_class: str, *, count: int) -> list[str]:
        """Keys that divide the rows of now into parts alike in size."""
        rows = await self._run(self._statements.every_nth, {EACH: max(-(-await self._count() // count), 1)})
        return [json.dumps(uid_of(row[self._key.name])) for row in rows][: count - 1]

    async def get(self, object_class: str, uid: str) -> TargetAccount | None:
        try:
            key = to_column(self._key, uid)
        except InvalidAttributes:
            return None
        rows = await self._run(self._statements.get, {UID: key})
        return self._account(rows[0]) if rows else None

    async def find(self, object_class: str, attribute: str, value: str) -> list[TargetAccount]:
        column = self._column(attribute)
        try:
            wanted = to_column(column, value)
        except InvalidAttributes:
            return []
        rows = await self._run(self._statements.find(column, FIND_LIMIT), {UID: wanted})
        return [self._account(row) for row in rows]

    async def sync(self, object_class: str, *, token: str | None) -> Changes:
        """Rows stamped since the token, oldest first; what is gone leaves no stamp, only a full listing shows it."""
        changed = self._changed
        if token is None:
            rows = await self._run(self._statements.reading(sa.select(sa.func.max(changed).label("latest"))), {})
            return Changes((), _sync_token(rows[0]["latest"], None))
        since, uid = _place_of_sync_token(token)
        statement = self._statements.select().where(changed.is_not(None)).order_by(changed, self._key)
        if since is not None and uid is not None:
            place = sa.tuple_(sa.literal(since, changed.type), sa.literal(self._key_of(uid), self._key.type))
            statement = statement.where(sa.tuple_(changed, self._key) > place)
        elif since is not None:
            statement = statement.where(changed >= since)
        rows = await self._run(self._statements.reading(statement.limit(self._context.page_size)), {})
        changes = tuple(Change(account.uid, account) for account in map(self._account, rows))
        if len(rows) == self._context.page_size:
            return Changes(changes, _sync_token(rows[-1][changed.name], changes[-1].uid), is_last=False)
        return Changes(changes, _sync_token(rows[-1][changed.name], None) if rows else token)

    async def create(self, object_class: str, attributes: dict[str, Any], *, active: bool | None) -> str:
        given = {name: value for name, value in attributes.items() if value is not None}  # the others: their default
        values = self._values(given, active)
        rows = await self._change(self._statements.insert(values), new_values(values), values)
        return uid_of(rows[0][self._key.name])

    async def update(self, object_class: str, uid: str, attributes: dict[str, Any], *, active: bool | None) -> str:
        values = self._values(attributes, active)
        key = self._key_of(uid)
        if not values:
            rows = await self._run(self._statements.exists, {UID: key})
        else:
            rows = await self._update(self._statements.update(values), {**new_values(values), UID: key}, values)
        if not rows:
            raise UnknownUid
        return uid_of(rows[0][self._key.name])

    async def delete(self, object_class: str, uid: str) -> None:
        if not await self._change(self._statements.delete, {UID: self._key_of(uid)}, {}):
            raise UnknownUid

    async def _update(self, statement: Statement, parameters: dict[str, Any], values: dict[str, Any]) -> list[Row]:
        try:
            return await self._change(statement, parameters, values)
        except AlreadyExists as error:  # the row is there; what is taken is the value we wanted to give it
            raise InvalidAttributes(f"Another row has it already: {error.detail}", **error.fields) from error

    async def _run(self, statement: Statement, parameters: dict[str, Any]) -> list[Row]:
        return await self._sent(statement, parameters, {}, changes=False)

    async def _change(self, statement: Statement, parameters: dict[str, Any], values: dict[str, Any]) -> list[Row]:
        """``values`` are those sent, by column, so that a complaint can name the column."""
        return await self._sent(statement, parameters, values, changes=True)

    async def _sent(
        self, statement: Statement, parameters: dict[str, Any], values: dict[str, Any], *, changes: bool
    ) -> list[Row]:
        connections = self._connections
        if connections is None:
            raise PermanentError("The connector is not open.")
        try:
            connection = await connections.take()
        except (*FAILURES, TimeoutError) as error:
            raise connect_error_of(error) from None
        try:
            if changes:
                self._context.before_change()  # getting a connection may have taken its time
            records = await connection.fetch(statement.text, *statement.arguments(parameters))
        except asyncio.CancelledError:  # in the middle of a statement: not to be lent again
            connection.terminate()
            raise
        except FAILURES as error:
            raise error_of(error, table=self._table, values=values, changes=changes) from None
        finally:
            connections.give_back(connection)
        return [statement.row(record) for record in records]

    def _make_engine(self) -> AsyncEngine:
        url = make_url(self._settings.url).set(drivername="postgresql+asyncpg")
        password = self._context.credentials.get("password")
        return create_async_engine(
            url.set(password=password) if password else url,
            isolation_level="AUTOCOMMIT",
            hide_parameters=True,
            poolclass=sa.NullPool,
            connect_args={"timeout": self._context.connect_s, "server_settings": {"application_name": "provisiond"}},
        )

    async def _reflected(self, engine: AsyncEngine) -> sa.Table:
        try:
            async with engine.connect() as connection:
                return await connection.run_sync(self._reflect)
        except (*FAILURES, TimeoutError) as error:
            raise connect_error_of(error) from None

    def _reflect(self, connection: sa.Connection) -> sa.Table:
        name = self._settings.table
        try:
            return sa.Table(name, sa.MetaData(), schema=self._settings.schema, autoload_with=connection)
        except exc.NoSuchTableError:
            raise PermanentError(f'There is no table "{name}", or our database user may not see it.') from None

    def _attributes_of(self, table: sa.Table) -> dict[str, "sa.Column[Any]"]:
        named = self._settings.columns or {column.name: column.name for column in table.columns}
        settings = self._settings
        others = [settings.key, settings.naming, settings.active_column, settings.changed_column]
        wanted = {*named.values(), *(name for name in others if name)}
        missing = sorted(name for name in wanted if name not in table.columns)
        if missing:
            raise PermanentError(f'Table "{table.name}" has no column {", ".join(missing)}.')
        return {name: table.columns[column] for name, column in named.items() if column != self._settings.active_column}

    @property
    def _opened(self) -> sa.Table:
        if self._table is None:
            raise PermanentError("The connector is not open.")
        return self._table

    @property
    def _key(self) -> "sa.Column[Any]":
        return self._opened.columns[self._settings.key]

    @property
    def _changed(self) -> "sa.Column[Any]":
        name = self._settings.changed_column
        if name is None or not isinstance(self._opened.columns[name].type, sa.DateTime):
            raise PermanentError('"changed_column" must name a column with a time.')
        return self._opened.columns[name]

    @property
    def _statements(self) -> TableStatements:
        if self._made is None:
            raise PermanentError("The connector is not open.")
        return self._made

    def _key_of(self, uid: str) -> Any:
        try:
            return to_column(self._key, uid)
        except InvalidAttributes:
            raise UnknownUid from None  # what cannot be a key is the key of no row

    def _key_of_token(self, token: str) -> Any:
        try:
            return to_column(self._key, json.loads(token))
        except (ValueError, InvalidAttributes):
            raise ListingChanged from None

    def _read_columns(self) -> list["sa.Column[Any]"]:
        extra = [self._settings.active_column, self._settings.changed_column]
        return [*self._attributes.values(), *(self._opened.columns[name] for name in extra if name)]

    @property
    def _account(self) -> Callable[[Row], TargetAccount]:
        """Makes an account of a row."""
        if self._reader is None:
            raise PermanentError("The connector is not open.")
        return self._reader.account

    def _values(self, attributes: dict[str, Any], active: bool | None) -> dict[str, Any]:
        columns = {name: self._column(name).name for name in attributes}
        values = {columns[name]: self._into_column[columns[name]](value) for name, value in attributes.items()}
        column = self._settings.active_column
        if active is not None and column is not None:
            value = self._settings.active_value if active else self._settings.inactive_value
            values[column] = self._into_column[column](value)
        return values

    def _column(self, attribute: str) -> "sa.Column[Any]":
        column = self._attributes.get(attribute)
        if column is None:
            raise InvalidAttributes(f'There is no column for "{attribute}".', attribute=attribute)
        return column

    def _attribute_name(self, column: str) -> str:
        return next((name for name, found in self._attributes.items() if found.name == column), column)

    def _uniques(self) -> list[list["sa.Column[Any]"]]:
        constraints = [
            c for c in self._opened.constraints if isinstance(c, sa.UniqueConstraint | sa.PrimaryKeyConstraint)
        ]
        indexes = [list(index.columns) for index in self._opened.indexes if index.unique]
        return [one for one in [*(list(c.columns) for c in constraints), *indexes] if len(one) == 1]

    async def _count(self) -> int:
        count = sa.select(sa.func.count().label("n")).select_from(self._opened)
        rows = await self._run(self._statements.reading(count), {})
        return int(rows[0]["n"])


def _sync_token(latest: datetime | None, uid: str | None) -> str:
    """Where to go on: behind a row, or at a time; that time is set back by what may still be committed."""
    if latest is not None and uid is None:
        latest -= LATE_COMMITS
    return json.dumps([None if latest is None else latest.isoformat(), uid])


def _place_of_sync_token(token: str) -> tuple[datetime | None, str | None]:
    try:
        since, uid = json.loads(token)
        return None if since is None else datetime.fromisoformat(since), uid
    except (ValueError, TypeError):
        raise ListingChanged from None


def _schema_of(name: str, column: "sa.Column[Any]", unique: set[str]) -> AttributeSchema:
    is_array = isinstance(column.type, sa.ARRAY)
    return AttributeSchema(
        name=name,
        type=_TYPES.get(type(column.type).__visit_name__.lower(), "string"),
        required=not column.nullable and column.server_default is None and not column.identity,
        multi_valued=is_array,
        comparison="ignore_case" if type(column.type).__name__ == "CITEXT" else "exact",
        writable=column.computed is None,
        unique=column.name in unique,
    )


_TYPES = {
    "boolean": "boolean",
    "integer": "integer",
    "smallint": "integer",
    "bigint": "integer",
    "small_integer": "integer",
    "big_integer": "integer",
    "numeric": "number",
    "float": "number",
    "date": "date",
    "datetime": "date",
    "timestamp": "date",
}
