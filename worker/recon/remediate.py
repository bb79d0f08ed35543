"""Settles findings: what changes a target goes through the queue, what is our own record is changed here.

A dry run proposes exactly what the real thing does: both come from ``propose``. Everything happens in the caller's
transaction: findings are locked first, then removals and lanes (by ``Acceptance``), account rows last.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from worker.domain.discrepancy import RepairAction, RepairDirection
from worker.domain.errors import NotFound, ProtectedAccount
from worker.domain.operation import NewOperation, Origin
from worker.domain.run import Run
from worker.planning import Acceptance
from worker.recon.batches import Batch, decide, read_batch
from worker.recon.effects import Done, apply, change_people
from worker.recon.proposals import Effect, Proposal, Refusal, Wish
from worker.recon.undoing import Undone, take_back
from worker.recon.witness import why
from worker.store import discrepancies, recon_actions
from worker.store.pool import Connection
from worker.store.recon_actions import NewAction

#: How many findings one call settles at most.
MOST_TOGETHER = 100
TOO_MANY_UNLINKS = (
    "The safeguard lets no more accounts of this target be taken from their owners in 24 hours. Unlink one alone where "
    "it is right."
)


@dataclass(frozen=True, slots=True)
class Repaired:
    """What became of one wish. ``result``: proposed, queued, success, skipped or failure."""

    discrepancy_id: UUID
    action: RepairAction | None
    direction: RepairDirection
    result: str
    dry_run: bool
    error: str | None = None
    changes: dict[str, Any] = field(default_factory=dict)
    operation_id: UUID | None = None
    before_state: dict[str, Any] | None = None
    after_state: dict[str, Any] | None = None

    @property
    def success(self) -> bool:
        return self.result in {"proposed", "queued", "success"}


@dataclass(frozen=True, slots=True)
class Repairs:
    """What became of many, in the order of the wishes; ``approval_id``: some removals wait for it."""

    results: tuple[Repaired, ...] = ()
    approval_id: UUID | None = None

    @property
    def succeeded(self) -> int:
        return sum(each.success for each in self.results)

    @property
    def skipped(self) -> int:
        return sum(each.result == "skipped" for each in self.results)

    @property
    def failed(self) -> int:
        return len(self.results) - self.succeeded - self.skipped


class Remediation:
    """The door to repairs, for people and for policies."""

    def __init__(self, acceptance: Acceptance) -> None:
        self._acceptance = acceptance

    async def remediate(
        self,
        conn: Connection,
        *,
        tenant_id: UUID,
        connector_id: UUID,
        wishes: Sequence[Wish],
        by: UUID,
        dry_run: bool = False,
        run: Run | None = None,
        by_script: bool = False,
    ) -> Repairs:
        """Settle findings inside the caller's tenant transaction, or propose to. ``run``: a policy acts, in that run.

        What a person does to one account is exempt from the safeguard; ``by_script`` is for who may do so in a loop.
        Raises NotFound for an unknown connector. What cannot be done is a result, never an exception.
        """
        batch = await read_batch(conn, tenant_id=tenant_id, connector_id=connector_id, wishes=wishes)
        decided = _one_each([decide(batch, wish) for wish in wishes])
        done = Done()
        if not dry_run:
            wanted = [each for each in decided if isinstance(each, Proposal)]
            await change_people(conn, batch.place, wanted, run=run)
            exempt = run is None and not by_script and len(wanted) == 1
            proposals = wanted if exempt else await self._admitted(conn, batch, wanted, done)
            await self._queue(conn, batch, proposals, done, by=by, run=run, exempt=exempt)
            await apply(conn, batch.place, proposals, done, by=by, run=run)
            await _settle(conn, batch, proposals, done, by=by)
        results = tuple(_result(each, done, dry_run=dry_run) for each in decided)
        await _record(conn, batch, results, by=by, run=run, dry_run=dry_run)
        return Repairs(results, done.approval_id)

    async def preview(
        self, conn: Connection, *, tenant_id: UUID, connector_id: UUID, wishes: Sequence[Wish]
    ) -> tuple[Repaired, ...]:
        """What would become of these wishes; nothing is written."""
        batch = await read_batch(conn, tenant_id=tenant_id, connector_id=connector_id, wishes=wishes)
        return tuple(_result(decide(batch, wish), Done(), dry_run=True) for wish in wishes)

    async def ignore(
        self,
        conn: Connection,
        *,
        tenant_id: UUID,
        connector_id: UUID,
        ids: Sequence[UUID],
        reason: str,
        until: datetime | None,
        by: UUID,
    ) -> list[UUID]:
        """Put findings aside, for good or until a time; the ids of those that were open."""
        where = {"tenant_id": tenant_id, "connector_id": connector_id}
        ignored = await discrepancies.ignore(conn, ids=ids, reason=reason, until=until, by=by, **where)
        details = {"reason": reason, "until": until.isoformat() if until else None}
        notes = [_note("ignore", each, details) for each in ignored]
        await recon_actions.record(conn, actions=notes, by=by, tenant_id=tenant_id, connector_id=connector_id)
        return ignored

    async def undo(
        self,
        conn: Connection,
        *,
        tenant_id: UUID,
        connector_id: UUID,
        discrepancy_id: UUID,
        by: UUID,
        by_script: bool = False,
    ) -> Repaired:
        """Take back an ignore, a link, an unlink, an update or an inactivation, and open the finding again.

        No policy repairs it by itself again while it is found. Raises NotFound.
        """
        where = {"tenant_id": tenant_id, "connector_id": connector_id}
        found = await discrepancies.lock(conn, ids=[discrepancy_id], **where)
        if discrepancy_id not in found:
            raise NotFound(f"There is no discrepancy {discrepancy_id}.")
        undone = await take_back(conn, found[discrepancy_id], tenant_id=tenant_id, by=by)
        error = undone.error
        if undone.operation is not None:
            error = await self._queue_undo(conn, undone.operation, tenant_id=tenant_id, exempt=not by_script)
        done = _undone(discrepancy_id, undone, error)
        if done.success:
            await discrepancies.reopen(conn, ids=[discrepancy_id], is_undone=undone.is_repair, **where)
            note = NewAction(
                discrepancy_id,
                "undo",
                done.direction,
                done.result,
                operation_id=done.operation_id,
                details={"before_state": done.before_state, "after_state": done.after_state},
            )
            await recon_actions.record(conn, actions=[note], by=by, tenant_id=tenant_id, connector_id=connector_id)
        return done

    async def _queue_undo(
        self, conn: Connection, operation: NewOperation, *, tenant_id: UUID, exempt: bool
    ) -> str | None:
        """Hand it to the queue; why not, when the account is protected."""
        reason = "A repair is taken back."
        accepted = await self._acceptance.accept(
            conn, tenant_id=tenant_id, operations=[operation], run_id=None, reason=reason, exempt=exempt
        )
        return str(ProtectedAccount()) if accepted.refused else None

    async def _admitted(
        self, conn: Connection, batch: Batch, proposals: Sequence[Proposal], done: Done
    ) -> list[Proposal]:
        """Without the unlinks that the safeguard does not let through: their findings stay open."""
        unlinks = [each for each in proposals if each.effect is Effect.UNLINK]
        if not unlinks:
            return list(proposals)
        place = batch.place
        passing = await self._acceptance.admit(
            conn, tenant_id=place.tenant_id, connector_id=place.connector_id, unlinks=len(unlinks)
        )
        beyond = {each.discrepancy_id for each in unlinks[passing:]}
        done.failures |= dict.fromkeys(beyond, TOO_MANY_UNLINKS)
        return [each for each in proposals if each.discrepancy_id not in beyond]

    async def _queue(
        self,
        conn: Connection,
        batch: Batch,
        proposals: Sequence[Proposal],
        done: Done,
        *,
        by: UUID,
        run: Run | None,
        exempt: bool,
    ) -> None:
        """Hand what changes the target to the queue."""
        made = {
            each.discrepancy_id: _operation(batch, each, by=by, run=run)
            for each in proposals
            if each.effect is Effect.OPERATION
        }
        accepted = await self._acceptance.accept(
            conn,
            tenant_id=batch.place.tenant_id,
            operations=list(made.values()),
            run_id=run.id if run else None,
            reason=f"Reconciliation of {batch.name} removes these accounts.",
            exempt=exempt,
        )
        queued = set(accepted.ids)
        refused = {finding for finding, op in made.items() if op.id in set(accepted.refused)}
        done.failures |= dict.fromkeys(refused, str(ProtectedAccount()))
        done.operations = {finding: op.id for finding, op in made.items() if op.id in queued}
        done.approval_id = accepted.approval_id


def _undone(discrepancy_id: UUID, undone: Undone, error: str | None) -> Repaired:
    operation = undone.operation if error is None else None
    return Repaired(
        discrepancy_id,
        None,
        RepairDirection.TO_TARGET if undone.operation else RepairDirection.TO_IDENTITY,
        "failure" if error else "queued" if operation else "success",
        dry_run=False,
        error=error,
        operation_id=operation.id if operation else None,
        before_state=undone.before if error is None else None,
        after_state=undone.after if error is None else None,
    )


def _one_each(decided: Sequence[Proposal | Refusal]) -> list[Proposal | Refusal]:
    """One repair per finding: of several wishes for one, the first."""
    taken: set[UUID] = set()
    found: list[Proposal | Refusal] = []
    for each in decided:
        if each.discrepancy_id in taken:
            each = Refusal(each.discrepancy_id, "This is named twice.", each.action, each.direction, is_skip=True)  # noqa: PLW2901 - what stands here from now on
        taken.add(each.discrepancy_id)
        found.append(each)
    return found


def _operation(batch: Batch, proposal: Proposal, *, by: UUID, run: Run | None) -> NewOperation:
    finding = batch.found[proposal.discrepancy_id].finding
    if finding.account_id is None or proposal.kind is None:
        raise LookupError("a repair of a target needs its account")
    return NewOperation(
        connector_id=batch.place.connector_id,
        account_id=finding.account_id,
        operation_type=proposal.kind,
        object_class=batch.place.object_class,
        payload=proposal.payload,
        origin=Origin.RECON,
        user_id=finding.identity_id,
        target_uid=finding.external_uid,
        run_id=run.id if run else None,
        correlation_id=run.correlation_id if run else None,
        discrepancy_id=proposal.discrepancy_id,
        expected_hash=finding.state_hash,
        created_by=by,
    )


async def _settle(conn: Connection, batch: Batch, proposals: Sequence[Proposal], done: Done, *, by: UUID) -> None:
    """Close what was repaired; a repair that fails later is found again by the next run."""
    settled = [
        (each.discrepancy_id, str(each.action), done.operations.get(each.discrepancy_id))
        for each in proposals
        if each.discrepancy_id not in done.failures
    ]
    await discrepancies.settle(conn, tenant_id=batch.place.tenant_id, settled=settled, by=by)


def _result(decided: Proposal | Refusal, done: Done, *, dry_run: bool) -> Repaired:
    if isinstance(decided, Refusal):
        word = "skipped" if decided.is_skip else "failure"
        return Repaired(
            decided.discrepancy_id, decided.action, decided.direction, word, dry_run=dry_run, error=decided.reason
        )
    error = done.failures.get(decided.discrepancy_id)
    is_queued = decided.effect in {Effect.OPERATION, Effect.PLAN}
    word = "proposed" if dry_run else "failure" if error else "queued" if is_queued else "success"
    return Repaired(
        decided.discrepancy_id,
        decided.action,
        decided.direction,
        word,
        dry_run=dry_run,
        error=error,
        changes=decided.changes,
        operation_id=done.operations.get(decided.discrepancy_id),
        before_state=decided.before,
        after_state=decided.after,
    )


async def _record(
    conn: Connection, batch: Batch, results: Sequence[Repaired], *, by: UUID, run: Run | None, dry_run: bool
) -> None:
    """Note every repair and every failure; what was skipped did not happen."""
    actions = [
        NewAction(
            discrepancy_id=each.discrepancy_id if each.discrepancy_id in batch.found else None,
            action=each.action or "none",
            direction=each.direction,
            result=each.result,
            operation_id=each.operation_id,
            details={"before_state": each.before_state, "after_state": each.after_state}
            | why(batch.found.get(each.discrepancy_id), each.action, each.direction)
            | ({"error_message": each.error} if each.error else {}),
        )
        for each in results
        if each.result != "skipped"
    ]
    await recon_actions.record(
        conn,
        tenant_id=batch.place.tenant_id,
        connector_id=batch.place.connector_id,
        actions=actions,
        by=by,
        run_id=run.id if run else None,
        dry_run=dry_run,
    )


def _note(action: str, discrepancy_id: UUID, details: dict[str, Any]) -> NewAction:
    return NewAction(discrepancy_id, action, RepairDirection.TO_IDENTITY, "success", details=details)
