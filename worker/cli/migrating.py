"""``provisiond migrate``."""

import argparse
import asyncio

from worker.cli.configuration import environ_of
from worker.cli.output import say
from worker.domain.errors import SettingsError
from worker.settings import load
from worker.store import migrate as migrations


def migrate(options: argparse.Namespace) -> int:
    """Bring the schema up to date, as the role that owns it."""
    settings = load(environ=environ_of(options))
    if settings.owner_database_url is None:
        raise SettingsError("Set PROVISIOND_OWNER_DATABASE_URL to the database as the role that owns the schema.")
    state = asyncio.run(migrations.migrate(settings.owner_database_url.get_secret_value()))
    say(f"The schema is at step {state.applied}; it serves versions from step {state.oldest_code} on.")
    return 0
