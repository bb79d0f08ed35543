"""The second act of the demo: when everybody has their accounts, things go wrong at the targets, on purpose.

People edit, delete and make accounts by hand, and our records of some are lost. Then a dry run of each target shows
what reconciliation finds and would do; a person decides on the console, or the nightly run repairs by policy.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol
from uuid import UUID

import structlog

from worker.connectors import guard_for
from worker.domain.connector import Connector
from worker.domain.run import RunKind, RunMode, RunTrigger
from worker.service.demo.drift import plan_drift
from worker.service.demo.organisation import Organisation
from worker.service.demo.seed import plant_drift
from worker.service.demo.targets import DemoTarget
from worker.service.loop import wait_for
from worker.store import demo as stage
from worker.store import runs
from worker.store.pool import Pool
from worker.store.tenant import tenant

log = structlog.get_logger()

LOOK_S = 1.0


class Place(Protocol):
    """One demo target as it was set up."""

    @property
    def target(self) -> DemoTarget: ...
    @property
    def credentials(self) -> dict[str, str]: ...


class SecondAct:
    """Lets the targets of one demo drift, once; ``mark`` is the file that remembers it."""

    def __init__(self, pool: Pool, tenant_id: UUID, *, organisation: Organisation, mark: Path) -> None:
        self._pool = pool
        self._tenant_id = tenant_id
        self._organisation = organisation
        self._mark = mark

    async def run(self, places: Sequence[tuple[Place, Connector]], stop: asyncio.Event) -> None:
        """Wait until nothing is left to do, plant the drift, and ask for a dry run of each target."""
        if self._mark.exists():
            return
        while not await self._is_quiet():
            if await wait_for(stop, LOOK_S):
                return
        self._mark.write_text("1\n", encoding="utf-8")  # before the first change: it is planted once, or not at all
        for place, connector in places:
            await self._plant(place, connector)
            await self._ask_for_dry_run(connector)
        log.info("demo.drifted", targets=len(places))

    async def _is_quiet(self) -> bool:
        async with tenant(self._pool, self._tenant_id) as conn:
            return await stage.is_provisioned(conn, tenant_id=self._tenant_id)

    async def _plant(self, place: Place, connector: Connector) -> None:
        async def forget(uid: str) -> None:
            async with tenant(self._pool, self._tenant_id) as conn:
                await stage.lose_account(conn, tenant_id=self._tenant_id, connector_id=connector.id, uid=uid)

        drift = plan_drift(self._organisation, place.target)
        async with guard_for(connector, credentials=place.credentials) as guard:
            await plant_drift(drift, demo_target=place.target, target=guard, forget=forget)

    async def _ask_for_dry_run(self, connector: Connector) -> None:
        async with tenant(self._pool, self._tenant_id) as conn:
            await runs.insert(
                conn,
                tenant_id=self._tenant_id,
                connector_id=connector.id,
                kind=RunKind.RECONCILIATION,
                mode=RunMode.FULL,
                dry_run=True,
                trigger=RunTrigger.MANUAL,
            )
