"""Ends a process at any round trip to the database or a target, and makes tenants that are alike to the last id."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.fakes import MemoryTarget, MemoryTargets
from tests.integration.recon.conftest import House

#: What of a connection is a round trip.
ASKS = ("execute", "executemany", "fetch", "fetchrow", "fetchval")
CALLS = ("search", "get", "find", "sync")

_TABLES = """
SELECT c.relname, array_agg(a.attname ORDER BY a.attnum) AS columns
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attidentity <> 'a'
GROUP BY c.relname HAVING bool_or(a.attname = 'tenant_id')
"""


class Killed(BaseException):
    """The process is gone, whatever it was doing."""


class RoundTrips:
    """Counts what a process asks of others, and ends it before its n-th question.

    Before each: so also behind each, behind a commit whose answer nobody has read, and before a commit.
    """

    def __init__(self, kill: Callable[[], None] | None = None) -> None:
        self.count = 0
        self.at: int | None = None
        self._kill = kill

    def pass_by(self) -> None:
        self.count += 1
        if self.at is not None and self.count >= self.at:
            if self._kill is not None:
                self._kill()
            raise Killed

    @contextmanager
    def watching(self, *targets: type[MemoryTarget]) -> Iterator["RoundTrips"]:
        """Count all that goes to the database and to targets of these classes."""
        with pytest.MonkeyPatch.context() as patch:
            for name in ASKS:
                self._wrap(patch, asyncpg.Connection, name)
            for kind in targets:
                for name in CALLS:
                    if hasattr(kind, name):
                        self._wrap(patch, kind, name)
            yield self

    def _wrap(self, patch: pytest.MonkeyPatch, kind: type[Any], name: str) -> None:
        asked = getattr(kind, name)

        async def counted(conn: Any, *values: Any, **fields: Any) -> Any:
            self.pass_by()
            return await asked(conn, *values, **fields)

        patch.setattr(kind, name, counted)


class Twins:
    """Copies a tenant with all its rows: the same ids, another tenant."""

    def __init__(self, admin: "asyncpg.Connection[Any]", original: House) -> None:
        self._admin = admin
        self._original = original

    async def another(self) -> House:
        """A house as the original is now, with a target of its own."""
        tenant_id = uuid4()
        await self._admin.execute("INSERT INTO tenants (id, name) VALUES ($1, $2)", tenant_id, str(tenant_id))
        await self._copy(tenant_id)
        first = self._original
        target = copy.deepcopy(first.target)
        connector = replace(first.connector, tenant_id=tenant_id)
        targets = MemoryTargets()
        targets.add(connector, target)
        return House(first.pool, tenant_id, connector, target, targets)

    async def _copy(self, tenant_id: UUID) -> None:
        tables = await self._admin.fetch(_TABLES)
        statements = ["SET session_replication_role = replica"]
        for table in tables:
            columns = [name for name in table["columns"] if name != "tenant_id"]
            listed = ", ".join(f'"{name}"' for name in columns)
            statements.append(
                f"INSERT INTO {table['relname']} (tenant_id, {listed}) "
                f"SELECT '{tenant_id}', {listed} FROM {table['relname']} WHERE tenant_id = '{self._original.tenant_id}'"
            )
        await self._admin.execute("; ".join([*statements, "SET session_replication_role = DEFAULT"]))
