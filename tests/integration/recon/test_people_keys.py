"""People are found by their keys: made in the background, kept when they change, made anew for other rules."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from tests.integration.actions.conftest import Works, pool, table, works
from worker.correlation import RuleSet, default_rule_set, match_keys
from worker.domain.correlation import NOBODY, MatchKey, Side, Subject
from worker.recon import asking, occasion_at, people_keys
from worker.store import correlation, identity_keys
from worker.store.tenant import tenant

__all__ = ["pool", "table", "works"]

RULES = default_rule_set(["login", "mail", "given_name", "family_name"])
NAMES_ONLY = default_rule_set(["given_name", "family_name"])
PEOPLE = [("Kim", f"Berg{number:03}", f"kim.berg{number:03}@example.org") for number in range(30)]


async def make(works: Works, *rule_sets: RuleSet, everybody: int = 0) -> int:
    return await people_keys.keep_keys(
        works.house.pool, tenant_id=works.tenant_id, rule_sets=rule_sets, everybody=everybody
    )


async def found(works: Works, account: dict[str, Any], rules: RuleSet = RULES, *, most: int = 40) -> Any:
    keys: Sequence[Sequence[MatchKey]] = [match_keys(account, rules, side=Side.ACCOUNT)]
    async with tenant(works.house.pool, works.tenant_id) as conn:
        return await people_keys.holders(
            conn, tenant_id=works.tenant_id, rule_set=rules, keys=keys, limit=50, most=most
        )


async def settle(works: Works) -> None:
    """Whoever came has been planned and keyed."""
    await works.rows("DELETE FROM recorrelations")
    await works.rows("DELETE FROM plan_items")


@pytest.fixture
async def ids(works: Works) -> list[UUID]:
    return await works.hire(*PEOPLE)


async def test_nobody_has_keys_where_everybody_can_be_looked_at(works: Works, ids: list[UUID]) -> None:
    assert await make(works, RULES, everybody=1_000) == 0
    assert await found(works, {"login": "kim.berg007"}) is None


async def test_an_account_leads_to_its_person_whatever_is_misspelt(
    works: Works, ids: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people_keys, "PAGE", 7)
    monkeypatch.setattr(people_keys, "PAGES", 2)
    made = [await make(works, RULES) for _ in range(4)]
    await settle(works)

    by_mail = await found(works, {"mail": "kim.brg007@example.org"})
    by_name = await found(works, {"given_name": "Kim", "family_name": "Berg007"}, most=2)

    assert made == [14, 14, 2, 0]  # a page or two a turn, and where it stands is kept
    assert by_mail is not None
    assert by_mail.people[0][0] == ids[7]
    assert by_mail.is_complete
    assert by_name is not None
    assert by_name.people == [[]]  # everybody is called so: a key that too many have finds nobody


async def test_who_has_changed_and_has_no_new_keys_yet_is_looked_at_by_everybody(works: Works, ids: list[UUID]) -> None:
    await make(works, RULES)
    await settle(works)
    [new] = await works.hire(("Lou", "Zabel", "lou@example.org"), is_planned=False)

    seen = await found(works, {"mail": "kim.berg007@example.org"})
    async with tenant(works.house.pool, works.tenant_id) as conn:
        came = await correlation.people_of(conn, tenant_id=works.tenant_id, ids=[new])
    await people_keys.key_people(works.house.pool, tenant_id=works.tenant_id, people=came, rule_sets=[RULES])
    await settle(works)
    after = await found(works, {"mail": "lou@example.org"})

    assert new in seen.people[0]
    assert after.people == [[new]]


async def test_other_rules_need_other_keys_and_those_of_the_old_ones_go(works: Works, ids: list[UUID]) -> None:
    await make(works, RULES)
    before = await works.value("SELECT count(*) FROM identity_keys")
    lacking = await found(works, {"given_name": "Kim"}, NAMES_ONLY)
    await make(works, NAMES_ONLY)
    async with tenant(works.house.pool, works.tenant_id) as conn:
        state = await identity_keys.state(conn, tenant_id=works.tenant_id)

    assert lacking is None
    assert await found(works, {"login": "kim.berg007"}) is None
    assert state is not None
    assert len(state.made) == 1
    assert 0 < await works.value("SELECT count(*) FROM identity_keys") < before


async def test_an_owner_is_found_among_very_many_by_keys(
    works: Works, ids: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A misspelt address leads to nobody by names and numbers."""
    monkeypatch.setattr(asking, "EVERYBODY", 10)
    subject = Subject(NOBODY, Side.ACCOUNT, {"mail": "kim.brg007@example.org", "family_name": "Berg007"})

    async with tenant(works.house.pool, works.tenant_id) as conn:
        occasion = await occasion_at(conn, works.connector, schema=None, now=datetime.now(UTC))

    async def asked() -> asking.Answer:
        return await asking.whose(
            works.house.pool,
            connector=works.connector,
            rule_set=RULES,
            subject=subject,
            asker=works.asker,
            occasion=occasion,
        )

    before = await asked()
    await make(works, RULES)
    await settle(works)
    after = await asked()

    assert (before.is_complete, before.result.candidates) == (False, ())
    assert after.is_complete
    assert [each.ref_id for each in after.result.candidates][:1] == [ids[7]]
