"""ConsoleActs that remember what was asked and move the sample's operations."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from starlette.requests import Request
from starlette.responses import Response

from tests.e2e.fakes import sample
from tests.e2e.fakes.reads import FakeReads
from worker.console.doors import ActResult, ConsoleSession, Principal
from worker.console.views import OperationFilter
from worker.domain.conflict import ConflictOutcome
from worker.domain.operation import OperationStatus as S

COOKIE = "pvd_test"
TOKEN = "pvd_sample_token"


@dataclass(frozen=True, slots=True)
class Person:
    id: UUID = field(default_factory=lambda: sample.uid(8, 1))
    tenant_id: UUID = field(default_factory=lambda: sample.uid(8, 0))
    name: str = "Me Myself"
    roles: frozenset[str] = frozenset({"admin"})


@dataclass(slots=True)
class FakeAuth:
    """One token, one link secret that works once, one session."""

    person: Person = field(default_factory=Person)
    links: set[str] = field(default_factory=lambda: {"pvd_sample_link"})

    async def session(self, request: Request) -> ConsoleSession | None:
        known = request.cookies.get(COOKIE) == "in"
        return ConsoleSession(self.person, "csrf-of-me") if known else None

    async def sign_in(self, request: Request, response: Response, *, secret: str) -> ConsoleSession | None:
        if secret != TOKEN and secret not in self.links:
            return None
        self.links.discard(secret)
        response.set_cookie(COOKIE, "in", httponly=True, samesite="lax")
        return ConsoleSession(self.person, "csrf-of-me")

    async def sign_out(self, request: Request, response: Response) -> None:
        response.delete_cookie(COOKIE)


@dataclass(slots=True)
class FakeActs:
    """Remembers every act in ``done``; ``beaten`` makes somebody else be faster."""

    reads: FakeReads
    done: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    beaten: bool = False

    def _note(self, verb: str, message: str, link: str | None = None, **what: Any) -> ActResult:
        if self.beaten:
            return ActResult("Grace Okafor did this 4 s ago; nothing was done twice.", ok=False)
        self.done.append((verb, what))
        return ActResult(message, link=link)

    async def retry(self, principal: Principal, *, ids: tuple[UUID, ...]) -> ActResult:
        result = self._note("retry", f"{len(ids)} will run again.", ids=ids)
        if result.ok:
            self.reads.mark(ids, S.PENDING)
        return result

    async def cancel(self, principal: Principal, *, ids: tuple[UUID, ...]) -> ActResult:
        self.reads.mark(ids, S.CANCELLED)
        return self._note("cancel", f"{len(ids)} cancelled.", ids=ids)

    async def resolve(self, principal: Principal, *, ids: tuple[UUID, ...], notes: str) -> ActResult:
        self.reads.mark(ids, S.RESOLVED)
        return self._note("resolve", f"{len(ids)} resolved.", ids=ids, notes=notes)

    async def redrive(self, principal: Principal, *, operation_id: UUID, payload: dict[str, Any] | None) -> ActResult:
        link = f"/connectors/operations/{sample.uid(2, 1)}"
        return self._note("redrive", "A new operation was made.", link, id=operation_id, payload=payload)

    async def retry_matching(self, principal: Principal, *, where: OperationFilter, expected: int) -> ActResult:
        return self._note("retry_matching", f"{expected} will run again.", expected=expected, where=where)

    async def start_run(self, principal: Principal, *, connector_id: UUID, mode: str, dry_run: bool) -> ActResult:
        link = f"/connectors/{connector_id}/reconciliation/runs/{sample.RUNS[0].id}"
        return self._note("start_run", "The run was started.", link, mode=mode, dry_run=dry_run)

    async def look_again(
        self, principal: Principal, *, connector_id: UUID, uids: tuple[str, ...], identity_ids: tuple[UUID, ...]
    ) -> ActResult:
        link = f"/connectors/{connector_id}/reconciliation/runs/{sample.RUNS[0].id}"
        return self._note("look_again", "The account is read again.", link, uids=uids, identity_ids=identity_ids)

    async def cancel_run(self, principal: Principal, *, connector_id: UUID, run_id: UUID) -> ActResult:
        return self._note("cancel_run", "The run was cancelled.", run_id=run_id)

    async def pause_run(self, principal: Principal, *, connector_id: UUID, run_id: UUID) -> ActResult:
        return self._note("pause_run", "The run pauses after this page.", run_id=run_id)

    async def resume_run(self, principal: Principal, *, connector_id: UUID, run_id: UUID) -> ActResult:
        return self._note("resume_run", "The run goes on.", run_id=run_id)

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
        return self._note("remediate", f"{len(ids)} queued for repair.", ids=ids, action=action, direction=direction)

    async def ignore(
        self, principal: Principal, *, connector_id: UUID, ids: tuple[UUID, ...], reason: str, until: datetime | None
    ) -> ActResult:
        return self._note("ignore", f"{len(ids)} ignored.", ids=ids, reason=reason, until=until)

    async def decide_approval(
        self, principal: Principal, *, hold_id: UUID, approve: bool, seen: int | None, notes: str | None
    ) -> ActResult:
        return self._note("decide_approval", "Decided.", hold_id=hold_id, approve=approve, seen=seen, notes=notes)

    async def confirm_case(
        self, principal: Principal, *, case_id: UUID, identity_id: UUID | None, uid: str | None, notes: str | None
    ) -> ActResult:
        return self._note("confirm_case", "They are linked.", case_id=case_id, identity_id=identity_id, uid=uid)

    async def resolve_conflict(
        self, principal: Principal, *, conflict_id: UUID, outcome: ConflictOutcome, notes: str | None
    ) -> ActResult:
        return self._note("resolve_conflict", "Settled.", conflict_id=conflict_id, outcome=outcome)

    async def reject_case(self, principal: Principal, *, case_id: UUID, notes: str | None) -> ActResult:
        return self._note("reject_case", "None of them: a new account is made.", case_id=case_id)

    async def nobodys_case(self, principal: Principal, *, case_id: UUID, notes: str | None) -> ActResult:
        return self._note("nobodys_case", "Nobody's.", case_id=case_id)

    async def new_person_of_case(self, principal: Principal, **said: Any) -> ActResult:
        return self._note("new_person_of_case", "Made.", **said)

    async def reassign_case(self, principal: Principal, **said: Any) -> ActResult:
        return self._note("reassign_case", "Linked as you said.", **said)

    async def undo_case(self, principal: Principal, *, case_id: UUID) -> ActResult:
        return self._note("undo_case", "Taken back: the case is open again.", case_id=case_id)

    async def disable_identity(self, principal: Principal, *, identity_id: UUID, reason: str) -> ActResult:
        return self._note("disable_identity", "3 accounts are being disabled.", id=identity_id, reason=reason)

    async def enable_identity(self, principal: Principal, *, identity_id: UUID, reason: str) -> ActResult:
        return self._note("enable_identity", "3 accounts are being enabled.", id=identity_id, reason=reason)

    async def provision_identity(
        self, principal: Principal, *, identity_id: UUID, connector_id: UUID | None
    ) -> ActResult:
        return self._note("provision_identity", "1 operation was queued.", id=identity_id, connector_id=connector_id)

    async def set_maintenance(self, principal: Principal, *, connector_id: UUID, on: bool) -> ActResult:
        return self._note("set_maintenance", "Maintenance was switched.", connector_id=connector_id, on=on)

    async def test_connector(self, principal: Principal, *, connector_id: UUID) -> ActResult:
        return self._note("test_connector", f"It answers (test {uuid4().hex[:4]}).", connector_id=connector_id)
