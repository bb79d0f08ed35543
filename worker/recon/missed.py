"""What a full run finds that deltas do not: whether a target's word for what has changed there can be relied upon.

A full run knows which accounts are others than when they were last looked at. What the target has told of since then is
asked for once more, and only counted. What it did not tell, no delta has seen, nor would the next one.
"""

from collections import Counter
from collections.abc import Mapping
from functools import partial
from typing import Any

from worker.domain.discrepancy import DiscrepancyType
from worker.domain.errors import ConnectorError, LeaseLost
from worker.recon.context import RunContext
from worker.recon.steps import Steps
from worker.store import connectors, discrepancies
from worker.store.runs import Progress
from worker.store.tenant import tenant

#: The fact of a run that keeps it: ``{"count", "by_type", "sample": [{"uid", "type"}]}``, or ``{"error"}``.
MISSED = "missed"
#: So many findings are compared with what the target tells; a run with more has another problem.
MOST = 50_000
_SAMPLE = 10


async def run_missed(steps: Steps, context: RunContext) -> None:
    """Count, once a run, the findings in accounts of whose change the target has not told."""
    run = context.run
    if MISSED in context.facts or "sync" not in context.view.guard.capabilities:
        return
    where = {"tenant_id": run.tenant_id, "connector_id": run.connector_id}
    async with tenant(steps.pool, run.tenant_id) as conn:
        token = await connectors.sync_token(conn, **where)
        changed = await discrepancies.of_changed(conn, run_id=run.id, limit=MOST, **where) if token else {}
    if token is None:
        return
    facts = {MISSED: await _missed(steps, context, changed, token=token)}
    context.facts |= facts
    async with steps.step(context, Progress(facts=facts)):
        pass


async def _missed(
    steps: Steps, context: RunContext, changed: Mapping[str, DiscrepancyType], *, token: str
) -> dict[str, Any]:
    untold = dict(changed)
    guard, place, is_last = context.view.guard, context.place, not untold
    try:
        while not is_last:
            told = await steps.patiently(context, partial(guard.sync, place.object_class, token=token))
            for each in told.changes:
                untold.pop(each.uid, None)
            async with steps.step(context):
                pass  # a stop that was asked for meanwhile
            if not told.is_last and told.next_token in {None, token}:
                return {"error": "it tells the same page of changes again and again."}
            token, is_last = told.next_token or token, told.is_last or not untold
    except LeaseLost:
        raise
    except ConnectorError as error:
        return {"error": str(error)}
    sample = [{"uid": uid, "type": str(kind)} for uid, kind in list(untold.items())[:_SAMPLE]]
    return {"count": len(untold), "by_type": dict(Counter(map(str, untold.values()))), "sample": sample}


def missed_in_words(statistics: Mapping[str, Any]) -> list[str]:
    """The same for people; nothing when nothing was missed, or nobody could have told."""
    missed = statistics.get(MISSED, {})
    if "error" in missed:
        return [f"What the target tells of its changes could not be compared with this run: {missed['error']}"]
    if not missed.get("count"):
        return []
    shown = ", ".join(f"{each['uid']} ({each['type']})" for each in missed["sample"])
    said = f"{missed['count']} of these findings lie in accounts that had changed without the target telling of it, "
    said += f"so no delta sees them: {shown}."
    if gone := missed["by_type"].get(str(DiscrepancyType.DELETED)):
        said += f" {gone} of them are gone, which many targets never tell."
    return [said + " Let full runs come often enough for what may go unnoticed meanwhile."]
