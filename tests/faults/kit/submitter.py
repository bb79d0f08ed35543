"""Submits operations and writes down what was acknowledged, in a file that is on the disk before it goes on.

    python -m tests.faults.kit.submitter ORDER

``ORDER`` is a file of JSON: ``{dsn, tenant_id, connector_id, accounts: {login: id}, depth, seed, acks}``. A line of the
file ``acks`` is ``operation id, login, rank``; a line that begins with ``?`` was sent and not yet acknowledged. What is
not acknowledged is sent again under the same idempotency key until it is. SIGTERM ends it between two submissions.
"""

import asyncio
import json
import os
import signal
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, TextIO
from uuid import UUID

from tests.faults.kit.target import column_of
from worker.domain.errors import SurroundingsError
from worker.domain.ids import uuid7
from worker.domain.operation import NewOperation, OperationType, Origin
from worker.queue import OperationQueue
from worker.store import operations
from worker.store.pool import DatabaseTrouble, Pool, open_pool
from worker.store.tenant import tenant

AT_ONCE = 25
WAITING = "SELECT count(*) FROM (SELECT 1 FROM operations WHERE tenant_id = $1 LIMIT $2) o"


@dataclass(frozen=True, slots=True)
class Wanted:
    """One operation that will be submitted until it is acknowledged."""

    id: UUID
    login: str
    rank: int

    def line(self) -> str:
        return f"{self.id},{self.login},{self.rank}"


class Submitter:
    """Keeps so many operations waiting, each account's ranks rising."""

    def __init__(self, order: dict[str, Any], acks: TextIO) -> None:
        self._tenant_id = UUID(order["tenant_id"])
        self._connector_id = UUID(order["connector_id"])
        self._accounts = {login: UUID(found) for login, found in order["accounts"].items()}
        self._logins = list(self._accounts)
        self._depth = order["depth"]
        self._rng = Random(order["seed"])
        self._ranks: defaultdict[str, int] = defaultdict(int)
        self._acks = acks

    async def run(self, dsn: str, stop: asyncio.Event) -> None:
        pool = await self._open(dsn)
        try:
            while not stop.is_set():
                if await self._is_enough(pool):
                    await asyncio.sleep(0.02)
                else:
                    await self._submit(pool, self._next())
        finally:
            pool.terminate()

    async def _open(self, dsn: str) -> Pool:
        while True:
            try:
                return await open_pool(dsn, size=2, application="kit submitter")
            except (SurroundingsError, *DatabaseTrouble):
                await asyncio.sleep(0.05)

    async def _is_enough(self, pool: Pool) -> bool:
        try:
            async with tenant(pool, self._tenant_id) as conn:
                return bool(await conn.fetchval(WAITING, self._tenant_id, self._depth) >= self._depth)
        except DatabaseTrouble:
            await asyncio.sleep(0.05)
            return True

    def _next(self) -> list[Wanted]:
        found = []
        for login in self._rng.choices(self._logins, k=AT_ONCE):
            self._ranks[login] += 1
            found.append(Wanted(uuid7(), login, self._ranks[login]))
        return found

    async def _submit(self, pool: Pool, wanted: list[Wanted]) -> None:
        """Until the database says yes; what it may have taken already is not made twice."""
        self._write([f"?{one.line()}" for one in wanted])
        key = str(wanted[0].id)
        while True:
            try:
                async with tenant(pool, self._tenant_id) as conn:
                    fresh = await operations.queries.idempotent.run(
                        conn, tenant_id=self._tenant_id, key=key, body_hash=b"storm", operation_id=wanted[0].id
                    )
                    if fresh:
                        await OperationQueue().enqueue(
                            conn, tenant_id=self._tenant_id, operations=[self._operation(one) for one in wanted]
                        )
                break
            except DatabaseTrouble:
                await asyncio.sleep(0.05)
        self._write([one.line() for one in wanted])

    def _operation(self, wanted: Wanted) -> NewOperation:
        return NewOperation(
            id=wanted.id,
            connector_id=self._connector_id,
            account_id=self._accounts[wanted.login],
            operation_type=OperationType.UPDATE,
            object_class="user",
            payload={"attributes": {column_of(wanted.rank): wanted.rank}},
            origin=Origin.API,
        )

    def _write(self, lines: list[str]) -> None:
        self._acks.write("".join(f"{line}\n" for line in lines))
        self._acks.flush()
        os.fsync(self._acks.fileno())


async def main(order: dict[str, Any]) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    with Path(order["acks"]).open("a", encoding="utf-8") as acks:
        await Submitter(order, acks).run(order["dsn"], stop)


if __name__ == "__main__":
    asyncio.run(main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
