"""What the console needs from the rest of the house: reads, acts, and who asks.

Every read takes the tenant first and opens its own tenant transaction; one that names a single object returns None
when there is none. Every act takes the person first, authorises, acts and audits, and never raises for what people do
to each other: a wrong state, a missing right or a vanished object is an ``ActResult`` with ``ok`` False, in words.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from worker.console import views
from worker.domain.conflict import ConflictOutcome


class Principal(Protocol):
    """Who asks. ``roles`` are names such as admin, operator, viewer."""

    @property
    def id(self) -> UUID: ...
    @property
    def tenant_id(self) -> UUID: ...
    @property
    def name(self) -> str: ...
    @property
    def roles(self) -> frozenset[str]: ...


@dataclass(frozen=True, slots=True)
class ConsoleSession:
    """A signed-in person: ``csrf_token`` must come back with every form of theirs."""

    principal: Principal
    csrf_token: str
    expires_at: datetime | None = None


class ConsoleAuth(Protocol):
    """Sessions of people; the cookie is this side's own business."""

    async def session(self, request: Request) -> ConsoleSession | None:
        """The session of the request's cookie, or None when there is none that is valid."""

    async def sign_in(self, request: Request, response: Response, *, secret: str) -> ConsoleSession | None:
        """Trade an API token or the secret of a one-time link for a session, set its cookie on the response.

        None: unknown, used, expired, or of a role that may not see the console.
        """

    async def sign_out(self, request: Request, response: Response) -> None:
        """End the session and clear its cookie."""


@dataclass(frozen=True, slots=True)
class ActResult:
    """What an act did, in a sentence for a person; ``link`` is a path of the console to look at."""

    message: str
    ok: bool = True
    link: str | None = None


class ConsoleReads(Protocol):
    """Every read of the console."""

    async def badges(self, tenant_id: UUID) -> views.Badges: ...
    async def home(self, tenant_id: UUID) -> views.HomeView: ...
    async def connector_names(self, tenant_id: UUID) -> tuple[views.ConnectorBrief, ...]: ...

    async def operations(self, tenant_id: UUID, *, where: views.OperationFilter) -> views.OperationPage: ...
    async def operation(self, tenant_id: UUID, *, operation_id: UUID) -> views.OperationDetail | None: ...

    async def connectors(self, tenant_id: UUID) -> tuple[views.ConnectorCard, ...]: ...
    async def connector(self, tenant_id: UUID, *, connector_id: UUID) -> views.ConnectorDetail | None: ...

    async def reconciliation(
        self, tenant_id: UUID, *, connector_id: UUID, part: views.Slice
    ) -> views.ReconciliationView | None: ...
    async def run(self, tenant_id: UUID, *, connector_id: UUID, run_id: UUID) -> views.RunDetail | None: ...
    async def discrepancies(
        self, tenant_id: UUID, *, connector_id: UUID, where: views.DiscrepancyFilter
    ) -> views.DiscrepancyPage | None: ...
    async def discrepancies_by_id(
        self, tenant_id: UUID, *, connector_id: UUID, ids: tuple[UUID, ...]
    ) -> tuple[views.DiscrepancyRow, ...]: ...

    async def approvals(self, tenant_id: UUID) -> views.ApprovalPage: ...
    async def hold(self, tenant_id: UUID, *, hold_id: UUID) -> views.HoldView | None: ...

    async def cases(self, tenant_id: UUID, *, where: views.CaseFilter) -> views.CasePage: ...
    async def case(self, tenant_id: UUID, *, case_id: UUID) -> views.CaseDetail | None: ...
    async def trend(self, tenant_id: UUID, *, connector_id: UUID | None, days: int) -> views.TrendView | None:
        """The last so many days, today included; None when there is no such connector."""

    async def near_cases(self, tenant_id: UUID, *, case_id: UUID, where: views.CaseFilter) -> views.NearCases: ...

    async def conflicts(self, tenant_id: UUID, *, where: views.ConflictFilter) -> views.ConflictPage: ...
    async def conflict(self, tenant_id: UUID, *, conflict_id: UUID) -> views.ConflictDetail | None: ...

    async def identities(self, tenant_id: UUID, *, where: views.IdentityFilter) -> views.IdentityPage: ...
    async def identity(self, tenant_id: UUID, *, identity_id: UUID) -> views.IdentityDetail | None: ...

    async def audit(self, tenant_id: UUID, *, where: views.AuditFilter) -> views.AuditPage: ...

    def changes(self, tenant_id: UUID) -> AsyncIterator[str]:
        """Topics of what changes, as it changes: operations, runs, discrepancies, cases, conflicts, connectors,
        approvals.

        A hint, never the data; the iterator ends when the daemon stops.
        """


