"""The last phase of a run: repair by itself what the connector's policy says, or propose it in a dry run."""

from uuid import UUID

from worker.domain.run import PauseReason
from worker.recon.context import RunContext
from worker.recon.guards import may_repair
from worker.recon.proposals import Wish, wishes_of_policy
from worker.recon.remediate import MOST_TOGETHER, Remediation, Repairs
from worker.recon.steps import Steps, Stop
from worker.security import Entry
from worker.security import record as audit
from worker.store import connectors, discrepancies, principals, runs, safeguard
from worker.store.pool import Connection
from worker.store.runs import Progress
from worker.store.tenant import tenant

_HELD = "removals_approval"


async def run_policy(steps: Steps, context: RunContext, remediation: Remediation) -> None:
    """Settle what this run saw and the policy covers, once each."""
    chosen = wishes_of_policy(await _present_policy(steps, context))
    if chosen and not await may_repair(steps, context, chosen):
        return
    after = UUID(int=0)
    by = await _policy(steps, context) if chosen else after
    while chosen:
        async with steps.step(context) as conn:
            page = await discrepancies.of_run(
                conn,
                tenant_id=context.run.tenant_id,
                connector_id=context.run.connector_id,
                run_id=context.run.id,
                types=list(chosen),
                after=after,
                limit=MOST_TOGETHER,
            )
            wishes = [Wish(each.id, *chosen[each.type]) for each in page if each.undone_at is None]
            await _repair(conn, context, remediation, wishes, by=by)
        if len(page) < MOST_TOGETHER:
            break
        after = page[-1].id


async def _present_policy(steps: Steps, context: RunContext) -> dict[str, str]:
    """As it is now: a person may have changed it while the run was under way, or paused for them."""
    run = context.run
    async with tenant(steps.pool, run.tenant_id) as conn:
        connector = await connectors.get(conn, tenant_id=run.tenant_id, connector_id=run.connector_id)
    return connector.policy if connector else {}


async def _repair(
    conn: Connection, context: RunContext, remediation: Remediation, wishes: list[Wish], *, by: UUID
) -> None:
    if not wishes:
        return
    run = context.run
    repairs = await remediation.remediate(
        conn,
        tenant_id=run.tenant_id,
        connector_id=run.connector_id,
        wishes=wishes,
        by=by,
        dry_run=run.dry_run,
        run=run,
    )
    await runs.tally_items(conn, run, total=len(repairs.results), success=repairs.succeeded, error=repairs.failed)
    if repairs.approval_id is not None:
        context.facts[_HELD] = str(repairs.approval_id)
        await runs.advance(conn, run, Progress(facts={_HELD: str(repairs.approval_id)}))
    if not run.dry_run:
        await audit(conn, run.tenant_id, [_entry(context, repairs, by)])


def _entry(context: RunContext, repairs: Repairs, by: UUID) -> Entry:
    done: dict[str, int] = {}
    for each in repairs.results:
        if each.success:
            done[str(each.action)] = done.get(str(each.action), 0) + 1
    details = {"connector_id": str(context.run.connector_id), "repaired": done, "failed": repairs.failed}
    return Entry(by, "reconciliation.repair", "run", str(context.run.id), details)


async def _policy(steps: Steps, context: RunContext) -> UUID:
    async with tenant(steps.pool, context.run.tenant_id) as conn:
        return await principals.ensure(conn, context.run.tenant_id, kind="policy", name="reconciliation")


async def wait_for_approval(steps: Steps, context: RunContext) -> None:
    """Removals beyond the safeguard's limit pause the run until somebody has decided about them: raises Stop."""
    held = context.facts.get(_HELD)
    if held is None:
        return
    run = context.run
    async with tenant(steps.pool, run.tenant_id) as conn:
        approval = await safeguard.lock_approval(conn, tenant_id=run.tenant_id, approval_id=UUID(held))
        if approval is None or approval["status"] != "open":
            return
        await runs.pause(conn, run, reason=PauseReason.SAFEGUARD, approval_id=UUID(held))
    raise Stop(PauseReason.SAFEGUARD, is_noted=True)
