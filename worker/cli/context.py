"""What verbs that touch the database start from: settings, a pool, the tenant, and a principal for the audit."""

import argparse
import asyncio
import getpass
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from worker.actions import House
from worker.domain.errors import NotFound, SettingsError
from worker.security import Principal, Role
from worker.service.house import open_house
from worker.service.runtime import read_runtime
from worker.settings import Settings, load
from worker.store import principals, workers
from worker.store.tenant import tenant


@dataclass(frozen=True, slots=True)
class Desk:
    """An open house, and who acts."""

    house: House
    principal: Principal

    @property
    def tenant_id(self) -> UUID:
        return self.principal.tenant_id


def settings_of(options: argparse.Namespace, **overrides: object) -> Settings:
    """The settings; a running ``provisiond dev`` of this directory stands in for a database that is not configured."""
    environ = dict(os.environ)
    if options.config:
        environ["PROVISIOND_CONFIG"] = options.config
    given = {name.replace("__", "."): value for name, value in overrides.items() if value is not None}
    settings = load(environ=environ, overrides=given)
    if settings.database_url is None:
        found = read_runtime(settings.data_dir)
        if found is None:
            raise SettingsError("Set PROVISIOND_DATABASE_URL, or run this where `provisiond dev` was started.")
        settings = load(environ=environ, overrides={**found, **given})
    return settings


def acting(options: argparse.Namespace, act: Callable[[Desk], Awaitable[int]]) -> int:
    """Run one act against the database; its exit code."""

    async def run() -> int:
        async with desk(options) as found:
            return await act(found)

    return asyncio.run(run())


@asynccontextmanager
async def desk(options: argparse.Namespace) -> AsyncIterator[Desk]:
    """Open the house as the person at this machine, who may do everything: the database's password is their key."""
    async with open_house(settings_of(options)) as house:
        tenant_id = await _tenant(house, options.tenant)
        name = f"{getpass.getuser()} (command line)"
        async with tenant(house.pool, tenant_id) as conn:
            who = await principals.ensure(conn, tenant_id, kind="user", name=name, roles=[Role.ADMIN.value])
        yield Desk(house, Principal(tenant_id, who, "user", name, frozenset({Role.ADMIN.value})))


async def _tenant(house: House, name: str | None) -> UUID:
    async with house.pool.acquire() as conn:
        found: dict[str, UUID] = {row["name"]: row["id"] for row in await workers.tenants(conn)}
    if name is None and len(found) == 1:
        return next(iter(found.values()))
    if name is None:
        raise SettingsError(f"Say which tenant with --tenant: {', '.join(sorted(found)) or 'there is none yet'}.")
    if name not in found:
        raise NotFound(f"There is no tenant {name}.")
    return found[name]
