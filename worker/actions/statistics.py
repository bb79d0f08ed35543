"""How right correlation is, by what people said of it: figures, and links that the rules made to look at."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import sqrt
from random import Random
from typing import Any
from uuid import UUID

from worker.actions.askers import asker_of, no_room
from worker.actions.house import House, acting
from worker.actions.rule_sets import Draft, invalid, review, rules_now, schema_of
from worker.actions.targets import the_target
from worker.correlation import RuleSet, binned_pairs, calibration_error
from worker.domain.connector import Connector
from worker.domain.correlation import NOBODY, PersonDecision, Side, Subject
from worker.domain.errors import HookError, InvalidRequest, NotFound, WrongState
from worker.recon import Answer, occasion_at, whose
from worker.security import Principal, Role, require
from worker.store import accounts, backtests, correlation, reviews
from worker.store.pool import Connection
from worker.store.reviews import Check
from worker.store.sql import Record
from worker.store.tenant import tenant

#: The last checked links that precision is told of, and the last reviewed pairs that calibration is told of.
LAST_CHECKS, LAST_PAIRS = 500, 5_000
#: Links of one sample at most.
MOST_CHECKS = 100
#: Below this confidence a pair was nobody's idea.
_LEAST = 0.1
_FIRST = UUID(int=0)
#: Standard deviations of a two-sided 95 % interval.
_Z = 1.96


@dataclass(frozen=True, slots=True)
class Statistics:
    """``precision`` is of links that the rules made and people checked, ``precision_low`` its lower bound (95 %).

    ``ece`` is the calibration error over all reviewed pairs. None while nothing was reviewed.
    """

    as_of: datetime
    open_questions: int
    open_checks: int
    waiting_operations: int
    oldest_open_at: datetime | None
    oldest_open_age: timedelta | None
    decisions: dict[str, int]
    checked: int
    right: int
    precision: float | None
    precision_low: float | None
    reviewed_pairs: int
    ece: float | None


async def statistics(house: House, principal: Principal, *, connector_id: UUID | None = None) -> Statistics:
    """The figures of one target, or of all. Raises NotFound."""
    require(principal.roles, Role.VIEWER)
    async with tenant(house.pool, principal.tenant_id) as conn:
        if connector_id is not None:
            await the_target(conn, principal.tenant_id, connector_id)
        return await figures_of(conn, tenant_id=principal.tenant_id, connector_id=connector_id)


async def figures_of(conn: Connection, *, tenant_id: UUID, connector_id: UUID | None) -> Statistics:
    """The same inside the caller's tenant transaction."""
    where: dict[str, Any] = {"tenant_id": tenant_id, "connector_id": connector_id}
    queue = await reviews.queue(conn, **where)
    said = await reviews.said(conn, **where)
    checks = await reviews.last(conn, kind="spot_check", limit=LAST_CHECKS, **where)
    pairs = await reviews.last(conn, limit=LAST_PAIRS, **where)
    return _told(await reviews.now(conn), queue, said, checks, pairs)


async def spot_check(house: House, principal: Principal, *, connector_id: UUID, count: int) -> list[UUID]:
    """Ask people to look at up to ``count`` links that the rules made by themselves, chosen by chance; the cases' ids.

    A link is asked about once. Raises NotFound, InvalidRequest, and WrongState when there is none left to ask about.
    """
    if not 1 <= count <= MOST_CHECKS:
        raise InvalidRequest(f"Check 1 to {MOST_CHECKS} links at a time.")
    async with acting(house, principal, Role.OPERATOR) as act:
        where: dict[str, Any] = {"tenant_id": act.tenant_id, "connector_id": connector_id}
        connector = await the_target(act.conn, act.tenant_id, connector_id)
        seed = (await reviews.now(act.conn)).microsecond
        # some were checked already, or linked by a person
        drawn, _ = await backtests.matched(
            act.conn, sample=20 * count, seed=seed, after=_FIRST, limit=40 * count, **where
        )
        rows = await reviews.checkable(act.conn, tenant_id=act.tenant_id, ids=[each.account_id for each in drawn])
        chosen = Random(seed).sample(rows, min(count, len(rows)))
        if not chosen:
            raise WrongState(f"The rules have linked nobody at {connector.name} by themselves who was not checked.")
        found = await reviews.open_checks(act.conn, checks=[_check(row) for row in chosen], **where)
        act.note("case.spot_check", "connector", connector_id, name=connector.name, cases=len(found))
    return found


