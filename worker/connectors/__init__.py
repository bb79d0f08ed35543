"""Targets and sources: what a connector type is, which there are, and the guard through which all calls go.

A connector is reached with ``guard_for(connector, credentials=...)`` and used as ``async with guard:``.
"""

from worker.connectors.base import AttributeSchema, Change, Changes, ConnectorContext, ObjectSchema, Page, Span
from worker.connectors.breaker import Breaker
from worker.connectors.catalog import SettingField, TypeDescription
from worker.connectors.guard import CallObserver, ConnectorGuard
from worker.connectors.registry import abilities, build_settings, connector_class, connector_types, describe, guard_for
from worker.connectors.targets import Target, Targets

__all__ = [
    "AttributeSchema",
    "Breaker",
    "CallObserver",
    "Change",
    "Changes",
    "ConnectorContext",
    "ConnectorGuard",
    "ObjectSchema",
    "Page",
    "SettingField",
    "Span",
    "Target",
    "Targets",
    "TypeDescription",
    "abilities",
    "build_settings",
    "connector_class",
    "connector_types",
    "describe",
    "guard_for",
]
