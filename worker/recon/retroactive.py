"""Accounts of nobody are looked at again when somebody comes, or changes, who shares a blocking key with them.

Asked for where people are planned, done right after: what is found is written as a run would have written it, so the
finding of the account says who it may be, and a person is asked where that is not clear. What people decided holds.
Nothing is linked here; that is for whoever creates the account, for a person, or for the policy of the next run.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog

from worker.correlation import Asker, NameFrequencies, keys_of_texts, match_keys, texts_of_person
from worker.domain.correlation import Candidate, CorrelationMatch, Decision, MatchKey, Side
from worker.domain.errors import ConnectorError, HookError, NotFound, SettingsError
from worker.recon import classify
from worker.recon.context import TargetSource, View, view_of
from worker.recon.hearing import Audience, at_once, hear, occasion_of
from worker.recon.owners import (
    Owned,
    as_seen,
    case_of,
    correlated,
    keys_by_id,
    refs_of,
    subjects_of,
    waiting_people,
    where_of,
)
from worker.recon.people_keys import keep_keys, key_people
from worker.store import backtests, connectors, correlation, discrepancies, identity_keys, recorrelations, work
from worker.store.pool import Connection, Pool
from worker.store.tenant import tenant

log = structlog.get_logger(__name__)

#: People looked at together, and accounts that one of them may lead to.
PEOPLE, ACCOUNTS = 500, 20
#: Whether everybody has the keys that the rules need is looked at again after so many seconds.
LOOK_AGAIN_S = 60.0
#: While the sandbox has no room, nobody is looked at for so long.
NO_ROOM_S = 2.0
_PAGE = 500
_FIRST = UUID(int=0)


class Recorrelation:
    """Looks at one tenant's accounts of nobody again, where it was asked for."""

    def __init__(self, pool: Pool, targets: TargetSource, asker: Asker | None = None) -> None:
        self._pool = pool
        self._targets = targets
        self._asker = asker
        self._looked_at: dict[UUID, float] = {}

    async def run_once(self, tenant_id: UUID) -> int:
        """Look at the next people, and at targets with other rules; how many there were.

        While the sandbox has no room for hooks or expressions, the people stay to be looked at next time.
        """
        async with tenant(self._pool, tenant_id) as conn:
            people = await recorrelations.people(conn, tenant_id=tenant_id, limit=PEOPLE)
            rekeyed = await recorrelations.targets(conn, tenant_id=tenant_id)
            found = await connectors.targets(conn, tenant_id=tenant_id) if people else []
            ids = [each.id for each in found]
            known = await recorrelations.with_keys(conn, tenant_id=tenant_id, connector_ids=ids) if people else set()
        for connector_id in rekeyed:
            await self._rekey(tenant_id, connector_id)
        keyed = await self._key_people(tenant_id, people, has_other_rules=bool(rekeyed))
        for connector_id in sorted(known):
            if (view := await self._view(tenant_id, connector_id)) is not None:
                try:
                    await self._look(view, people)
                except HookError as error:
                    log.warning("recorrelation.no_room", connector_id=str(connector_id), reason=str(error))
                    await asyncio.sleep(NO_ROOM_S)
                    return len(people)
        if people:
            async with tenant(self._pool, tenant_id) as conn:
                await recorrelations.remove_people(conn, tenant_id=tenant_id, ids=people)
        return len(people) + len(rekeyed) + keyed

    async def _key_people(self, tenant_id: UUID, people: Sequence[UUID], *, has_other_rules: bool) -> int:
        """Keys of those who came, and some of those that are missing; how many people had none."""
        async with tenant(self._pool, tenant_id) as conn:
            state = await identity_keys.state(conn, tenant_id=tenant_id)
            is_due = has_other_rules or (state is not None and state.made_to is not None) or self._is_due(tenant_id)
            if not is_due and (state is None or not people):
                return 0
            targets = await connectors.targets(conn, tenant_id=tenant_id)
            came = await correlation.people_of(conn, tenant_id=tenant_id, ids=people)
        views = [await self._view(tenant_id, each.id) for each in targets]
        rule_sets = [view.rule_set for view in views if view is not None]
        where: dict[str, Any] = {"tenant_id": tenant_id, "rule_sets": rule_sets, "are_all": None not in views}
        if people and state is not None:
            await key_people(self._pool, people=came, **where)
        return await keep_keys(self._pool, **where) if is_due else 0

    def _is_due(self, tenant_id: UUID) -> bool:
        """Whether it is a while since somebody looked whether keys are missing."""
        now = time.monotonic()
        if now - self._looked_at.get(tenant_id, -LOOK_AGAIN_S) < LOOK_AGAIN_S:
            return False
        self._looked_at[tenant_id] = now
        return True

    async def _view(self, tenant_id: UUID, connector_id: UUID) -> View | None:
        """The target; None while it cannot be opened: then its next run looks at everybody."""
        try:
            return await view_of(self._pool, self._targets, tenant_id=tenant_id, connector_id=connector_id)
        except (ConnectorError, SettingsError, NotFound) as error:
            log.warning("recorrelation.target_unusable", connector_id=str(connector_id), error=str(error))
            return None

    async def _rekey(self, tenant_id: UUID, connector_id: UUID) -> None:
        """Make the keys of accounts that have none under the rules in force."""
        view = await self._view(tenant_id, connector_id)
        after = _FIRST
        while view is not None:
            async with tenant(self._pool, tenant_id) as conn:
                page = await correlation.keyless(conn, after=after, limit=_PAGE, **where_of(view))
            keys = await asyncio.to_thread(keys_by_id, page, view.rule_set)
            async with tenant(self._pool, tenant_id) as conn:
                await correlation.put_keys(
                    conn, keys={account_id: some for account_id, some in keys.items() if some}, **where_of(view)
                )
            if len(page) < _PAGE:
                break
            after = page[-1][0]
        async with tenant(self._pool, tenant_id) as conn:
            await recorrelations.remove_target(conn, tenant_id=tenant_id, connector_id=connector_id)

    async def _look(self, view: View, people: Sequence[UUID]) -> None:
        tenant_id = view.place.tenant_id
        async with tenant(self._pool, tenant_id) as conn:
            persons = await correlation.candidates_of(
                conn, ids=people, object_class=view.place.object_class, **where_of(view)
            )
        keys = await asyncio.to_thread(_keys, persons, view)
        async with tenant(self._pool, tenant_id) as conn:
            found = await correlation.by_keys(conn, keys=keys, limit=ACCOUNTS, **where_of(view))
            account_ids = sorted({each.ref_id for some in found for each in some})
            if not account_ids:
                return
            free = await recorrelations.unowned(conn, tenant_id=tenant_id, ids=account_ids)
            unowned = [each for each in free if not view.protects(as_seen(each))]
            by_account = await backtests.asked_about(conn, tenant_id=tenant_id, account_ids=account_ids)
            asked = {ref for refs in by_account.values() for ref in refs}
            others = await correlation.candidates_of(
                conn, ids=sorted(asked - set(people)), object_class=view.place.object_class, **where_of(view)
            )
            said = await correlation.decisions(conn, account_ids=account_ids, **where_of(view))
            known = await work.full_names(conn, tenant_id)
        candidates = [*persons, *others]
        audience = Audience(self._asker, occasion_of(view, now=datetime.now(UTC)), _nobody_else, at_once)
        heard = await hear(subjects_of(unowned), candidates, rule_set=view.rule_set, audience=audience)
        frequencies = await asyncio.to_thread(NameFrequencies.of, known.names, people=known.people)
        results = await asyncio.to_thread(correlated, unowned, candidates, view, said, frequencies, heard=heard)
        async with tenant(self._pool, tenant_id) as conn:
            await _write(conn, view, results, {each.ref_id: each.name for each in persons})