async def correlate(
    house: House,
    principal: Principal,
    *,
    connector_id: UUID,
    attributes: dict[str, Any] | None = None,
    account_id: UUID | None = None,
    draft: Draft | None = None,
) -> Answer:
    """Whose an account would be, by attributes or by one that we know, with people's decisions about it; no effect.

    Hooks and expressions are asked, too; nothing is counted of that. ``draft``: by these rules, not by those in force.
    Raises NotFound, WrongState for a connector that is not a target, InvalidRules, and SurroundingsError while the
    sandbox has no room.
    """
    require(principal.roles, Role.VIEWER)
    tried = await _drafted(house, principal, connector_id, draft) if draft is not None else None
    async with tenant(house.pool, principal.tenant_id) as conn:
        await the_target(conn, principal.tenant_id, connector_id)
    told = await schema_of(house, principal.tenant_id, connector_id)
    async with tenant(house.pool, principal.tenant_id) as conn:
        connector = await the_target(conn, principal.tenant_id, connector_id)
        now = await rules_now(conn, connector, told)
        subject, said = await _asked_about(conn, connector, attributes or {}, account_id)
        occasion = await occasion_at(conn, connector, schema=told, now=datetime.now(UTC))
    try:
        return await whose(
            house.pool,
            connector=connector,
            rule_set=tried or now.rule_set,
            subject=subject,
            said=said,
            asker=asker_of(house),
            occasion=occasion,
        )
    except HookError as error:
        raise no_room(error) from error


async def _drafted(house: House, principal: Principal, connector_id: UUID, draft: Draft) -> RuleSet:
    found = await review(house, principal, connector_id=connector_id, draft=draft)
    if found.rule_set is None:
        raise invalid(found.problems)
    return found.rule_set


async def _asked_about(
    conn: Connection, connector: Connector, attributes: dict[str, Any], account_id: UUID | None
) -> tuple[Subject, list[PersonDecision]]:
    """The account that is asked about, and what people decided about it."""
    if account_id is None:
        return Subject(NOBODY, Side.ACCOUNT, attributes), []
    where: dict[str, Any] = {"tenant_id": connector.tenant_id}
    rows = await accounts.by_ids(conn, ids=[account_id], **where)
    if account_id not in rows or rows[account_id].account.connector_id != connector.id:
        raise NotFound(f"There is no account {account_id} at {connector.name}.")
    known = rows[account_id].account
    subject = Subject(account_id, Side.ACCOUNT, {**(known.observed or {}), **attributes}, uid=known.uid)
    return subject, await correlation.decisions(conn, connector_id=connector.id, account_ids=[account_id], **where)


def _told(
    now: datetime,
    queue: dict[str, Record],
    said: dict[str, int],
    checks: Sequence[Record],
    pairs: Sequence[Record],
) -> Statistics:
    oldest = min((row["oldest_at"] for row in queue.values()), default=None)
    right = sum(row["is_one"] for row in checks)
    sure = [(row["confidence"], row["is_one"]) for row in pairs if row["confidence"] >= _LEAST]
    return Statistics(
        as_of=now,
        open_questions=queue["question"]["n"] if "question" in queue else 0,
        open_checks=queue["spot_check"]["n"] if "spot_check" in queue else 0,
        waiting_operations=sum(row["operations"] for row in queue.values()),
        oldest_open_at=oldest,
        oldest_open_age=now - oldest if oldest is not None else None,
        decisions={verdict: said.get(verdict, 0) for verdict in ("is", "is_not", "nobody")},
        checked=len(checks),
        right=right,
        precision=right / len(checks) if checks else None,
        precision_low=lower_bound(right, len(checks)) if checks else None,
        reviewed_pairs=len(sure),
        ece=calibration_error(binned_pairs(sure)) if sure else None,
    )


def lower_bound(right: int, total: int) -> float:
    """What a share surely is at least (Wilson's interval, 95 %): three right of three say little."""
    share, z2 = right / total, _Z * _Z
    spread = _Z * sqrt(share * (1 - share) / total + z2 / (4 * total * total))
    return max(0.0, (share + z2 / (2 * total) - spread) / (1 + z2 / total))


def _check(row: Record) -> Check:
    match = row["match"].get("match") or {}
    candidate = {**match, "ref_id": str(row["identity_id"]), "uid": None, "name": row["user_name"]}
    words = f"The rules linked it by themselves, is that right? {row['match'].get('reason', '')}".strip()
    return Check(row["id"], candidate, words, row["match"].get("rule_set_version"))
