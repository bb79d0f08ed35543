"""Which connector types are installed, and the guard of a configured connector.

Types are entry points of the group ``worker.connectors``; a type's module is imported when the type is first used.
"""

import difflib
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from worker.connectors.base import Connector as LiveConnector
from worker.connectors.base import ConnectorContext, capabilities_of
from worker.connectors.catalog import TypeDescription, description_of, settings_from
from worker.connectors.guard import CallObserver, ConnectorGuard
from worker.domain.connector import Connector
from worker.domain.errors import InvalidFilter, LeaseLost, SettingsError
from worker.domain.protection import Protects, protection

GROUP = "worker.connectors"


def connector_types() -> tuple[str, ...]:
    """Every installed type by name."""
    return tuple(sorted(_entry_points()))


@cache
def connector_class(type_name: str) -> type[LiveConnector]:
    """The class of a type; raises ``SettingsError`` with a suggestion for an unknown one."""
    found = _entry_points().get(type_name)
    if found is None:
        near = difflib.get_close_matches(type_name, _entry_points(), n=1)
        hint = f'; did you mean "{near[0]}"?' if near else f"; there are {', '.join(connector_types())}."
        raise SettingsError(f'There is no connector type "{type_name}"{hint}')
    loaded: type[LiveConnector] = found.load()
    return loaded


@cache
def describe(type_name: str) -> TypeDescription:
    """The settings, secrets and capabilities of a type."""
    return description_of(connector_class(type_name))


def build_settings(type_name: str, config: Mapping[str, Any]) -> Any:
    """Check a configuration; raises ``SettingsError`` whose field ``problems`` lists every mistake."""
    return settings_from(connector_class(type_name).Settings, config)


def abilities(connector: Connector) -> frozenset[str]:
    """What a stored connector can do as it is configured; raises ``SettingsError`` for a bad configuration."""
    return _abilities(connector_class(connector.type), build_settings(connector.type, connector.config))


def guard_for(
    connector: Connector,
    *,
    credentials: Mapping[str, str],
    may_change: Callable[[], bool] = lambda: True,
    observer: CallObserver | None = None,
) -> ConnectorGuard:
    """Make the guard of a stored connector; nothing is opened yet. Raises ``SettingsError`` for a bad configuration."""
    kind = connector_class(connector.type)
    settings = build_settings(connector.type, connector.config)
    context = _context_of(connector, credentials=credentials, may_change=may_change)
    return ConnectorGuard(
        lambda: kind(settings, context),
        capabilities=_abilities(kind, settings),
        limits=connector.limits,
        may_change=may_change,
        is_protected=_protection(connector.protected_filter),
        observer=observer,
    )


def _abilities(kind: type[LiveConnector], settings: Any) -> frozenset[str]:
    return capabilities_of(kind) - (settings.lacks() if hasattr(settings, "lacks") else frozenset())


def _context_of(
    connector: Connector, *, credentials: Mapping[str, str], may_change: Callable[[], bool]
) -> ConnectorContext:
    def before_change() -> None:
        if not may_change():
            raise LeaseLost

    return ConnectorContext(
        name=connector.name,
        credentials=dict(credentials),
        deadline_s=connector.limits.deadline_s,
        concurrency=connector.limits.concurrency,
        page_size=connector.limits.page_size,
        before_change=before_change,
    )


def _protection(text: str | None) -> Protects | None:
    """The protected filter as a test; one that cannot be read stops everything."""
    try:
        return protection(text)
    except InvalidFilter as error:
        raise SettingsError(f"The filter of the protected accounts cannot be read: {error}") from error


@cache
def _entry_points() -> dict[str, EntryPoint]:
    return {found.name: found for found in entry_points(group=GROUP)}
