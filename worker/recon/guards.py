"""Before a run repairs anything by itself: is that what this target usually needs? If not, a person looks first.

Held repairs pause the run with a sample. An approval lets them through, a rejection lets the run end without them;
either way what was found stays open for people.
"""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from worker.domain.discrepancy import Discrepancy, DiscrepancyType, RepairAction, RepairDirection
from worker.domain.run import PauseReason
from worker.recon.causes import Cause
from worker.recon.context import RunContext
from worker.recon.steps import Steps, Stop
from worker.safeguard import HISTORY, Intent, doubt_about
from worker.store import accounts, cause_repairs, discrepancies, run_history, runs, safeguard
from worker.store.cause_repairs import Group
from worker.store.pool import Connection
from worker.store.runs import Progress
from worker.store.tenant import tenant

Chosen = Mapping[DiscrepancyType, tuple[RepairAction, RepairDirection | None]]

#: The facts of a run that keep its decision: passed or refused; and what a dry run would have been held for.
GUARD, DOUBT = "guard", "doubt"
_PASSED, _REFUSED = "passed", "refused"


async def may_repair(steps: Steps, context: RunContext, chosen: Chosen) -> bool:
    """Whether this run repairs by itself; raises Stop when a person must look first."""
    known = context.facts.get(GUARD)
    if known is None:
        known = await _decided(steps, context) or await _judged(steps, context, chosen)
        context.facts[GUARD] = known
    return bool(known == _PASSED)


async def _decided(steps: Steps, context: RunContext) -> str | None:
    """What a person decided about this; None when nobody was asked. Raises Stop while it is open."""
    run = context.run
    if run.approval_id is None:
        return None
    async with tenant(steps.pool, run.tenant_id) as conn:
        approval = await safeguard.approval(conn, tenant_id=run.tenant_id, approval_id=run.approval_id)
    if approval is None or approval["kind"] != "growth":
        return None
    if approval["status"] == "open":
        raise Stop(PauseReason.SAFEGUARD)
    known = _PASSED if approval["status"] == "approved" else _REFUSED
    async with steps.step(context, Progress(facts={GUARD: known})):
        return known


async def _judged(steps: Steps, context: RunContext, chosen: Chosen) -> str:
    run = context.run
    async with tenant(steps.pool, run.tenant_id) as conn:
        intent, group = await _intent(conn, context, chosen)
        doubt = doubt_about(intent, steps.limits)
        sample = await _sample(conn, context, chosen, group) if doubt else []
    facts: dict[str, Any] = {GUARD: _PASSED}
    if doubt and run.dry_run:
        facts[DOUBT] = doubt
    if doubt and not run.dry_run:
        await _hold(steps, context, intent.repairs, sample=sample, doubt=doubt)
    async with steps.step(context, Progress(facts=facts)):
        return _PASSED


async def _intent(conn: Connection, context: RunContext, chosen: Chosen) -> tuple[Intent, Group | None]:
    run = context.run
    where = {"tenant_id": run.tenant_id, "connector_id": run.connector_id}
    found = await discrepancies.pending_of_run(conn, run_id=run.id, types=list(chosen), **where)
    before = await run_history.last_goods(conn, run, limit=HISTORY)
    largest: list[Group] = []
    if found.get(DiscrepancyType.MISMATCH, 0) > 1 and DiscrepancyType.MISMATCH in chosen:
        largest = await cause_repairs.groups(
            conn, tenant_id=run.tenant_id, connector_id=run.connector_id, run_id=run.id, least=2, limit=1
        )
    group = largest[0] if largest else None
    intent = Intent(
        repairs=sum(found.values()),
        accounts=max(run.accounts_processed, context.facts.get("known", 0)),
        earlier=[_of_kinds(each.discrepancies_by_type, chosen) for each in before],
        alike=group.count if group else 0,
        cause=_words(group) if group else "",
        gone=found.get(DiscrepancyType.DELETED, 0),
    )
    return intent, group


def _of_kinds(by_type: Mapping[str, int], kinds: Collection[DiscrepancyType]) -> int:
    return sum(by_type.get(str(kind), 0) for kind in kinds)


def _words(group: Group) -> str:
    cause = Cause.parse(group.cause)
    return f"{cause.attribute}, {cause.words}"


async def _sample(conn: Connection, context: RunContext, chosen: Chosen, group: Group | None) -> list[dict[str, Any]]:
    """Some of what would be repaired, those of the largest group first."""
    run = context.run
    page = await discrepancies.of_run(
        conn,
        tenant_id=run.tenant_id,
        connector_id=run.connector_id,
        run_id=run.id,
        types=list(chosen),
        after=UUID(int=0),
        limit=safeguard.SAMPLE * 5,
    )
    page.sort(key=lambda each: group is None or group.cause not in each.finding.causes)
    shown = page[: safeguard.SAMPLE]
    ids = [each.finding.identity_id for each in shown if each.finding.identity_id]
    names = await accounts.names(conn, tenant_id=run.tenant_id, ids=ids)
    return [_shown(each, chosen, names) for each in shown]


def _shown(each: Discrepancy, chosen: Chosen, names: Mapping[Any, Any]) -> dict[str, Any]:
    owner = names.get(each.finding.identity_id)
    return {
        "what": str(chosen[each.type][0]),
        "who": owner["user_name"] if owner else None,
        "uid": each.finding.external_uid,
    }


async def _hold(steps: Steps, context: RunContext, count: int, *, sample: list[dict[str, Any]], doubt: str) -> None:
    """Ask for an approval and pause the run, in one transaction; raises Stop."""
    run = context.run
    held = safeguard.Held(
        connector_id=run.connector_id,
        kind="growth",
        count=count,
        sample=sample,
        reason=f"{context.view.connector.name}: {doubt} Nothing is repaired by itself until a person agrees.",
        run_id=run.id,
    )
    async with tenant(steps.pool, run.tenant_id) as conn:
        await runs.advance(conn, run, Progress(tally=context.take_calls()))
        approval_id = await safeguard.hold(conn, held, tenant_id=run.tenant_id)
        await runs.pause(conn, run, reason=PauseReason.SAFEGUARD, approval_id=approval_id)
    raise Stop(PauseReason.SAFEGUARD, is_noted=True)
