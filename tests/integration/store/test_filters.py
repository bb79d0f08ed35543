"""The same people, whether a filter is asked in memory or in the database."""

import json
import unicodedata
from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.factories import a_connector
from worker.domain.comparison import fold_case
from worker.domain.filter_syntax import And, Compare, Filter, Not, Operator, Or, Present
from worker.domain.filters import compiled, parse
from worker.domain.ids import uuid7
from worker.store import filters, identities, tenants
from worker.store.filters import compile_filter
from worker.store.identities import StoredIdentity
from worker.store.pool import Pool, open_pool
from worker.store.tenant import tenant

NAMES = [
    "a",
    "A",
    "größe",
    "GRÖSSE",
    "cost",
    "COST",
    "Cost",
    "active",
    "Active",
    "user_name",
    "User_Name",
    "external_id",
]
MOMENTS = [
    "2024-02-29", "2023-02-29", "2024-03-01T00:00:00+02:00", "2024-02-29T22:00:00Z", "2024-02-29t22:00:00.1234567",
    "2024-02-29 22:00:00,5-0330", "9999-12-31T23:59:59-14:00", "1000-01-01", "2024-02-30", "2024-1-1", "20240301",
]  # fmt: skip
WORDS = [
    "true", "FALSE", "Straße", "STRASSE", "strasse", "ǅ", "ŉ", "ʼn", "İ", "i\u0307", "ﬁn", "FIN", "e\u0301", "É",
    "ΣΊΣΥΦΟΣ", "σίσυφοσ", "\u212a", "ſ", "\u0345", "ᾳ", "日本", "7", " 7 ", "007", "7.0", "7e0", "-0", ".5", "5.",
    "1e299", "1e300", "nan", "\t8", "\u0663", "%", "_", "\\",
]  # fmt: skip
TEXTS = st.one_of(
    st.sampled_from(MOMENTS + WORDS),
    st.text(st.characters(exclude_categories=["Cs", "Cn"], exclude_characters="\0"), max_size=6),
    st.text("aAäÄß", max_size=3),
)
NUMBERS = st.one_of(
    st.integers(-9, 9),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.1, 7.0, 1e22, 1e23, 1e-7, 2**53 + 1, -0.0]),
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)
VALUES = st.one_of(SCALARS, st.lists(SCALARS, max_size=3))
NAMED = st.sampled_from(NAMES)
LEAVES: st.SearchStrategy[Filter] = st.one_of(
    st.builds(Present, NAMED),
    st.builds(Compare, NAMED, st.sampled_from([Operator.EQ, Operator.NE]), SCALARS),
    st.builds(Compare, NAMED, st.sampled_from([Operator.CO, Operator.SW, Operator.EW]), TEXTS),
    st.builds(
        Compare, NAMED, st.sampled_from([Operator.GT, Operator.GE, Operator.LT, Operator.LE]), st.one_of(TEXTS, NUMBERS)
    ),
)


