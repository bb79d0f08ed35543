"""What a run found and did, as one JSON document."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from worker.domain.discrepancy import DiscrepancyType, Resolution
from worker.domain.run import Run
from worker.recon.groups import describe
from worker.recon.guards import DOUBT
from worker.recon.inbound import UNREAD
from worker.recon.missed import MISSED, missed_in_words
from worker.recon.singles import TOLD
from worker.recon.spoilt import COUNT, SPOILT
from worker.store import cause_samples, discrepancies, recon_actions
from worker.store.pool import Connection

_TOP_ATTRIBUTES = 20
#: From how many on differences with one cause are a group, and how many groups are told.
_SMALLEST_GROUP = 3
_TOP_GROUPS = 50


async def report(conn: Connection, run: Run) -> dict[str, Any]:
    """The report of a run, in the caller's tenant transaction: findings by kind and resolution, what was done, what
    differs most, how fast it was, and which differences seem to have one cause.
    """
    where = {"tenant_id": run.tenant_id, "connector_id": run.connector_id, "run_id": run.id}
    found = await discrepancies.summary(conn, **where)
    done = await recon_actions.summary(conn, tenant_id=run.tenant_id, run_id=run.id)
    top = await discrepancies.mismatched_attributes(conn, limit=_TOP_ATTRIBUTES, **where)
    groups = await cause_samples.largest(
        conn,
        tenant_id=run.tenant_id,
        connector_id=run.connector_id,
        run_id=run.id,
        settled=True,
        least=_SMALLEST_GROUP,
        limit=_TOP_GROUPS,
    )
    return {
        "run_id": str(run.id),
        "discrepancy_summary": _summary_of_findings(run, found),
        "action_summary": _summary_of_actions([(row["action_type"], row["result"], row["n"]) for row in done]),
        "top_mismatched_attributes": [{"attribute_name": name, "count": n} for name, n in top],
        "performance_metrics": performance(run, now=datetime.now(UTC)),
        "one_cause_groups": [describe(each) for each in groups],
        "missed_by_deltas": run.statistics.get(MISSED),
        "notes": _notes(run.statistics),
    }


def _notes(statistics: Mapping[str, Any]) -> list[str]:
    """What a person should know beside the findings; of values that could not be read the first ones."""
    notes = [str(statistics["note"])] if "note" in statistics else []
    notes += missed_in_words(statistics)
    if doubt := statistics.get(DOUBT):
        notes.append(f"A run that is no dry run would wait for a person before it repairs anything: {doubt}")
    if count := statistics.get(COUNT, 0):
        uids = ", ".join(each["uid"] for each in statistics.get(SPOILT, []))
        notes.append(f"{count} accounts could not be judged and were left as they are: {uids}. Nothing was closed.")
    notes += [f"{each['uid']}: {each['message']}" for each in statistics.get(TOLD, [])]
    if count := statistics.get("values_unread", 0):
        notes.append(f"{count} values of accounts could not be read for their people, who keep what they have.")
    unread = statistics.get(UNREAD, [])
    return notes + [f"{each['attribute']} from account {each['uid']}: {each['message']}" for each in unread]


def performance(run: Run, *, now: datetime) -> dict[str, Any]:
    """How long a run took and how fast it was; one that is not over is measured until ``now``."""
    seconds = ((run.completed_at or now) - run.started_at).total_seconds() if run.started_at else 0.0
    return {
        "total_duration_ms": round(seconds * 1000),
        "accounts_per_second": round(run.accounts_processed / seconds, 1) if seconds else None,
        "api_calls_made": int(run.statistics.get("api_calls", 0)),
    }


def _summary_of_findings(run: Run, found: Mapping[tuple[DiscrepancyType, Resolution], int]) -> dict[str, Any]:
    """What the run counted, and what has become of those that no later run has seen."""
    by_resolution = Counter[str]()
    for (_, resolution), n in found.items():
        by_resolution[str(resolution)] += n
    return {
        "total": run.discrepancies_found,
        "by_type": {str(kind): run.discrepancies_by_type.get(str(kind), 0) for kind in DiscrepancyType},
        "by_resolution": {str(each): by_resolution[str(each)] for each in Resolution},
    }


def _summary_of_actions(done: Iterable[tuple[str, str, int]]) -> dict[str, Any]:
    by_action, by_result = Counter[str](), Counter[str]()
    for action, result, n in done:
        by_action[action] += n
        by_result[result] += n
    return {"total": by_result.total(), "by_action": dict(by_action), "by_result": dict(by_result)}
