"""Every verb of the console, answered in words: what people do to each other is no error here."""

from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from worker.actions import (
    House,
    approvals,
    bulk,
    cases,
    conflicts,
    connectors,
    findings,
    identities,
    operations,
    owners,
    runs,
    undeciding,
)
from worker.console import ActResult, OperationFilter
from worker.console import Principal as Person
from worker.domain.conflict import ConflictOutcome
from worker.domain.discrepancy import RepairAction, RepairDirection
from worker.domain.errors import InvalidRequest, RequestError, WrongState
from worker.domain.operation import Origin
from worker.domain.run import Only, RunMode
from worker.planning import Decided
from worker.recon import Repaired, Wish
from worker.service.desk.operations import query_of
from worker.service.desk.saying import principal_of, said

OPERATIONS = "/connectors/operations"


class Acts:
    """The console's verbs over the house's actions."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def retry(self, principal: Person, *, ids: tuple[UUID, ...]) -> ActResult:
        who = principal_of(principal)
        return await _each(ids, lambda id_: operations.retry(self._house, who, operation_id=id_), done="retried")

    async def cancel(self, principal: Person, *, ids: tuple[UUID, ...]) -> ActResult:
        who = principal_of(principal)
        return await _each(ids, lambda id_: operations.cancel(self._house, who, operation_id=id_), done="cancelled")

    async def resolve(self, principal: Person, *, ids: tuple[UUID, ...], notes: str) -> ActResult:
        who = principal_of(principal)
        return await _each(
            ids, lambda id_: operations.resolve(self._house, who, operation_id=id_, notes=notes), done="resolved"
        )

    async def redrive(self, principal: Person, *, operation_id: UUID, payload: dict[str, Any] | None) -> ActResult:
        async def act() -> ActResult:
            new = await operations.redrive(
                self._house, principal_of(principal), operation_id=operation_id, payload=payload, origin=Origin.CONSOLE
            )
            return ActResult("Sent again as a new operation; the old one is resolved.", link=f"{OPERATIONS}/{new}")

        return await said(act)

    async def retry_matching(self, principal: Person, *, where: OperationFilter, expected: int) -> ActResult:
        async def act() -> ActResult:
            done = await bulk.act_on_matching(
                self._house,
                principal_of(principal),
                action=bulk.BulkAction.RETRY,
                where=query_of(where),
                expected=expected,
                origin=Origin.CONSOLE,
            )
            left = " What was refused before it was ever tried stays: look at each." if done.skipped else ""
            return ActResult(f"{_count(done.succeeded, 'operation')} retried.{left}", ok=done.succeeded > 0)

        return await said(act)

    async def start_run(self, principal: Person, *, connector_id: UUID, mode: str, dry_run: bool) -> ActResult:
        async def act() -> ActResult:
            run = await runs.start(
                self._house, principal_of(principal), connector_id=connector_id, mode=_mode(mode), dry_run=dry_run
            )
            what = "A dry run" if dry_run else "A run"
            return ActResult(f"{what} was started.", link=_run_path(connector_id, run.id))

        return await said(act)

    async def look_again(
        self, principal: Person, *, connector_id: UUID, uids: tuple[str, ...], identity_ids: tuple[UUID, ...]
    ) -> ActResult:
        async def act() -> ActResult:
            only = Only(uids, identity_ids)
            run = await runs.start(self._house, principal_of(principal), connector_id=connector_id, only=only)
            return ActResult("The account is read again.", link=_run_path(connector_id, run.id))

        return await said(act)

    async def cancel_run(self, principal: Person, *, connector_id: UUID, run_id: UUID) -> ActResult:
        async def act() -> ActResult:
            run = await runs.cancel(self._house, principal_of(principal), run_id=run_id)
            message = "The run ends at its next page." if run.status.is_live else "The run was cancelled."
            return ActResult(message, link=_run_path(connector_id, run_id))

        return await said(act)

    async def pause_run(self, principal: Person, *, connector_id: UUID, run_id: UUID) -> ActResult:
        async def act() -> ActResult:
            await runs.pause(self._house, principal_of(principal), run_id=run_id)
            return ActResult("The run pauses at its next page.", link=_run_path(connector_id, run_id))

        return await said(act)

    async def resume_run(self, principal: Person, *, connector_id: UUID, run_id: UUID) -> ActResult:
        async def act() -> ActResult:
            await runs.resume(self._house, principal_of(principal), run_id=run_id)
            return ActResult("The run goes on where it stopped.", link=_run_path(connector_id, run_id))

        return await said(act)

    async def remediate(
        self,
        principal: Person,
        *,
        connector_id: UUID,
        ids: tuple[UUID, ...],
        action: str | None,
        direction: str | None,
        identity_id: UUID | None = None,
    ) -> ActResult:
        async def act() -> ActResult:
            wanted = _repair_action(action), _direction(direction)
            wishes = [Wish(id_, *wanted, identity_id) for id_ in ids]
            done = await findings.remediate(
                self._house, principal_of(principal), connector_id=connector_id, wishes=wishes
            )
            first = next((one.operation_id for one in done.results if one.operation_id), None)
            link = f"{OPERATIONS}/{first}" if first and len(ids) == 1 else None
            if done.approval_id is not None:
                link = "/approvals"
            return ActResult(_repaired(done.results, is_held=done.approval_id is not None), done.failed == 0, link)

        return await said(act)

    async def ignore(
        self,
        principal: Person,
        *,
        connector_id: UUID,
        ids: tuple[UUID, ...],
        reason: str,
        until: datetime | None,
    ) -> ActResult:
        async def act() -> ActResult:
            done = await findings.ignore(
                self._house, principal_of(principal), connector_id=connector_id, ids=ids, reason=reason, until=until
            )
            left = len(ids) - len(done)
            more = f" {_count(left, 'other')} had been settled already." if left else ""
            return ActResult(f"{_count(len(done), 'discrepancy')} ignored.{more}", ok=bool(done))

        return await said(act)

    async def decide_approval(
        self, principal: Person, *, hold_id: UUID, approve: bool, seen: int | None, notes: str | None
    ) -> ActResult:
        async def act() -> ActResult:
            done = await approvals.decide(
                self._house, principal_of(principal), approval_id=hold_id, approve=approve, seen=seen, notes=notes
            )
            link = _run_path(done.connector_id, done.run_id) if done.run_id is not None else None
            return ActResult(_decided(done, approve=approve), link=link)

        return await said(act)

    async def confirm_case(
        self, principal: Person, *, case_id: UUID, identity_id: UUID | None, uid: str | None, notes: str | None
    ) -> ActResult:
        async def act() -> ActResult:
            who = principal_of(principal)
            try:
                await cases.confirm(self._house, who, case_id=case_id, identity_id=identity_id, uid=uid, notes=notes)
            except WrongState:
                if not await cases.repeats(self._house, who, case_id=case_id, identity_id=identity_id, uid=uid):
                    raise
            return ActResult("Linked; whatever waited for the answer goes on.")

        return await said(act)

    async def reject_case(self, principal: Person, *, case_id: UUID, notes: str | None) -> ActResult:
        async def act() -> ActResult:
            who = principal_of(principal)
            try:
                await cases.reject(self._house, who, case_id=case_id, notes=notes)
            except WrongState:
                if not await cases.repeats(self._house, who, case_id=case_id):
                    raise
            return ActResult("None of them; whatever waited for the answer goes on.")

        return await said(act)

    async def nobodys_case(self, principal: Person, *, case_id: UUID, notes: str | None) -> ActResult:
        async def act() -> ActResult:
            who = principal_of(principal)
            try:
                await owners.nobodys(self._house, who, case_id=case_id, notes=notes)
            except WrongState:
                if not await cases.repeats(self._house, who, case_id=case_id, is_nobody=True):
                    raise
            return ActResult("Nobody's; it is not asked about again until it changes.")

        return await said(act)

    async def new_person_of_case(
        self, principal: Person, *, case_id: UUID, external_id: str, user_name: str, notes: str | None
    ) -> ActResult:
        async def act() -> ActResult:
            person = owners.NewPerson(external_id, user_name)
            who = principal_of(principal)
            made = await owners.create_identity(self._house, who, case_id=case_id, person=person, notes=notes)
            return ActResult(f"{user_name} was made and owns the account.", link=f"/identities/{made}")

        return await said(act)

    async def reassign_case(
        self, principal: Person, *, case_id: UUID, identity_id: UUID | None, uid: str | None, notes: str | None
    ) -> ActResult:
        async def act() -> ActResult:
            who = principal_of(principal)
            await owners.reassign(self._house, who, case_id=case_id, identity_id=identity_id, uid=uid, notes=notes)
            return ActResult("Linked as you said; the answer is kept.")

        return await said(act)

    async def undo_case(self, principal: Person, *, case_id: UUID) -> ActResult:
        async def act() -> ActResult:
            await undeciding.undo(self._house, principal_of(principal), case_id=case_id)
            return ActResult("Taken back: the case is open again.")

        return await said(act)

    async def resolve_conflict(
        self, principal: Person, *, conflict_id: UUID, outcome: ConflictOutcome, notes: str | None
    ) -> ActResult:
        async def act() -> ActResult:
            who = principal_of(principal)
            await conflicts.resolve(self._house, who, conflict_id=conflict_id, outcome=outcome, notes=notes)
            return ActResult(f"Settled: {outcome}. What waited goes on.")

        return await said(act)

    async def disable_identity(self, principal: Person, *, identity_id: UUID, reason: str) -> ActResult:
        async def act() -> ActResult:
            done = await identities.disable(
                self._house, principal_of(principal), identity_id=identity_id, reason=reason
            )
            link = f"{OPERATIONS}?user_id={identity_id}"
            what = f"To be disabled, before all other work: {_count(len(done.operations), 'account')}."
            if done.left_alone:
                what += f" Protected, and left as they are: {_count(done.left_alone, 'account')}. See to them yourself."
            return ActResult(what, ok=not done.left_alone, link=link)

        return await said(act)

    async def enable_identity(self, principal: Person, *, identity_id: UUID, reason: str) -> ActResult:
        async def act() -> ActResult:
            await identities.enable(self._house, principal_of(principal), identity_id=identity_id, reason=reason)
            return ActResult("Enabled; the accounts follow.")

        return await said(act)

    async def provision_identity(self, principal: Person, *, identity_id: UUID, connector_id: UUID | None) -> ActResult:
        async def act() -> ActResult:
            repaired = await identities.provision(
                self._house, principal_of(principal), identity_id=identity_id, connector_id=connector_id
            )
            more = f" {_count(repaired, 'repair')} under way." if repaired else ""
            return ActResult(f"The accounts are brought to what they should be.{more}")

        return await said(act)

    async def set_maintenance(self, principal: Person, *, connector_id: UUID, on: bool) -> ActResult:
        async def act() -> ActResult:
            changed = await connectors.set_maintenance(
                self._house, principal_of(principal), connector_id=connector_id, on=on
            )
            if not changed:
                return ActResult("It was so already.", ok=False)
            return ActResult("Maintenance: nothing is sent there now." if on else "Maintenance is over; work goes on.")

        return await said(act)

    async def test_connector(self, principal: Person, *, connector_id: UUID) -> ActResult:
        async def act() -> ActResult:
            tested = await connectors.test(self._house, principal_of(principal), connector_id=connector_id)
            if tested.success:
                return ActResult(f"The target answered in {tested.took_ms} ms.")
            return ActResult(f"The target did not answer as it should: {tested.error}", ok=False)

        return await said(act)


async def _each(ids: tuple[UUID, ...], verb: Callable[[UUID], Awaitable[object]], *, done: str) -> ActResult:
    """One after the other, each an act of its own; what could not be done is counted with its reasons."""
    refused: Counter[str] = Counter()
    for id_ in ids:
        try:
            await verb(id_)
        except RequestError as error:
            refused[str(error)] += 1
    went_well = len(ids) - refused.total()
    reasons = "; ".join(f"{n} × {reason}" if n > 1 else reason for reason, n in refused.most_common(3))
    if not refused:
        return ActResult(f"{_count(went_well, 'operation')} {done}.")
    if not went_well:
        return ActResult(f"Nothing was done: {reasons}", ok=False)
    return ActResult(f"{_count(went_well, 'operation')} {done}, {refused.total()} not: {reasons}", ok=False)


def _mode(text: str) -> RunMode:
    try:
        return RunMode(text)
    except ValueError as error:
        raise InvalidRequest(f"“{text[:30]}” is no mode of a run.") from error


def _repair_action(text: str | None) -> RepairAction | None:
    try:
        return RepairAction(text) if text else None
    except ValueError as error:
        raise InvalidRequest(f"“{text}” is nothing that can be done about a discrepancy.") from error


def _direction(text: str | None) -> RepairDirection | None:
    try:
        return RepairDirection(text) if text else None
    except ValueError as error:
        raise InvalidRequest(f"“{text}” is no direction of a repair.") from error


def _repaired(results: tuple[Repaired, ...], *, is_held: bool) -> str:
    """What became of repairs, in a sentence or three."""
    counts = Counter(one.result for one in results)
    words = {"queued": "under way", "success": "done", "skipped": "settled already", "failure": "not possible"}
    said = ", ".join(f"{counts[name]} {word}" for name, word in words.items() if counts[name])
    reasons = Counter(one.error for one in results if one.result == "failure" and one.error)
    why = "".join(f" {reason}" for reason, _ in reasons.most_common(2))
    held = " Some removals wait for an approval." if is_held else ""
    if len(results) == 1:
        return f"The repair is {said.removeprefix('1 ')}.{why}{held}"
    return f"{_count(len(results), 'repair')}: {said}.{why}{held}"


def _decided(done: Decided, *, approve: bool) -> str:
    """What a decision sets in motion."""
    match done.kind, approve:
        case "incomplete_source", True:
            return "Approved: the import makes inactive whom the source no longer has."
        case "incomplete_source", False:
            return "Rejected: everybody stays as they are. The import ends without removing anybody."
        case "incomplete_target", True:
            return "Approved: what the listing did not show counts as deleted. The run goes on."
        case "incomplete_target", False:
            return "Rejected: nothing is concluded from the listing. The run goes on without it."
        case "growth", True:
            return "Approved: the run goes on, and repairs what the connector's policy says."
        case "growth", False:
            return "Rejected: nothing is repaired by itself. The run ends, and its findings stay open."
        case _, True:
            return f"{_count(done.released, 'removal')} approved." + (" The run goes on." if done.run_id else "")
        case _:
            return f"{_count(done.cancelled, 'removal')} rejected: nobody is removed."


def _run_path(connector_id: UUID, run_id: UUID) -> str:
    return f"/connectors/{connector_id}/reconciliation/runs/{run_id}"


def _count(n: int, noun: str) -> str:
    plural = noun[:-1] + "ies" if noun.endswith("y") else f"{noun}s"
    return f"{n:,} {noun if n == 1 else plural}"
