"""``provisiond migrate``."""

import argparse
import asyncio

from worker.cli.configuration import environ_of
from worker.cli.output import say
from worker.domain.errors import SettingsError
from worker.settings import load
from worker.store import migrate as migrations
from worker.store.distribute import Distributed, distribute


def migrate(options: argparse.Namespace) -> int:
    """Bring the schema up to date, as the role that owns it; on request spread it over a cluster."""
    settings = load(environ=environ_of(options))
    if settings.owner_database_url is None:
        raise SettingsError("Set PROVISIOND_OWNER_DATABASE_URL to the database as the role that owns the schema.")
    owner_dsn = settings.owner_database_url.get_secret_value()
    state = asyncio.run(migrations.migrate(owner_dsn, phase=migrations.Phase(options.phase)))
    say(f"The schema is at step {state.applied}; it serves versions from step {state.oldest_code} on.")
    last = migrations.last_step()
    if state.applied < last:
        say(f"Up to step {last} is left for when no older version runs: provisiond migrate --phase post.")
    if options.distribute:
        _tell(asyncio.run(distribute(owner_dsn)))
    return 0


def _tell(done: Distributed) -> None:
    nodes = f"{done.nodes} node{'' if done.nodes == 1 else 's'}"
    if not done.by_tenant and not done.everywhere:
        say(f"All {done.already} tables are spread over {nodes} already.")
        return
    say(f"Spread over {nodes}, each tenant on one of them: {', '.join(done.by_tenant) or 'nothing new'}.")
    say(f"Copied to every node: {', '.join(done.everywhere) or 'nothing new'}.")
    if done.already:
        say(f"{done.already} tables were so before.")
