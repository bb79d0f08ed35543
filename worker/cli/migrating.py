"""``provisiond migrate``."""

import argparse
import asyncio
import os

from worker.cli.output import console
from worker.domain.errors import SettingsError
from worker.settings import load
from worker.store import migrate as schema


def migrate(options: argparse.Namespace) -> int:
    """Bring the schema up to date, as the role that owns it."""
    environ = dict(os.environ)
    if options.config:
        environ["PROVISIOND_CONFIG"] = options.config
    settings = load(environ=environ)
    if settings.owner_database_url is None:
        raise SettingsError("Set PROVISIOND_OWNER_DATABASE_URL to the database as the role that owns the schema.")
    state = asyncio.run(schema.migrate(settings.owner_database_url.get_secret_value()))
    console.print(f"The schema is at step {state.applied}; it serves versions from step {state.oldest_code} on.")
    return 0
