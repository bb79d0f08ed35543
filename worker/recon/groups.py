"""Findings that one cause explains: what they are, and one person's approval to repair them all.

An approval is carried out in batches, each in a transaction of its own with its place and its line in the audit, so a
process that dies leaves it at the end of a batch and any other goes on. Removals among the repairs stay under the
safeguard. A finding where something else differs, too, is not among those that were approved, and is left alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog

from worker.domain.discrepancy import Discrepancy, RepairAction, RepairDirection
from worker.domain.redaction import shown_differences
from worker.recon.causes import Cause, causes_of
from worker.recon.proposals import Wish
from worker.recon.remediate import MOST_TOGETHER, Remediation, Repairs
from worker.security import Entry
from worker.security import record as audit
from worker.store import cause_repairs, due_work
from worker.store.cause_repairs import CauseRepair, Group
from worker.store.pool import Connection, Pool
from worker.store.tenant import tenant

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class CauseRepaired:
    """Counts of one batch; ``is_left``: there may be more."""

    succeeded: int = 0
    failed: int = 0
    skipped: int = 0
    is_left: bool = False


class CauseRepairing:
    """Carries approvals of causes out; harmless when several daemons do it at once."""

    def __init__(self, pool: Pool, remediation: Remediation) -> None:
        self._pool = pool
        self._remediation = remediation

    async def run_once(self, tenant_id: UUID, repair_id: UUID) -> CauseRepaired:
        """One batch; the approval stays due until its last."""
        async with tenant(self._pool, tenant_id) as conn:
            repair = await cause_repairs.lock(conn, tenant_id=tenant_id, repair_id=repair_id)
            if repair is not None:
                done = await self._batch(conn, repair)
            elif repair_id in await cause_repairs.running(conn, tenant_id=tenant_id):
                return CauseRepaired()  # another process is at it right now
            else:
                done = CauseRepaired()
            if not done.is_left:
                await due_work.forget(conn, tenant_id, due_work.Kind.REPAIR, repair_id)
        return done

    async def _batch(self, conn: Connection, repair: CauseRepair) -> CauseRepaired:
        page = await cause_repairs.batch(conn, repair, limit=MOST_TOGETHER)
        wishes = wishes_of(page, repair)
        repairs = await self._repair(conn, repair, wishes)
        is_left = len(page) == MOST_TOGETHER
        done = CauseRepaired(
            repairs.succeeded, repairs.failed, repairs.skipped + len(page) - len(wishes), is_left=is_left
        )
        await cause_repairs.advance(
            conn,
            repair,
            done_to=page[-1].id if page else None,
            succeeded=done.succeeded,
            failed=done.failed,
            skipped=done.skipped,
            approval_id=repairs.approval_id,
            is_last=not is_left,
        )
        await audit(conn, repair.tenant_id, [_entry(repair, done)])
        log.info(
            "reconciliation.cause_repaired",
            tenant_id=str(repair.tenant_id),
            repair_id=str(repair.id),
            succeeded=done.succeeded,
            failed=done.failed,
            is_left=is_left,
        )
        return done

    async def _repair(self, conn: Connection, repair: CauseRepair, wishes: Sequence[Wish]) -> Repairs:
        if not wishes:
            return Repairs()
        # a batch of one is no person's act on one account: it stays under the safeguard, as by a script
        return await self._remediation.remediate(
            conn,
            tenant_id=repair.tenant_id,
            connector_id=repair.connector_id,
            wishes=wishes,
            by=repair.created_by,
            by_script=True,
        )


def wishes_of(page: Sequence[Discrepancy], repair: CauseRepair) -> list[Wish]:
    """What to repair of these findings: those that differ, as they stand there now, by the approved causes alone."""
    approved = set(repair.causes)
    action, direction = RepairAction(repair.action), RepairDirection(repair.direction)
    return [
        Wish(each.id, action, direction)
        for each in page
        if approved.issuperset(causes_of(each.finding.attributes)) and each.finding.attributes
    ]


def describe(group: Group) -> dict[str, Any]:
    """A group as reports and lists show it; ``sample`` is one of its accounts with both values."""
    cause = Cause.parse(group.cause)
    return {
        "id": cause.id,
        "attribute_name": cause.attribute,
        "cause": cause.words,
        "kind": str(cause.kind),
        "detail": cause.detail or None,
        "count": group.count,
        "alone": group.alone,
        "open": group.open,
        "is_estimated": group.is_estimated,
        "sample": _sample(group, cause),
    }


def cause_words(key: str) -> str:
    """A stored cause in words, with its attribute."""
    cause = Cause.parse(key)
    return f"{cause.attribute}: {cause.words}"


def _sample(group: Group, cause: Cause) -> dict[str, Any] | None:
    if group.sample is None:
        return None
    values = shown_differences(group.sample["attributes"]).get(cause.attribute, {})
    return {
        "discrepancy_id": str(group.sample["id"]),
        "external_uid": group.sample["external_uid"],
        "expected": values.get("expected"),
        "actual": values.get("actual"),
    }


def chosen(known: Sequence[str], ids: Sequence[str]) -> tuple[list[str], list[str]]:
    """The keys that these ids name, and the ids that name none of the known keys."""
    by_id = {Cause.parse(key).id: key for key in known}
    return [by_id[each] for each in ids if each in by_id], [each for each in ids if each not in by_id]


def _entry(repair: CauseRepair, done: CauseRepaired) -> Entry:
    details = {
        "connector_id": str(repair.connector_id),
        "repaired": done.succeeded,
        "failed": done.failed,
        "skipped": done.skipped,
    }
    return Entry(repair.created_by, "reconciliation.repair_cause", "cause_repair", str(repair.id), details)
