"""What people decided before about cases like one, and about those whom it is about: for who decides the next one."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from worker.domain.correlation import Verdict
from worker.store import decided_cases
from worker.store.pool import Connection
from worker.store.sql import Record

_TOLD = 6


class Outcome(StrEnum):
    """How a case like this one was decided."""

    BEST = "best"
    ANOTHER = "another"
    NONE = "none"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Before:
    """Something that a person said of an account or a person of this case."""

    verdict: Verdict
    uid: str | None
    user_name: str | None
    decided_at: datetime
    decided_by: str | None


@dataclass(frozen=True, slots=True)
class Alike:
    """``outcomes`` counts earlier decisions about cases of whose best candidate the rules said the same."""

    outcomes: dict[Outcome, int]
    last_at: datetime | None
    about: tuple[Before, ...]


async def alike(conn: Connection, tenant_id: UUID, case: Record) -> Alike:
    """What was decided before, in the caller's tenant transaction; of the last 500 decisions at that target."""
    where = {"tenant_id": tenant_id, "connector_id": case["connector_id"]}
    rows = await decided_cases.alike(conn, case_id=case["id"], **where)
    refs = [UUID(each["ref_id"]) for each in case["candidates"]]
    of_account = case["account_id"] is not None
    said = await decided_cases.about(
        conn,
        account_ids=[case["account_id"]] if of_account else refs,
        identity_ids=refs if of_account else [case["identity_id"]],
        limit=_TOLD,
        **where,
    )
    return Alike(
        outcomes=dict(Counter(outcome_of(row) for row in rows).most_common()),
        last_at=max((row["decided_at"] for row in rows), default=None),
        about=tuple(_before(row) for row in said),
    )


def outcome_of(row: Record) -> Outcome:
    """What a decided case came to: pure."""
    decision: dict[str, Any] = row["decision"] or {}
    if decision.get("nobody"):
        return Outcome.NOBODY
    if row["status"] == "rejected":
        return Outcome.NONE
    chosen = decision.get("identity_id" if row["account_id"] is not None else "account_id")
    return Outcome.BEST if chosen == row["best"] else Outcome.ANOTHER


def in_words(outcomes: dict[Outcome, int]) -> str:
    """The counts as a person reads them: "3 like this were decided: 2 × the best candidate, 1 × none of them"."""
    total = sum(outcomes.values())
    told = ", ".join(f"{n} × {_WORDS[each]}" for each, n in outcomes.items())
    return f"{total} like this {'was' if total == 1 else 'were'} decided: {told}" if total else ""


def sentences(about: Sequence[Before]) -> list[str]:
    """What was said before, a sentence each."""
    return [_sentence(each) for each in about]


_WORDS = {
    Outcome.BEST: "the best candidate",
    Outcome.ANOTHER: "another one",
    Outcome.NONE: "none of them",
    Outcome.NOBODY: "nobody’s",
}


def _sentence(said: Before) -> str:
    uid, name = said.uid or "an account that is gone", said.user_name or "somebody who is gone"
    match said.verdict:
        case Verdict.IS:
            return f"{uid} is {name}’s."
        case Verdict.IS_NOT:
            return f"{uid} is not {name}’s."
        case Verdict.NOBODY:
            return f"{uid} is nobody’s."


def _before(row: Record) -> Before:
    return Before(Verdict(row["verdict"]), row["uid"], row["user_name"], row["decided_at"], row["decided_by_name"])
