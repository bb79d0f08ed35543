"""``provisiond connectors``, ``identities``, ``tokens`` and ``audit``."""

import argparse
import sys
from uuid import UUID

from worker.actions import identities as identity_acts
from worker.actions import runs as run_acts
from worker.actions import tokens as token_acts
from worker.cli.context import Desk, acting
from worker.cli.output import console, facts, show
from worker.domain.connector import Connector
from worker.domain.errors import InvalidRequest, NotFound
from worker.domain.run import RunMode
from worker.security import Role, verify
from worker.store import connectors as store
from worker.store import identities, listings_people
from worker.store.tenant import tenant


def connectors(options: argparse.Namespace) -> int:
    """Every connector and how it is."""

    async def act(desk: Desk) -> int:
        async with tenant(desk.house.pool, desk.tenant_id) as conn:
            found = await store.everyone(conn, tenant_id=desk.tenant_id)
        rows = [
            {
                "name": each.name,
                "type": each.type,
                "status": each.status.value,
                "breaker": each.breaker.value,
                "baseline": each.has_baseline,
                "id": each.id,
            }
            for each in found
        ]
        show(rows, ("name", "type", "status", "breaker", "baseline", "id"), as_json=options.json, empty="None yet.")
        return 0

    return acting(options, act)


def test_connector(options: argparse.Namespace) -> int:
    """Ask a target whether it answers."""

    async def act(desk: Desk) -> int:
        connector = await _connector(desk, options.name)
        target = await desk.house.targets.get(desk.tenant_id, connector.id)
        console.print(await target.guard.test_connection(), markup=False)
        return 0

    return acting(options, act)


def import_identities(options: argparse.Namespace) -> int:
    """Import a source now."""

    async def act(desk: Desk) -> int:
        connector = await _connector(desk, options.connector)
        if not connector.is_source:
            raise InvalidRequest(f"{connector.name} is no source of identities.")
        run = await run_acts.start(desk.house, desk.principal, connector_id=connector.id, mode=RunMode.FULL)
        console.print(f"Import {run.id} is asked for; follow it with: provisiond recon watch {run.id}")
        return 0

    return acting(options, act)


def show_identity(options: argparse.Namespace) -> int:
    """One identity with both sides of its accounts."""

    async def act(desk: Desk) -> int:
        identity_id = await _identity(desk, options.who)
        async with tenant(desk.house.pool, desk.tenant_id) as conn:
            person = await listings_people.get(conn, desk.tenant_id, identity_id=identity_id)
            held = await listings_people.accounts(conn, desk.tenant_id, identity_id=identity_id)
        if person is None:
            raise NotFound(f"There is no identity {options.who}.")
        facts({**dict(person), "accounts": [dict(each) for each in held]}, as_json=options.json)
        return 0

    return acting(options, act)


def disable_identity(options: argparse.Namespace) -> int:
    """Disable every account of a person now."""

    async def act(desk: Desk) -> int:
        identity_id = await _identity(desk, options.who)
        await identity_acts.disable(
            desk.house, desk.principal, identity_id=identity_id, reason="disabled from the command line"
        )
        console.print(f"Every account of {options.who} is being disabled.", markup=False)
        return 0

    return acting(options, act)


def create_token(options: argparse.Namespace) -> int:
    """Make an API token and print it: it cannot be read again."""
    try:
        roles = frozenset(Role(role) for role in options.role)
    except ValueError as error:
        raise InvalidRequest(f"{error}; there are {', '.join(Role)}.") from error

    async def act(desk: Desk) -> int:
        secret = await token_acts.create(desk.house, desk.principal, name=options.name, roles=roles)
        sys.stdout.write(f"{secret}\n")
        return 0

    return acting(options, act)


def verify_audit(options: argparse.Namespace) -> int:
    """Check the chain of every audit entry; exit 1 when it is broken."""

    async def act(desk: Desk) -> int:
        async with tenant(desk.house.pool, desk.tenant_id) as conn:
            verdict = await verify(conn, desk.tenant_id)
        if verdict.broken_at is None:
            console.print(f"{verdict.entries} entries, the chain is whole.")
            return 0
        console.print(f"Broken at entry {verdict.broken_at}: {verdict.reason}.")
        return 1

    return acting(options, act)


async def _connector(desk: Desk, name: str) -> Connector:
    async with tenant(desk.house.pool, desk.tenant_id) as conn:
        found = await store.by_name(conn, tenant_id=desk.tenant_id, name=name)
    if found is None:
        raise NotFound(f"There is no connector {name}.")
    return found


async def _identity(desk: Desk, who: str) -> UUID:
    """The id of a person by user name, external id or id."""
    async with tenant(desk.house.pool, desk.tenant_id) as conn:
        found = await identities.find(conn, tenant_id=desk.tenant_id, who=who)
    if not found:
        raise NotFound(f"There is no identity {who}.")
    if len(found) > 1:
        raise InvalidRequest(f"{who} is the user name of {len(found)} people; give the external id.")
    return found[0]
