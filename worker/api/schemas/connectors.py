"""Connectors on the wire; nothing of their credentials."""

from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from worker.actions.connectors import Tested as Made
from worker.domain.connector import Connector as Stored
from worker.domain.redaction import shown


class MaintenanceBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    on: bool = True


class Connector(BaseModel):
    """One connector; ``breaker`` is closed while all is well."""

    id: UUID
    name: str
    type: str
    status: str
    is_target: bool
    is_source: bool
    object_class: str
    config: dict[str, Any]
    limits: dict[str, Any]
    scope: str | None
    deprovision: str
    protected_filter: str | None
    policy: dict[str, str]
    settings: dict[str, Any]
    has_baseline: bool
    breaker: str
    version: int


class ConnectorList(BaseModel):
    connectors: list[Connector]
    total: int
    limit: int
    offset: int


class Health(BaseModel):
    """What is known of a target without asking it."""

    connector_id: UUID
    status: str
    breaker: str
    breaker_since: datetime | None
    last_success_at: datetime | None
    last_error: str | None
    last_error_at: datetime | None
    has_baseline: bool


class Tested(BaseModel):
    success: bool
    error: str | None
    tested_at: datetime
    took_ms: int


def connector_of(stored: Stored) -> Connector:
    """A connector as the API shows it."""
    return Connector(
        id=stored.id,
        name=stored.name,
        type=stored.type,
        status=stored.status.value,
        is_target=stored.is_target,
        is_source=stored.is_source,
        object_class=stored.object_class,
        config=shown(stored.config),
        limits=asdict(stored.limits),
        scope=stored.scope,
        deprovision=stored.deprovision.value,
        protected_filter=stored.protected_filter,
        policy=stored.policy,
        settings=shown(stored.settings),
        has_baseline=stored.has_baseline,
        breaker=stored.breaker.value,
        version=stored.version,
    )


def tested_of(made: Made) -> Tested:
    """The result of a test."""
    return Tested(success=made.success, error=made.error, tested_at=made.tested_at, took_ms=made.took_ms)
