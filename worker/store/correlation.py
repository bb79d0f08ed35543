"""What correlation rests on: keys of accounts that nobody owns, rule sets, people's decisions, open cases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from worker.domain.correlation import BY_HOOK, Candidate, MatchKey, PersonDecision, Verdict
from worker.domain.ids import uuid7
from worker.store import identities
from worker.store.pool import Connection
from worker.store.sql import Record, load

queries = load("correlation")


@dataclass(frozen=True, slots=True)
class NewCase:
    """A question for a person. ``candidates`` are matches as JSON, best first.

    ``subject`` is ``identity:<id>`` or ``account:<id>``; ``operation_id`` is the create that waits for the answer.
    """

    subject: str
    candidates: list[dict[str, Any]]
    explanation: str
    identity_id: UUID | None = None
    account_id: UUID | None = None
    operation_id: UUID | None = None
    rule_set_version: int | None = None


async def by_keys(
    conn: Connection, *, tenant_id: UUID, connector_id: UUID, keys: Sequence[Sequence[MatchKey]], limit: int
) -> list[list[Candidate]]:
    """For each set of keys the accounts of nobody that share one, those that share most of them first."""
    flat = [(place, key) for place, some in enumerate(keys) for key in some]
    found: list[list[Candidate]] = [[] for _ in keys]
    if not flat:
        return found
    pairs = await queries.by_keys.rows(
        conn,
        tenant_id=tenant_id,
        connector_id=connector_id,
        places=[place for place, _ in flat],
        kinds=[key.kind for _, key in flat],
        hashes=[key.hash for _, key in flat],
        limit=limit,
    )
    rows = await queries.seen_as.rows(conn, tenant_id=tenant_id, ids=list({row["id"] for row in pairs}))
    seen = {r["id"]: Candidate(r["id"], r["observed"] or {}, uid=r["uid"], name=r["uid"]) for r in rows}
    for row in pairs:
        if row["id"] in seen:
            found[row["place"]].append(seen[row["id"]])
    return found


async def put_keys(
    conn: Connection, *, tenant_id: UUID, connector_id: UUID, keys: dict[UUID, Sequence[MatchKey]]
) -> None:
    """Replace the keys that rules give these accounts; those that hooks gave stay until hooks say otherwise."""
    if not keys:
        return
    await queries.drop_keys_of_rules.run(conn, tenant_id=tenant_id, account_ids=list(keys), kept=BY_HOOK)
    flat = [(account_id, key) for account_id, some in keys.items() for key in some]
    if flat:
        await queries.insert_keys.run(
            conn,
            tenant_id=tenant_id,
            connector_id=connector_id,
            account_ids=[account_id for account_id, _ in flat],
            kinds=[key.kind for _, key in flat],
            hashes=[key.hash for _, key in flat],
        )


async def put_keys_of_hooks(
    conn: Connection, *, tenant_id: UUID, connector_id: UUID, kind: str, keys: Mapping[UUID, Sequence[MatchKey]]
) -> None:
    """Let these accounts have just these keys of that kind; what is so already is not written."""
    flat = [(account_id, key.hash) for account_id, some in keys.items() for key in some]
    which = {"account_ids": [each for each, _ in flat], "hashes": [each for _, each in flat]}
    await queries.drop_other_keys.run(conn, tenant_id=tenant_id, kind=kind, of=list(keys), **which)
    if flat:
        where = {"tenant_id": tenant_id, "connector_id": connector_id}
        await queries.insert_keys.run(conn, kinds=[kind] * len(flat), **which, **where)


async def drop_keys(conn: Connection, *, tenant_id: UUID, account_ids: Sequence[UUID]) -> None:
    """These accounts have an owner, or are gone."""
    if account_ids:
        await queries.drop_keys.run(conn, tenant_id=tenant_id, account_ids=list(account_ids))


async def keyless(
    conn: Connection, *, tenant_id: UUID, connector_id: UUID, after: UUID, limit: int
) -> list[tuple[UUID, dict[str, Any]]]:
    """Accounts of nobody without any key: (id, observed attributes), in id order."""
    rows = await queries.keyless.rows(conn, tenant_id=tenant_id, connector_id=connector_id, after=after, limit=limit)
    return [(row["id"], row["observed"] or {}) for row in rows]


async def active_rule_set(conn: Connection, *, tenant_id: UUID, connector_id: UUID) -> tuple[int, Any] | None:
    """(version, document) of the rule set in force; None: the shipped rules."""
    row = await queries.active_rule_set.row(conn, tenant_id=tenant_id, connector_id=connector_id)
    return (row["version"], row["rules"]) if row else None


async def drop_all_keys(conn: Connection, *, tenant_id: UUID, connector_id: UUID) -> None:
    """Other rules make other keys: these are void."""
    await queries.drop_all_keys.run(conn, tenant_id=tenant_id, connector_id=connector_id)


async def decisions(
    conn: Connection,
    *,
    tenant_id: UUID,
    connector_id: UUID,
    account_ids: Sequence[UUID] = (),
    identity_ids: Sequence[UUID] = (),
) -> list[PersonDecision]:
    """What people said about any of these accounts and identities."""
    rows = await queries.decisions_of.rows(
        conn,
        tenant_id=tenant_id,
        connector_id=connector_id,
        account_ids=list(account_ids),
        identity_ids=list(identity_ids),
    )
    return [_decision(row) for row in rows]


async def decide(
    conn: Connection, *, tenant_id: UUID, connector_id: UUID, said: Sequence[PersonDecision], by: UUID
) -> None:
    """Write down what a person said."""
    if said:
        await queries.decide.run(
            conn,
            tenant_id=tenant_id,
            connector_id=connector_id,
            decided_by=by,
            account_ids=[each.account_id for each in said],
            identity_ids=[each.identity_id for each in said],
            verdicts=[str(each.verdict) for each in said],
            evidences=[dict(each.evidence) for each in said],
        )


async def withdraw(
    conn: Connection, *, tenant_id: UUID, connector_id: UUID, pairs: Sequence[tuple[UUID, UUID]]
) -> None:
    """Forget what was said about these (account id, identity id)."""
    if pairs:
        await queries.withdraw.run(
            conn,
            tenant_id=tenant_id,
            connector_id=connector_id,
            account_ids=[account_id for account_id, _ in pairs],
            identity_ids=[identity_id for _, identity_id in pairs],
        )


async def move_decisions(conn: Connection, *, tenant_id: UUID, connector_id: UUID, moved: dict[UUID, UUID]) -> None:
    """Let decisions follow accounts whose row gave way to another."""
    real = {old: new for old, new in moved.items() if old != new}
    if real:
        await queries.move_decisions.run(
            conn,
            tenant_id=tenant_id,
            connector_id=connector_id,
            old_ids=list(real),
            new_ids=list(real.values()),
        )


async def open_cases(
    conn: Connection, *, tenant_id: UUID, connector_id: UUID, cases: Sequence[NewCase]
) -> dict[str, UUID]:
    """Ask a person, or renew the question that is open for the same subject; case ids by subject."""
    if not cases:
        return {}
    await queries.open_cases.run(
        conn,
        tenant_id=tenant_id,
        connector_id=connector_id,
        ids=[uuid7() for _ in cases],
        subjects=[each.subject for each in cases],
        identity_ids=[each.identity_id for each in cases],
        account_ids=[each.account_id for each in cases],
        operation_ids=[each.operation_id for each in cases],
        candidates=[{"list": each.candidates} for each in cases],
        explanations=[each.explanation for each in cases],
        rule_set_versions=[each.rule_set_version for each in cases],
    )
    rows = await queries.open_case_ids.rows(
        conn, tenant_id=tenant_id, connector_id=connector_id, subjects=[each.subject for each in cases]
    )
    return {row["subject"]: row["id"] for row in rows}


async def open_case(conn: Connection, *, tenant_id: UUID, connector_id: UUID, case: NewCase) -> UUID:
    """One of them; the case's id."""
    found = await open_cases(conn, tenant_id=tenant_id, connector_id=connector_id, cases=[case])
    return found[case.subject]


