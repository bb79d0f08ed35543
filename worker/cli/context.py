"""What verbs that touch the database start from: an open house, the tenant, and a principal for the audit."""

import argparse
import asyncio
import getpass
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from worker.actions import House
from worker.cli.box import open_box
from worker.cli.configuration import settings_of
from worker.domain.connector import Connector
from worker.domain.errors import InvalidRequest, NotFound, SettingsError, SurroundingsError
from worker.security import Principal, Role
from worker.service.house import open_house
from worker.store import connectors, identities, principals, workers
from worker.store.pool import DatabaseGone
from worker.store.tenant import tenant


@dataclass(frozen=True, slots=True)
class Desk:
    """An open house, and who acts."""

    house: House
    principal: Principal

    @property
    def tenant_id(self) -> UUID:
        return self.principal.tenant_id

    async def connector(self, name: str) -> Connector:
        """The connector of this name, or of this id as JSON has it; raises NotFound."""
        async with tenant(self.house.pool, self.tenant_id) as conn:
            found = await connectors.by_name(conn, tenant_id=self.tenant_id, name=name)
            if found is None and (connector_id := _as_id(name)) is not None:
                found = await connectors.get(conn, tenant_id=self.tenant_id, connector_id=connector_id)
        if found is None:
            raise NotFound(f"There is no connector {name}; see `provisiond connectors list`.")
        return found

    async def identity(self, who: str) -> UUID:
        """The id of a person by user name, external id or id; raises NotFound or InvalidRequest."""
        async with tenant(self.house.pool, self.tenant_id) as conn:
            found = await identities.find(conn, tenant_id=self.tenant_id, who=who)
        if not found:
            raise NotFound(f"There is no identity {who}.")
        if len(found) > 1:
            raise InvalidRequest(f"{who} is the user name of {len(found)} people; give the external id.")
        return found[0]


def acting(options: argparse.Namespace, act: Callable[[Desk], Awaitable[int]], *, runs_scripts: bool = False) -> int:
    """Run one act against the database; its exit code. ``runs_scripts``: with a sandbox of its own."""

    async def run() -> int:
        async with desk(options, runs_scripts=runs_scripts) as found:
            return await act(found)

    try:
        return asyncio.run(run())
    except OSError:
        raise
    except DatabaseGone as error:
        raise SurroundingsError("The database went away; try again when it is back.") from error


@asynccontextmanager
async def desk(options: argparse.Namespace, *, runs_scripts: bool = False) -> AsyncIterator[Desk]:
    """Open the house as the person at this machine, who may do everything: the database's password is their key."""
    settings = settings_of(options)
    async with AsyncExitStack() as stack:
        scripts = await stack.enter_async_context(open_box(settings.hooks)) if runs_scripts else None
        house = await stack.enter_async_context(open_house(settings, scripts=scripts))
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
    if not found:
        raise SettingsError("There is no tenant yet: make one with `provisiond tenants create NAME`.")
    if name is None:
        raise SettingsError(f"Say which tenant with --tenant: {', '.join(sorted(found))}.")
    if name not in found:
        raise NotFound(f"There is no tenant {name}; there are {', '.join(sorted(found))}.")
    return found[name]


def _as_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
