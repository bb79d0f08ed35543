"""The configuration: environment variables and a TOML file, read once into one frozen ``Settings``.

``PROVISIOND_BIND__PORT=8081`` sets ``bind.port``; the environment wins over the file, and an override of the command
line over both. The file is ``PROVISIOND_CONFIG``, or ``provisiond.toml`` where the daemon is started.
Every mistake is told at once; a name that nobody knows is a mistake, because a misspelt limit is no limit.
"""

from worker.settings.fields import FIELDS, Hooks, Role, Settings, variable_of
from worker.settings.loading import SettingLine, SettingsError, describe, load

__all__ = ["FIELDS", "Hooks", "Role", "SettingLine", "Settings", "SettingsError", "describe", "load", "variable_of"]
