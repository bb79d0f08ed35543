"""People judged anew by changed precedences, though nobody says anything new about them.

What each system said last is kept, so another order among systems needs nothing but those words. People are gone
through in id order, a page in a transaction of its own: whoever is killed leaves the next page to whoever plans next.
What a person decided against the numbers of before stays decided.
"""

from dataclasses import dataclass, replace
from uuid import UUID

from worker.domain import precedence
from worker.domain.operation import Origin
from worker.domain.precedence import Sharing
from worker.store import identities, identity_sources, plan_items, tenant
from worker.store.identities import StoredIdentity
from worker.store.identity_sources import Judging, Said, Words
from worker.store.pool import Connection, Pool

#: People of one transaction, and how many of those follow each other before others have their turn.
PAGE = 500
PAGES = 20


async def judge_anew(pool: Pool, tenant_id: UUID) -> int:
    """Judge some pages of people by the connectors' numbers where these have changed; how many people changed."""
    changed = 0
    for _ in range(PAGES):
        async with tenant.tenant(pool, tenant_id) as conn:
            sharing = await identity_sources.sharing(conn, tenant_id)
            if not sharing.names:
                break
            judging = await identity_sources.judging(conn, tenant_id, numbers=sharing.numbers)
            if judging is None:
                break
            changed += await _page(conn, tenant_id, judging, sharing)
    return changed


async def _page(conn: Connection, tenant_id: UUID, judging: Judging, sharing: Sharing) -> int:
    ids = await identity_sources.people_with_words(conn, tenant_id, after=judging.after, limit=PAGE)
    before = {**judging.now, **judging.before}
    order = _Order(replace(sharing, numbers=before), replace(sharing, numbers=judging.now))
    people = await identities.get(conn, tenant_id=tenant_id, ids=ids)
    words = await identity_sources.words(conn, tenant_id, identity_ids=ids)
    moving = [each for each in people.values() if order.judged(each, words.get(each.id, {}))[0] != each]
    if moving:
        await _judge(conn, tenant_id, moving, order)
    await identity_sources.judged(conn, tenant_id, last=ids[-1] if len(ids) == PAGE else None)
    return len(moving)


async def _judge(conn: Connection, tenant_id: UUID, moving: list[StoredIdentity], order: "_Order") -> None:
    """Judge these people as they are once they are locked, and have those planned who have changed."""
    external_ids = [each.external_id for each in moving]
    locked = await identities.lock(conn, tenant_id=tenant_id, external_ids=external_ids)
    words = await identity_sources.words(conn, tenant_id, identity_ids=[each.id for each in locked.values()])
    after: list[StoredIdentity] = []
    said: list[Said] = []
    moved: list[UUID] = []
    for person in locked.values():
        judged, noted = order.judged(person, words.get(person.id, {}))
        if judged != person:
            after.append(judged)
            said += noted
        if judged.version != person.version:
            moved.append(person.id)
    if after:
        await identities.update(conn, tenant_id=tenant_id, identities=after)
    await identity_sources.write(conn, tenant_id, said=said, run_id=None)
    await plan_items.ask(conn, tenant_id=tenant_id, identity_ids=moved, origin=Origin.MAPPING)


@dataclass(frozen=True, slots=True)
class _Order:
    """Who may say what, by the numbers of before and by those that are to be."""

    before: Sharing
    now: Sharing

    def judged(self, person: StoredIdentity, words: Words) -> tuple[StoredIdentity, list[Said]]:
        """The person as the new numbers have them, and words that were known by their effect alone."""
        if person.is_deleted:
            return person, []
        settled = precedence.reorder(
            person.attributes, person.authority, said=words, before=self.before, sharing=self.now
        )
        version = person.version + (settled.attributes != person.attributes)
        noted = [Said(person.id, name, *word) for name, word in settled.noted.items()]
        return replace(person, attributes=settled.attributes, authority=settled.authority, version=version), noted
