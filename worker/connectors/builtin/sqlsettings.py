"""What the ``sql`` type wants to be told."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import exc
from sqlalchemy.engine import make_url


@dataclass(frozen=True, slots=True)
class SqlSettings:
    """Which table, and what its columns mean."""

    url: str = field(metadata={"help": "postgresql://user@host:port/database, without the password"})
    table: str = field(metadata={"help": "the table whose rows are the accounts"})
    key: str = field(metadata={"help": "the column that identifies a row for ever; its value is the uid"})
    schema: str | None = field(default=None, metadata={"help": "the schema of the table, if not the user's first"})
    naming: str | None = field(default=None, metadata={"help": "the column people know a row by; the key if absent"})
    columns: dict[str, str] = field(
        default_factory=dict, metadata={"help": "attribute name to column; empty: every column by its own name"}
    )
    active_column: str | None = field(default=None, metadata={"help": "the column that tells whether one may sign in"})
    active_value: Any = field(default=True, metadata={"help": "its value for an active account"})
    inactive_value: Any = field(default=False, metadata={"help": "its value for a disabled account"})

    changed_column: str | None = field(
        default=None, metadata={"help": "a column with the time of a row's last change: allows delta runs"}
    )

    def lacks(self) -> frozenset[str]:
        """Capabilities that this configuration does not give."""
        return frozenset() if self.changed_column else frozenset({"sync"})

    def problems(self) -> list[str]:
        try:
            url = make_url(self.url)
        except exc.ArgumentError:
            return ['"url" is not a database URL like postgresql://user@host:5432/database.']
        found = []
        if url.get_backend_name() != "postgresql" or url.drivername not in {"postgresql", "postgresql+asyncpg"}:
            found.append('"url" must begin with postgresql://; other databases are not supported.')
        if url.password:
            found.append('"url" holds a password; it belongs to the credentials.')
        if self.active_column and self.active_value == self.inactive_value:
            found.append('"active_value" and "inactive_value" must differ.')
        return found
