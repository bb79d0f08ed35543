"""One real target for each connector type, as the suite uses it."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from tests.conformance.gate import Gate
from worker.connectors import ConnectorGuard, guard_for
from worker.domain.connector import Connector, Limits

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Target:
    """A running target behind a gate. ``person(name)`` are the attributes of an account that does not exist yet."""

    type: str
    config: dict[str, Any]
    gate: Gate | None
    naming: str
    text: str
    unknown_uid: str
    person: Callable[[str], dict[str, Any]]
    credentials: dict[str, str] = field(default_factory=dict)
    bad_credentials: dict[str, str] | None = None
    multi_valued: str | None = None

    def guard(self, *, credentials: dict[str, str] | None = None, **limits: Any) -> ConnectorGuard:
        connector = Connector(
            tenant_id=uuid4(), id=uuid4(), name=self.type, type=self.type, config=self.config, limits=Limits(**limits)
        )
        return guard_for(connector, credentials=self.credentials if credentials is None else credentials)

    def someone(self) -> dict[str, Any]:
        """Attributes nobody had before, also in a server that several tests share."""
        return self.person(f"u{next(_numbers)}-{uuid4().hex[:8]}")
