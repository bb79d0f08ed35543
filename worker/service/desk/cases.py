"""Views of correlation cases."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

from worker.actions.alike import alike, in_words, sentences
from worker.actions.undeciding import why_final
from worker.console import Candidate, CaseDetail, CaseFilter, CasePage, CaseRow, Contribution, NearCases, SaidBefore
from worker.domain.redaction import shown
from worker.service.desk.briefs import account_name
from worker.service.desk.slices import cut, ends_of
from worker.store import listings_cases
from worker.store.pool import Connection
from worker.store.sql import Record

#: A person is asked, so it is not certain, whatever the sixth place rounds to.
_NEVER_MORE = 0.9999


async def page(conn: Connection, tenant_id: UUID, *, where: CaseFilter) -> CasePage:
    """One slice of the cases."""
    ends = ends_of(where)
    rows = await listings_cases.page(
        conn,
        tenant_id,
        is_open=where.status == "open" if where.status is not None else None,
        connector_id=where.connector_id,
        q=where.q,
        before=ends.before,
        after=ends.after,
        limit=ends.limit,
    )
    shown_rows, cursors = cut(rows, where)
    known = await _known(conn, tenant_id, shown_rows)
    counts = await listings_cases.counts(conn, tenant_id, connector_id=where.connector_id, q=where.q)
    return CasePage(
        rows=tuple(_row(row, known) for row in shown_rows),
        by_status={"open": counts.get(True, 0), "decided": counts.get(False, 0)},
        as_of=datetime.now(UTC),
        cursors=cursors,
    )


async def detail(conn: Connection, tenant_id: UUID, *, case_id: UUID) -> CaseDetail | None:
    """One case with what is known of its subject and each candidate."""
    rows = await listings_cases.page(conn, tenant_id, case_id=case_id, limit=1)
    if not rows:
        return None
    row = rows[0]
    known = await _known(conn, tenant_id, rows)
    before = await alike(conn, tenant_id, row)
    return CaseDetail(
        row=_row(row, known),
        attributes=_subject(row),
        candidates=tuple(
            _candidate(each, known, of_account=row["account_id"] is not None) for each in row["candidates"]
        ),
        rule_set_version=row["rule_set_version"],
        notes=(row["decision"] or {}).get("notes"),
        reason=row["explanation"],
        alike=in_words(before.outcomes),
        alike_at=before.last_at,
        about=tuple(
            SaidBefore(words, each.decided_at, each.decided_by)
            for words, each in zip(sentences(before.about), before.about, strict=True)
        ),
        final=why_final(row),
    )


async def near(conn: Connection, tenant_id: UUID, *, case_id: UUID, where: CaseFilter) -> NearCases:
    """The open cases on both sides of one, with the filters of ``where``."""
    page_of = partial(
        listings_cases.page, conn, tenant_id, is_open=True, connector_id=where.connector_id, q=where.q, limit=1
    )
    later, earlier = await page_of(after=case_id), await page_of(before=case_id)
    counts = await listings_cases.counts(conn, tenant_id, connector_id=where.connector_id, q=where.q)
    return NearCases(
        before=later[0]["id"] if later else None,
        following=earlier[0]["id"] if earlier else None,
        open=counts.get(True, 0),
    )


async def _known(conn: Connection, tenant_id: UUID, rows: Sequence[Record]) -> dict[UUID, Record]:
    ids = {UUID(each["ref_id"]) for row in rows for each in row["candidates"]}
    return await listings_cases.candidates(conn, tenant_id, ids=sorted(ids)) if ids else {}


def _row(row: Record, known: dict[UUID, Record]) -> CaseRow:
    candidates = row["candidates"]
    best = _candidate(candidates[0], known, of_account=row["account_id"] is not None) if candidates else None
    subject, subject_detail = _named_subject(row)
    return CaseRow(
        id=row["id"],
        connector_id=row["connector_id"],
        connector_name=row["connector_name"] or "deleted connector",
        subject=subject,
        subject_detail=subject_detail,
        subject_kind="account" if row["account_id"] is not None else "identity",
        status="open" if row["status"] == "open" else "decided",
        opened_at=row["created_at"],
        candidates=len(candidates),
        best_confidence=best.confidence if best else None,
        best_label=best.label if best else None,
        best_detail=best.detail if best else "",
        operation_id=row["operation_id"],
        decision={"open": None, "closed": "withdrawn"}.get(row["status"], row["status"]),
        decided_by=row["decided_by_name"],
        decided_at=row["decided_at"],
    )


def _subject(row: Record) -> dict[str, Any]:
    if row["account_id"] is not None:
        return shown(row["account_attributes"] or {})
    attributes = row["identity_attributes"] or {}
    return shown({"user_name": row["subject_name"], "external_id": row["external_id"], **attributes})


def _named_subject(row: Record) -> tuple[str, str]:
    """The subject's name and what tells namesakes apart."""
    if row["account_id"] is not None:
        return account_name(row["account_attributes"] or {}, uid=row["subject_name"])
    return row["subject_name"], row["external_id"] or ""


def _candidate(raw: dict[str, Any], known: dict[UUID, Record], *, of_account: bool) -> Candidate:
    """One candidate: an identity for an account, an account for an identity."""
    ref = UUID(raw["ref_id"])
    found = known.get(ref)
    uid = raw.get("uid") or (found["uid"] if found is not None else None)
    if of_account:
        label = (found["user_name"] if found is not None else None) or raw.get("name") or str(ref)
        detail = (found["external_id"] if found is not None else None) or ""
    else:
        observed = found["attributes"] if found is not None else {}
        label, detail = account_name(observed, uid=uid or raw.get("name") or str(ref))
    return Candidate(
        label=label,
        detail=detail,
        confidence=min(raw["confidence"], _NEVER_MORE),
        identity_id=ref if of_account else None,
        uid=None if of_account else uid,
        match_type=raw.get("match_type", "fuzzy"),
        attributes=shown(found["attributes"]) if found is not None else {},
        contributions=_contributions(raw.get("contributions", ()), of_account=of_account),
    )


def _contributions(raw: Sequence[dict[str, Any]], *, of_account: bool) -> tuple[Contribution, ...]:
    """What the rules said, what weighs most first; a rule's words begin with its name, which has a column.

    Rules go from people to accounts; a case goes from what is asked about to its candidates.
    """
    here, there = ("target_value", "source_value") if of_account else ("source_value", "target_value")
    found = [
        Contribution(
            each["rule"],
            each["points"],
            each.get(here),
            each.get(there),
            each.get("words", "").removeprefix(f"{each['rule']}: "),
        )
        for each in raw
    ]
    return tuple(sorted(found, key=lambda one: -abs(one.weight)))
