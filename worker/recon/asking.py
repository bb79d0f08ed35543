"""Whose would an account with these attributes be? Asked by a person; nothing is written."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from worker.correlation import Asker, NameFrequencies, Occasion, RuleSet, correlate_many, match_keys
from worker.domain.connector import Connector
from worker.domain.correlation import Candidate, CorrelationResult, MatchKey, PersonDecision, Side, Subject
from worker.recon import people_keys
from worker.recon.backtests import holding, sharing
from worker.recon.hearing import Audience, at_once, hear
from worker.recon.people_keys import EVERYBODY
from worker.store import backtests, correlation, work
from worker.store.pool import Connection, Pool
from worker.store.tenant import tenant

_MOST_TEXTS = 100
#: Who shares rarer keys comes first; so many are compared.
_MOST_PEOPLE = 100
#: Names that were counted so many seconds ago are common still; of so many tenants they are kept.
COUNTED_FRESH_S, _MOST_COUNTED = 300.0, 20
_COUNTED: dict[UUID, tuple[float, NameFrequencies]] = {}


@dataclass(frozen=True, slots=True)
class Answer:
    """``is_complete``: everybody came into question who shares a key; else only who has such a name or number."""

    result: CorrelationResult
    is_complete: bool


async def whose(
    pool: Pool,
    *,
    connector: Connector,
    rule_set: RuleSet,
    subject: Subject,
    asker: Asker | None,
    occasion: Occasion,
    said: Sequence[PersonDecision] = (),
) -> Answer:
    """Look for the owner of an account: among everybody, or with more than ``EVERYBODY`` people by their keys.

    While these are being made, by their names and numbers alone. Hooks and expressions are asked, too: raises
    HookError, to be retried, while the sandbox has no room.
    """
    tenant_id = connector.tenant_id
    keys = await asyncio.to_thread(match_keys, subject.attributes, rule_set, side=Side.ACCOUNT)
    async with tenant(pool, tenant_id) as conn:
        is_large = await backtests.has_more_people(conn, tenant_id=tenant_id, than=EVERYBODY)
        people, is_complete = await _of_many(conn, connector, rule_set, subject, keys) if is_large else ([], True)
    if not is_large:
        people = await _sharing(pool, connector, rule_set, keys)

    async def find(texts: frozenset[str]) -> list[Candidate]:
        if is_large:
            async with tenant(pool, tenant_id) as conn:
                return await _by_names(conn, connector, replace(subject, attributes={"named": sorted(texts)}))
        return await holding(pool, connector, rule_set, texts)

    audience = Audience(asker, occasion, find, at_once)
    heard = await hear([subject], people, rule_set=rule_set, audience=audience)
    frequencies = await _frequencies(pool, tenant_id, is_large=is_large)
    [result] = await asyncio.to_thread(
        correlate_many,
        [subject],
        [*people, *heard.people],
        rule_set=rule_set,
        decisions=said,
        frequencies=frequencies,
        told=heard.told,
        tuning_mode=bool(connector.settings.get("tuning_mode", False)),
    )
    return Answer(result, is_complete)


async def _frequencies(pool: Pool, tenant_id: UUID, *, is_large: bool) -> NameFrequencies:
    """How common names are; of very many people as it was a while ago, for counting them takes longer than the rest."""
    known = _COUNTED.get(tenant_id)
    if is_large and known is not None and time.monotonic() - known[0] < COUNTED_FRESH_S:
        return known[1]
    async with tenant(pool, tenant_id) as conn:
        told = await work.full_names(conn, tenant_id)
    found = await asyncio.to_thread(NameFrequencies.of, told.names, people=told.people)
    if is_large:
        _COUNTED[tenant_id] = (time.monotonic(), found)
        while len(_COUNTED) > _MOST_COUNTED:
            del _COUNTED[next(iter(_COUNTED))]
    return found


async def _of_many(
    conn: Connection, connector: Connector, rule_set: RuleSet, subject: Subject, keys: Sequence[MatchKey]
) -> tuple[list[Candidate], bool]:
    """Who comes into question among very many, and whether that is everybody who does."""
    tenant_id = connector.tenant_id
    shared = await people_keys.holders(conn, tenant_id=tenant_id, rule_set=rule_set, keys=[keys], limit=_MOST_PEOPLE)
    if shared is None:
        return await _by_names(conn, connector, subject), False
    people = await correlation.candidates_of(
        conn,
        tenant_id=tenant_id,
        connector_id=connector.id,
        object_class=connector.object_class,
        ids=shared.people[0],
    )
    return people, shared.is_complete


async def _sharing(pool: Pool, connector: Connector, rule_set: RuleSet, keys: Sequence[MatchKey]) -> list[Candidate]:
    return await sharing(
        pool,
        tenant_id=connector.tenant_id,
        connector_id=connector.id,
        object_class=connector.object_class,
        rule_sets=[rule_set],
        wanted=[frozenset(keys)],
    )


async def _by_names(conn: Connection, connector: Connector, subject: Subject) -> list[Candidate]:
    texts = sorted({text for value in subject.attributes.values() for text in _texts(value)})[:_MOST_TEXTS]
    ids: list[UUID] = await backtests.people_named(conn, tenant_id=connector.tenant_id, texts=texts)
    return await correlation.candidates_of(
        conn,
        tenant_id=connector.tenant_id,
        connector_id=connector.id,
        object_class=connector.object_class,
        ids=ids,
    )


def _texts(value: Any) -> list[str]:
    if isinstance(value, list | tuple):
        return [text for each in value for text in _texts(each)]
    if value is None or isinstance(value, bool | dict):
        return []
    text = str(value).strip()
    return [text, text.partition("@")[0]] if text else []
