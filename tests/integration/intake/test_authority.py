"""Who said what about people is stored with each of them, though it is sent once for all of whom the same was said."""

from worker.domain.ids import uuid7
from worker.store import identities
from worker.store.identities import StoredIdentity
from worker.store.tenant import tenant

from .conftest import House


async def test_everybody_keeps_who_said_what_of_them(house: House) -> None:
    said = [{"mail": "hr"}, {}, {"mail": "event:crm", "phone": "hr"}, {"mail": "hr"}]
    people = [StoredIdentity(uuid7(), f"e{n}", f"p{n}", authority=authority) for n, authority in enumerate(said)]
    async with tenant(house.pool, house.tenant_id) as conn:
        await identities.insert(conn, tenant_id=house.tenant_id, identities=people)
        stored = await identities.get(conn, tenant_id=house.tenant_id, ids=[each.id for each in people])

    assert [stored[each.id].authority for each in people] == said