async def _nobody_else(_: frozenset[str]) -> list[Candidate]:
    """Of whom a hook may name only those are looked at who came; a run looks at everybody."""
    return []


def _keys(people: Sequence[Candidate], view: View) -> list[list[MatchKey]]:
    return [
        [
            *match_keys(each.attributes, view.rule_set, side=Side.IDENTITY),
            *(keys_of_texts(texts_of_person(each.attributes, view.rule_set)) if view.hooks else ()),
        ]
        for each in people
    ]


async def _write(conn: Connection, view: View, results: Sequence[Owned], came: dict[UUID, str]) -> None:
    """Record what concerns those who came; who waits for an account of their own is asked about by its create."""
    run_id = await recorrelations.last_run(conn, **where_of(view))
    waiting = await waiting_people(conn, view, results)
    found = [
        (account, replace(result, reason=f"{_who(result.candidates, came)} came or changed: {result.reason}"))
        for account, result in results
        if result.decision is not Decision.NONE
        and not came.keys().isdisjoint(refs_of(result))
        and waiting.isdisjoint(refs_of(result))
    ]
    if run_id is None or not found:
        return
    findings = [
        classify.unowned(account.id, uid=account.uid, result=result, rules=view.rules, state_hash=account.hash)
        for account, result in found
    ]
    await discrepancies.record(conn, run_id=run_id, findings=findings, **where_of(view))
    await discrepancies.close_settled(
        conn,
        account_ids=[account.id for account, _ in found],
        identity_ids=[],
        found_keys=[each.key for each in findings],
        **where_of(view),
    )
    cases = [case_of(account, result) for account, result in found if result.decision is Decision.REVIEW]
    await correlation.open_cases(conn, cases=cases, **where_of(view))


def _who(candidates: Sequence[CorrelationMatch], came: dict[UUID, str]) -> str:
    return ", ".join([came[each.ref_id] for each in candidates if each.ref_id in came][:3])