def grown(inner: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(st.builds(Not, inner), st.builds(And, several), st.builds(Or, several))


FILTERS = st.recursive(LEAVES, grown, max_leaves=5)
PEOPLE = st.lists(
    st.builds(
        lambda attributes, user_name, active, is_deleted: StoredIdentity(
            uuid7(), uuid7().hex, user_name, attributes, active, is_deleted=is_deleted
        ),
        st.dictionaries(NAMED, VALUES, max_size=6),
        TEXTS.filter(bool),
        st.booleans(),
        st.booleans(),
    ),
    min_size=1,
    max_size=8,
)


@pytest.fixture
async def pool(database: Any) -> AsyncIterator[Pool]:
    opened = await open_pool(database.daemon_dsn, size=4)
    yield opened
    await opened.close()


async def answers(pool: Pool, tenant_id: UUID, scopes: Sequence[Filter]) -> list[set[UUID]]:
    """Who matches each filter, as the database says."""
    async with tenant(pool, tenant_id) as conn:
        found = []
        for scope in scopes:
            condition = compile_filter(scope, first=2)
            rows = await conn.fetch(
                f"SELECT i.id FROM identities i WHERE i.tenant_id = $1 AND {condition.text}",
                tenant_id,
                *condition.values,
            )
            found.append({row["id"] for row in rows})
        return found


async def stored(pool: Pool, tenant_id: UUID, people: Sequence[StoredIdentity]) -> list[StoredIdentity]:
    """The same people as the database gives them back, and nobody else."""
    async with tenant(pool, tenant_id) as conn:
        await conn.execute("DELETE FROM identities")
        await identities.insert(conn, tenant_id=tenant_id, identities=people)
        return list((await identities.get(conn, tenant_id=tenant_id, ids=[each.id for each in people])).values())


@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
@given(people=PEOPLE, scopes=st.lists(FILTERS, min_size=1, max_size=12))
async def test_database_and_memory_give_the_same_answer(
    pool: Pool, tenant_id: UUID, people: list[StoredIdentity], scopes: list[Filter]
) -> None:
    known = await stored(pool, tenant_id, people)
    found = await answers(pool, tenant_id, scopes)

    sources = [(each.id, each.as_identity().as_source()) for each in known]
    for scope, ids in zip(scopes, found, strict=True):
        test = compiled(scope)
        assert ids == {each for each, source in sources if test(source)}, (
            f"{scope} of {json.dumps(sources, default=str)}"
        )


async def test_every_letter_is_folded_as_in_memory(pool: Pool, tenant_id: UUID) -> None:
    """All that Unicode has assigned, alone and with a mark on it."""
    letters = [
        chr(code)
        for code in range(1, 0x110000)
        if unicodedata.category(chr(code)) not in {"Cs", "Cn", "Co"} and not 0xAC00 <= code < 0xD7A4
    ]
    texts = ["".join(letters[at : at + 200]) for at in range(0, len(letters), 200)]
    texts += ["\u0301".join(letters[at : at + 200]) for at in range(0, len(letters), 200)]
    people = [StoredIdentity(uuid7(), str(at), f"p{at}", {"a": text}) for at, text in enumerate(texts)]
    await stored(pool, tenant_id, people)
    scopes = [
        And((Compare("id", Operator.EQ, str(each.id)), Compare("a", Operator.EQ, fold_case(text))))
        for each, text in zip(people, texts, strict=True)
    ]

    assert await answers(pool, tenant_id, scopes) == [{each.id} for each in people]


async def test_people_of_a_scope_are_counted_and_sampled(pool: Pool, tenant_id: UUID) -> None:
    people = [
        StoredIdentity(uuid7(), str(at), f"p{at}", {"department": "Sales" if at < 4 else "IT"}, active=at != 0)
        for at in range(6)
    ]
    await stored(pool, tenant_id, people)
    scope = parse('department eq "sales"')
    async with tenant(pool, tenant_id) as conn:
        counted = await filters.count(conn, tenant_id=tenant_id, scope=scope)
        sampled = await filters.sample(conn, tenant_id=tenant_id, scope=scope, limit=10)
        everybody = await filters.count(conn, tenant_id=tenant_id, scope=None)

    assert (counted.people, counted.enabled) == (4, 3)
    assert set(sampled) == {each.id for each in people[1:4]}
    assert (everybody.people, everybody.enabled) == (6, 5)


async def test_another_tenants_people_are_never_counted(pool: Pool, tenant_id: UUID) -> None:
    other = uuid4()
    async with pool.acquire() as conn:
        await tenants.ensure(conn, tenant_id=other, name="other")
    await stored(pool, other, [StoredIdentity(uuid7(), "1", "p", {"a": "x"})])
    async with tenant(pool, tenant_id) as conn:
        counted = await filters.count(conn, tenant_id=tenant_id, scope=parse('a eq "x" or not (a eq "x")'))

    assert counted.people == 0


async def test_concerned_are_those_in_scope_and_those_with_an_account(pool: Pool, tenant_id: UUID) -> None:
    connector = await a_connector(pool, tenant_id)
    people = [StoredIdentity(uuid7(), str(at), f"p{at}", {"a": "x" if at < 2 else "y"}) for at in range(4)]
    await stored(pool, tenant_id, people)
    async with tenant(pool, tenant_id) as conn:
        await conn.execute(
            "INSERT INTO accounts (tenant_id, id, connector_id, object_class, state, identity_id) "
            "VALUES ($1, $2, $3, 'user', 'active', $4)",
            tenant_id,
            uuid7(),
            connector.id,
            people[3].id,
        )
        found = await filters.concerned(
            conn, tenant_id=tenant_id, connector_id=connector.id, scope=parse('a eq "x"'), after=UUID(int=0), limit=9
        )

    assert found.ids == [people[0].id, people[1].id, people[3].id]
    assert (found.looked_at, found.last) == (4, people[3].id)


async def test_one_person_is_found_by_id_whatever_its_case(pool: Pool, tenant_id: UUID) -> None:
    (one, _) = people = [StoredIdentity(uuid7(), str(at), "p") for at in range(2)]
    await stored(pool, tenant_id, people)
    scopes = [Compare("id", Operator.EQ, text) for text in (str(one.id), str(one.id).upper(), one.id.hex, "", "x")]

    assert await answers(pool, tenant_id, scopes) == [{one.id}, {one.id}, set(), set(), set()]


async def test_hostile_names_and_values_are_data(pool: Pool, tenant_id: UUID) -> None:
    hostile = "x'; DROP TABLE identities; --"
    await stored(pool, tenant_id, [StoredIdentity(uuid7(), "1", "p", {hostile: hostile, "b": "%"})])
    scopes = [Compare(hostile, Operator.EQ, hostile), Compare("b", Operator.SW, "_"), Compare("b", Operator.CO, "%")]
    found = await answers(pool, tenant_id, scopes)

    assert [len(each) for each in found] == [1, 0, 1]