class ConsoleActs(Protocol):
    """Every verb of the console. Lists of ids hold at most 100; what could not be done is counted in the message."""

    async def retry(self, principal: Principal, *, ids: tuple[UUID, ...]) -> ActResult: ...
    async def cancel(self, principal: Principal, *, ids: tuple[UUID, ...]) -> ActResult: ...
    async def resolve(self, principal: Principal, *, ids: tuple[UUID, ...], notes: str) -> ActResult: ...
    async def redrive(self, principal: Principal, *, operation_id: UUID, payload: dict[str, Any] | None) -> ActResult:
        """Make a new operation from an old one; ``link`` leads to the new one."""

    async def retry_matching(self, principal: Principal, *, where: views.OperationFilter, expected: int) -> ActResult:
        """Retry all failed and dead-lettered matches; refused when there are more than ``expected``."""

    async def start_run(self, principal: Principal, *, connector_id: UUID, mode: str, dry_run: bool) -> ActResult: ...
    async def look_again(
        self, principal: Principal, *, connector_id: UUID, uids: tuple[str, ...], identity_ids: tuple[UUID, ...]
    ) -> ActResult:
        """Start a run over these accounts, and those of these people, and nothing else."""

    async def cancel_run(self, principal: Principal, *, connector_id: UUID, run_id: UUID) -> ActResult: ...
    async def pause_run(self, principal: Principal, *, connector_id: UUID, run_id: UUID) -> ActResult: ...
    async def resume_run(self, principal: Principal, *, connector_id: UUID, run_id: UUID) -> ActResult: ...

    async def remediate(
        self,
        principal: Principal,
        *,
        connector_id: UUID,
        ids: tuple[UUID, ...],
        action: str | None,
        direction: str | None,
        identity_id: UUID | None = None,
    ) -> ActResult:
        """Repair findings; ``action`` None takes the first suggestion of each."""

    async def ignore(
        self,
        principal: Principal,
        *,
        connector_id: UUID,
        ids: tuple[UUID, ...],
        reason: str,
        until: datetime | None,
    ) -> ActResult: ...

    async def decide_approval(
        self, principal: Principal, *, hold_id: UUID, approve: bool, seen: int | None, notes: str | None
    ) -> ActResult:
        """Let what is held go, or reject it; a run or import that waits for the decision goes on either way.

        ``seen`` is the version of the hold that the person was shown.
        """

    async def confirm_case(
        self, principal: Principal, *, case_id: UUID, identity_id: UUID | None, uid: str | None, notes: str | None
    ) -> ActResult:
        """It is this candidate: the waiting operation goes on with it."""

    async def reject_case(self, principal: Principal, *, case_id: UUID, notes: str | None) -> ActResult:
        """It is none of them: a waiting create makes a new account."""

    async def nobodys_case(self, principal: Principal, *, case_id: UUID, notes: str | None) -> ActResult:
        """The account belongs to nobody."""

    async def new_person_of_case(
        self, principal: Principal, *, case_id: UUID, external_id: str, user_name: str, notes: str | None
    ) -> ActResult:
        """The account belongs to somebody whom we do not know yet: they are made, and own it."""

    async def reassign_case(
        self, principal: Principal, *, case_id: UUID, identity_id: UUID | None, uid: str | None, notes: str | None
    ) -> ActResult:
        """It is somebody (or, for a person, an account) whom the case does not name; also of a decided case."""

    async def undo_case(self, principal: Principal, *, case_id: UUID) -> ActResult:
        """Take the answer back: the case is open again."""

    async def resolve_conflict(
        self, principal: Principal, *, conflict_id: UUID, outcome: ConflictOutcome, notes: str | None
    ) -> ActResult:
        """Say which of two operations that disagree counts; they go on, change or are cancelled."""

    async def disable_identity(self, principal: Principal, *, identity_id: UUID, reason: str) -> ActResult:
        """Emergency: disable every account of the person now."""

    async def enable_identity(self, principal: Principal, *, identity_id: UUID, reason: str) -> ActResult: ...
    async def provision_identity(
        self, principal: Principal, *, identity_id: UUID, connector_id: UUID | None
    ) -> ActResult:
        """Bring one person's accounts (or just the one at a connector) to what they should be."""

    async def set_maintenance(self, principal: Principal, *, connector_id: UUID, on: bool) -> ActResult: ...
    async def test_connector(self, principal: Principal, *, connector_id: UUID) -> ActResult: ...
