"""A house without a daemon: what verbs of the command line act with."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

import structlog

from worker.actions import House
from worker.connectors import Targets
from worker.domain.errors import SettingsError, SurroundingsError
from worker.hooks import HookExecutor
from worker.planning import Acceptance
from worker.queue import DeadLetters, OperationQueue
from worker.recon import Remediation
from worker.safeguard import SafeguardLimits
from worker.security import Vault, parse_key, resolve
from worker.settings import Settings
from worker.store import notify, schema, server, standing
from worker.store.pool import Pool, manners_of, open_pool
from worker.store.server import Pooler

log = structlog.get_logger()


@asynccontextmanager
async def open_house(settings: Settings, *, scripts: HookExecutor | None = None) -> AsyncIterator[House]:
    """Open the database, check its schema, and put together what verbs need; ``scripts`` where they run any."""
    pool = await open_pool(
        database_of(settings), size=4, application="provisiond command line", pooler=pooler_of(settings)
    )
    try:
        await check_schema(pool)
        targets = Targets(pool, vault_of(settings))
        try:
            async with notify.telling(pool) if settings.notify else nullcontext():
                yield assemble(pool, targets, settings, scripts=scripts)
        finally:
            await targets.aclose()
    finally:
        await pool.close()


def assemble(pool: Pool, targets: Targets, settings: Settings, *, scripts: HookExecutor | None = None) -> House:
    """The house over these parts."""
    queue = OperationQueue()
    acceptance = Acceptance(queue, limits=limits_of(settings))
    return House(
        pool=pool,
        queue=queue,
        letters=DeadLetters(queue),
        acceptance=acceptance,
        remediation=Remediation(acceptance),
        targets=targets,
        vault=vault_of(settings),
        two_person_approval=settings.two_person_approval,
        scripts=scripts,
    )


async def check_schema(pool: Pool) -> None:
    """Raise SurroundingsError when this version must not work on the database's schema."""
    async with pool.acquire() as conn:
        refusal = schema.refusal(await schema.state(conn))
    if refusal is not None:
        raise SurroundingsError(refusal)


async def check_standing(pool: Pool, settings: Settings) -> None:
    """Raise SurroundingsError where a daemon must not work; warn of what may cost it something."""
    async with pool.acquire() as conn:
        found = await standing.standing(conn)
        is_pooled = manners_of(conn).statement_cache == 0
    refused = standing.refusal(found)
    if refused is not None:
        raise SurroundingsError(refused)
    for said in standing.cautions(found):
        log.warning("database.caution", said=said)
    if is_pooled and not await server.shares_servers(database_of(settings)):
        log.warning("database.caution", said="The pooler seems to keep a server connection for each of ours.")


def limits_of(settings: Settings) -> SafeguardLimits:
    """What may go without a person's word, as configured."""
    return SafeguardLimits(**settings.safeguard.model_dump())


def database_of(settings: Settings) -> str:
    """The URL of the database as the daemon's role."""
    if settings.database_url is None:
        raise SettingsError("Set PROVISIOND_DATABASE_URL to the database of the daemon, or run `provisiond dev`.")
    return settings.database_url.get_secret_value()


def pooler_of(settings: Settings) -> Pooler:
    """What is between us and the database, as configured."""
    return Pooler(settings.database_pooler)


def vault_of(settings: Settings) -> Vault:
    """The vault with the configured key."""
    if settings.secret_key is None:
        raise SettingsError("Set PROVISIOND_SECRET_KEY: the key that credentials are sealed with.")
    return Vault([parse_key(resolve(settings.secret_key.get_secret_value()))])
