"""Watches the files of source connectors: one that has changed, and is no longer being written, is imported."""

import asyncio
import math
import os
import time
from dataclasses import dataclass
from uuid import UUID

from worker.domain.connector import Connector, ConnectorStatus
from worker.domain.run import RunKind, RunMode, RunTrigger
from worker.intake.started import StartedRun, note_started
from worker.store import connectors, runs, tenant
from worker.store.pool import Pool

#: A file that was written to within this time is left to its writer.
SETTLED_AFTER_S = 1.0


@dataclass(frozen=True, slots=True)
class Watched:
    """Files looked at, and imports started."""

    files: int = 0
    started: int = 0


class SourceWatcher:
    """Polls files by size, time and identity: no file system's notifications reach over a network mount.

    What the connector's ``sync_token`` says was imported last; a file is imported when two looks in a row find it the
    same, and different from that. ``settings["watch"]`` false leaves a source alone.
    """

    def __init__(self, pool: Pool, *, known_s: float = 0.0) -> None:
        """``known_s``: for how long the database need not be asked again what it has said of sources."""
        self._pool = pool
        self._known_s = known_s
        self._looks: dict[UUID, str] = {}
        self._sources: dict[UUID, tuple[float, list[Connector]]] = {}
        #: What was imported already when we asked last.
        self._imported: dict[UUID, str] = {}

    async def run_once(self, tenant_id: UUID, ref_id: UUID) -> Watched:
        """Look at every file of a tenant once."""
        watched = [(each, path) for each in await self._known(tenant_id) if (path := watched_path(each)) is not None]
        started = [await self._look(connector, path) for connector, path in watched]
        return Watched(len(watched), sum(started))

    async def _known(self, tenant_id: UUID) -> list[Connector]:
        asked_at, sources = self._sources.get(tenant_id, (-math.inf, []))
        if time.monotonic() - asked_at >= self._known_s:
            async with tenant.tenant(self._pool, tenant_id) as conn:
                sources = await connectors.sources(conn, tenant_id=tenant_id)
            self._sources[tenant_id] = (time.monotonic(), sources)
            for source in sources:
                self._imported.pop(source.id, None)
        return sources

    async def _look(self, connector: Connector, path: str) -> bool:
        look = await asyncio.to_thread(looks_of, path, now=time.time())
        if look is None or self._looks.get(connector.id) != look:
            self._looks[connector.id] = look or ""
            return False
        return look != self._imported.get(connector.id) and await self._start(connector, look)

    async def _start(self, connector: Connector, look: str) -> bool:
        """Note the look and start the import in one transaction; while another run lives, both wait."""
        tenant_id, connector_id = connector.tenant_id, connector.id
        async with tenant.tenant(self._pool, tenant_id) as conn:
            if await connectors.sync_token(conn, tenant_id=tenant_id, connector_id=connector_id) == look:
                self._imported[connector_id] = look
                return False
            now = await connectors.get(conn, tenant_id=tenant_id, connector_id=connector_id)
            if now is None or now.status is ConnectorStatus.INACTIVE or watched_path(now) != watched_path(connector):
                self._sources.pop(tenant_id, None)  # it is another by now
                return False
            run = await runs.insert(
                conn,
                tenant_id=tenant_id,
                connector_id=connector_id,
                kind=RunKind.IMPORT,
                mode=RunMode.FULL,
                trigger=RunTrigger.WATCH,
            )
            if run is None:
                return False
            await connectors.set_sync_token(conn, tenant_id=tenant_id, connector_id=connector_id, token=look)
            await note_started(conn, tenant_id, [StartedRun(run, connector)], by="watch of files")
        return True


def watched_path(connector: Connector) -> str | None:
    """The file behind a source, when it is one and may be watched."""
    path = connector.config.get("path")
    return path if isinstance(path, str) and connector.settings.get("watch", True) is not False else None


def looks_of(path: str, *, now: float) -> str | None:
    """What changes when a file is written to or replaced; None while it is absent or just being written."""
    try:
        found = os.stat(path)  # noqa: PTH116 - all that is wanted are the numbers
    except OSError:
        return None
    if now - found.st_mtime < SETTLED_AFTER_S:
        return None
    return f"{found.st_size}-{found.st_mtime_ns}-{found.st_ino}"
