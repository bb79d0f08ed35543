"""``provisiond check``: every mistake of the configuration at once, or every setting with where it comes from."""

import argparse
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from worker.cli.configuration import environ_of
from worker.cli.output import complain, console, say, say_json
from worker.domain import errors
from worker.security import parse_key, resolve
from worker.service.runtime import read_runtime
from worker.settings import SettingLine, Settings, SettingsError, describe, load

WRONG = 2
REQUIRED = ("database_url", "secret_key")


def check(options: argparse.Namespace) -> int:
    """Explain the configuration; exit 2 when it has a mistake."""
    environ = environ_of(options)
    overrides = _of_running_dev(environ)
    mistakes = _mistakes(environ, overrides)
    lines = _lines(environ, overrides) if options.all and not mistakes else []
    if options.json:
        say_json({"mistakes": mistakes, **({"settings": [asdict(line) for line in lines]} if lines else {})})
    else:
        _tell(mistakes, lines)
    return WRONG if mistakes else 0


def _mistakes(environ: Mapping[str, str], overrides: Mapping[str, Any]) -> list[str]:
    try:
        settings = load(environ=environ, overrides=overrides, required=REQUIRED)
    except SettingsError as error:
        return list(error.mistakes)
    return _of_key(settings)


def _of_running_dev(environ: Mapping[str, str]) -> dict[str, Any]:
    """What the ``provisiond dev`` of this directory puts in the place of a database that is not configured."""
    try:
        settings = load(environ=environ)
    except SettingsError:
        return {}
    return {} if settings.database_url else read_runtime(settings.data_dir) or {}


def _of_key(settings: Settings) -> list[str]:
    """What is wrong with the key that ``secret_key`` leads to."""
    if settings.secret_key is None:
        return []
    try:
        parse_key(resolve(settings.secret_key.get_secret_value()))
    except errors.SettingsError as error:
        return [f"secret_key: {error}"]
    return []


def _lines(environ: Mapping[str, str], overrides: Mapping[str, Any]) -> list[SettingLine]:
    found = describe(environ=environ, overrides=overrides)
    return [replace(line, origin="`provisiond dev`") if line.name in overrides else line for line in found]


def _tell(mistakes: list[str], lines: list[SettingLine]) -> None:
    for mistake in mistakes:
        complain(mistake)
    if not mistakes and not lines:
        say("The configuration can work; `provisiond doctor` looks at what it leads to.")
    for line in lines:
        said = f"{line.name} = {line.value or '(not set)'}"
        console.print(said, style="bold" if line.origin else None, soft_wrap=True)
        origin = f"from {line.origin}" if line.origin else "the default"
        say(f"    {origin}; {line.variable}. {line.description}")
