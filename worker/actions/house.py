"""How every verb works: authorise, act, audit, in one tenant transaction. No audit, no act."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from worker.connectors import Targets
from worker.domain.errors import InvalidRequest, Outdated, SurroundingsError, Unauthenticated
from worker.domain.storable import is_storable
from worker.hooks import HookExecutor
from worker.planning import Acceptance
from worker.queue import DeadLetters, OperationQueue
from worker.recon import Remediation
from worker.security import Entry, Principal, Role, Vault, record, require
from worker.store.pool import Connection, Pool
from worker.store.tenant import tenant


@dataclass(frozen=True, slots=True)
class House:
    """What verbs work with."""

    pool: Pool
    queue: OperationQueue
    letters: DeadLetters
    acceptance: Acceptance
    remediation: Remediation
    targets: Targets
    vault: Vault
    two_person_approval: bool = False
    #: None in a process that runs no scripts
    scripts: HookExecutor | None = None

    @property
    def box(self) -> HookExecutor:
        """Where scripts run. Raises SurroundingsError in a process that has none."""
        if self.scripts is None:
            raise SurroundingsError("This process runs no scripts; ask a running daemon.")
        return self.scripts


@dataclass(slots=True)
class Act:
    """One act under way: its connection, and what it will have done."""

    conn: Connection
    principal: Principal
    entries: list[Entry] = field(default_factory=list)

    @property
    def tenant_id(self) -> UUID:
        return self.principal.tenant_id

    @property
    def by(self) -> UUID:
        return self.principal.id

    def note(self, action: str, object_type: str, object_id: object, **details: Any) -> None:
        """Put a line into the audit; details hold no secrets and no attribute values of people."""
        self.entries.append(Entry(self.by, action, object_type, str(object_id), details))


@asynccontextmanager
async def acting(house: House, principal: Principal, role: Role) -> AsyncIterator[Act]:
    """Open an act; raises Forbidden without the role. The audit is written before the commit, or nothing is."""
    require(principal.roles, role)
    async with tenant(house.pool, principal.tenant_id) as conn:
        act = Act(conn, principal)
        yield act
        if not act.entries:
            raise Unauthenticated("An act that leaves no trace is not allowed.")
        await record(conn, principal.tenant_id, act.entries)


def refuse_outdated(stored: int, *, seen: int | None) -> None:
    """Raise Outdated when what is stored is of another version than what the person saw; None: they did not say."""
    if seen is not None and seen != stored:
        raise Outdated(
            f"Somebody else changed this meanwhile: it is at version {stored}, you saw {seen}. Read it again.",
            members={"version": stored},
        )


def refuse_unstorable(what: str, value: Any) -> None:
    """Raise InvalidRequest for a text or JSON value that the database cannot hold."""
    try:
        is_sound = is_storable(value)
    except RecursionError:
        raise InvalidRequest(f"The {what} is nested too deeply.") from None
    if not is_sound:
        raise InvalidRequest(f"The {what} holds what cannot be stored: NUL, half a character, or no finite number.")
