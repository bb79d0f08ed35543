"""The settings as verbs see them: what is configured, or what a running ``provisiond dev`` left in this directory."""

import argparse
import os

from worker.domain.errors import SettingsError
from worker.service.runtime import read_runtime
from worker.settings import Settings, load


def settings_of(options: argparse.Namespace, **overrides: object) -> Settings:
    """The settings; a running ``provisiond dev`` of this directory stands in for a database that is not configured."""
    environ = environ_of(options)
    given = {name.replace("__", "."): value for name, value in overrides.items() if value is not None}
    settings = load(environ=environ, overrides=given)
    if settings.database_url is None:
        found = read_runtime(settings.data_dir)
        if found is None:
            raise SettingsError("Set PROVISIOND_DATABASE_URL, or run this where `provisiond dev` was started.")
        settings = load(environ=environ, overrides={**found, **given})
    return settings


def environ_of(options: argparse.Namespace) -> dict[str, str]:
    """The environment, with the file of settings that the command line names."""
    return os.environ | ({"PROVISIOND_CONFIG": options.config} if options.config else {})