async def open_case_ids(
    conn: Connection, *, tenant_id: UUID, connector_id: UUID, subjects: Sequence[str]
) -> list[UUID]:
    """The open questions about these subjects."""
    rows = await queries.open_case_ids.rows(
        conn, tenant_id=tenant_id, connector_id=connector_id, subjects=list(subjects)
    )
    return [row["id"] for row in rows]


async def get_case(conn: Connection, *, tenant_id: UUID, case_id: UUID) -> Record | None:
    return await queries.case.row(conn, tenant_id=tenant_id, id=case_id)


async def settle_case(
    conn: Connection, *, tenant_id: UUID, case_id: UUID, status: str, decision: dict[str, Any], by: UUID
) -> Record | None:
    """Write a person's answer (status confirmed or rejected); the case, or None when it is not open."""
    return await queries.settle_case.row(
        conn, tenant_id=tenant_id, id=case_id, status=status, decision=decision, decided_by=by
    )


async def redecide_case(
    conn: Connection, *, tenant_id: UUID, case_id: UUID, decision: dict[str, Any], by: UUID
) -> None:
    """Write another answer over a person's first one."""
    await queries.redecide_case.run(conn, tenant_id=tenant_id, id=case_id, decision=decision, decided_by=by)


async def close_cases(
    conn: Connection, *, tenant_id: UUID, connector_id: UUID, subjects: Sequence[str], reason: str
) -> int:
    """Close open questions that have answered themselves; how many."""
    if not subjects:
        return 0
    return await queries.close_cases.run(
        conn, tenant_id=tenant_id, connector_id=connector_id, subjects=list(subjects), decision={"reason": reason}
    )


async def close_stale_cases(conn: Connection, *, tenant_id: UUID, connector_id: UUID, still: Sequence[str]) -> int:
    """Close questions about accounts that no operation waits for and that a complete run did not ask again."""
    return await queries.close_stale_cases.run(
        conn, tenant_id=tenant_id, connector_id=connector_id, subjects=list(still)
    )


async def cases_page(
    conn: Connection,
    *,
    tenant_id: UUID,
    connector_id: UUID | None = None,
    statuses: Sequence[str] | None = None,
    before: UUID | None = None,
    limit: int = 20,
    offset: int = 0,
) -> list[Record]:
    """Cases, the newest first."""
    return await queries.cases_page.rows(
        conn,
        tenant_id=tenant_id,
        connector_id=connector_id,
        statuses=list(statuses) if statuses is not None else None,
        before=before,
        limit=limit,
        offset=offset,
    )


async def candidates(
    conn: Connection, *, tenant_id: UUID, connector_id: UUID, object_class: str, after: UUID, limit: int
) -> list[Candidate]:
    """The next people in id order as candidates for accounts of one target."""
    people = await queries.people.rows(conn, tenant_id=tenant_id, after=after, limit=limit)
    return await _as_candidates(conn, people, tenant_id=tenant_id, connector_id=connector_id, object_class=object_class)


async def people_after(conn: Connection, *, tenant_id: UUID, after: UUID, limit: int) -> list[Candidate]:
    """The next people in id order, as candidates for any account."""
    rows = await queries.people.rows(conn, tenant_id=tenant_id, after=after, limit=limit)
    return [_person(row, is_taken=False) for row in rows]


async def people_of(conn: Connection, *, tenant_id: UUID, ids: Sequence[UUID]) -> list[Candidate]:
    """These people as ``people_after``, without those who are gone."""
    rows = await queries.people_of.rows(conn, tenant_id=tenant_id, ids=list(ids)) if ids else []
    return [_person(row, is_taken=False) for row in rows]


@dataclass(frozen=True, slots=True)
class PeopleRows:
    """People as JSON that was not read: ``[[id, external id, user name, whether enabled, attributes], …]`` by id."""

    count: int
    last: UUID
    rows: bytes


async def people_rows(conn: Connection, *, tenant_id: UUID, after: UUID, limit: int) -> PeopleRows:
    """The next people in id order, for another process."""
    row = await queries.people_rows.row(conn, tenant_id=tenant_id, after=after, limit=limit)
    if row is None or not row["n"]:
        return PeopleRows(0, after, b"[]")
    return PeopleRows(row["n"], row["last"], row["rows"].encode("utf-8", "surrogatepass"))


async def taken(
    conn: Connection, *, tenant_id: UUID, connector_id: UUID, object_class: str, identity_ids: Sequence[UUID]
) -> set[UUID]:
    """Those of these people who have an account at a target."""
    rows = await queries.taken.rows(
        conn,
        tenant_id=tenant_id,
        connector_id=connector_id,
        object_class=object_class,
        identity_ids=list(identity_ids),
    )
    return {row["identity_id"] for row in rows if row["has_account"]}


async def candidates_of(
    conn: Connection, *, tenant_id: UUID, connector_id: UUID, object_class: str, ids: Sequence[UUID]
) -> list[Candidate]:
    """These people, without those who are gone."""
    people = await queries.people_of.rows(conn, tenant_id=tenant_id, ids=list(ids)) if ids else []
    return await _as_candidates(conn, people, tenant_id=tenant_id, connector_id=connector_id, object_class=object_class)


async def _as_candidates(
    conn: Connection, people: Sequence[Record], *, tenant_id: UUID, connector_id: UUID, object_class: str
) -> list[Candidate]:
    has_one = await taken(
        conn,
        tenant_id=tenant_id,
        connector_id=connector_id,
        object_class=object_class,
        identity_ids=[row["id"] for row in people],
    )
    return [_person(row, is_taken=row["id"] in has_one) for row in people]


def _person(row: Record, *, is_taken: bool) -> Candidate:
    identity = identities.from_row(row).as_identity()
    return Candidate(identity.id, identity.as_source(), name=identity.user_name, is_taken=is_taken)


def _decision(row: Record) -> PersonDecision:
    return PersonDecision(row["account_id"], row["identity_id"], Verdict(row["verdict"]), row["evidence"])
