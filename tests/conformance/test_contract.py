"""What every connector type promises (worker/connectors/base.py), tried on a real target of each."""

import asyncio
from typing import Any

import pytest

from tests.conformance.conftest import EVERY
from tests.conformance.gate import Mode
from tests.conformance.targets import Target
from worker.connectors import ConnectorGuard, connector_class, connector_types, describe
from worker.domain.account import TargetAccount
from worker.domain.errors import (
    AlreadyExists,
    CredentialsRejected,
    InvalidAttributes,
    ListingChanged,
    OutcomeUnknown,
    TargetTimeout,
    TargetUnavailable,
    UnknownUid,
    Unsupported,
)

HOSTILE = [
    pytest.param("Jörg Ångström-Łukasz 李 😀", id="letters"),
    pytest.param('O\'Neil "the" \\ boss', id="quotes"),
    pytest.param("*)(uid=*", id="filter"),
    pytest.param("'; DROP TABLE app_users; --", id="statement"),
    pytest.param("x,ou=admins+cn=y<z>=#", id="name"),
    pytest.param("first\nsecond\r\n\tthird", id="lines"),
    pytest.param(" spaces around ", id="spaces"),
    pytest.param("x" * 10_000, id="long"),
    pytest.param("zero\x00byte", id="zero byte"),
    pytest.param("half \ud83d pair", id="surrogate"),
    pytest.param("{{7*7}} ${x} %s %(y)s", id="templates"),
]


async def everything(guard: ConnectorGuard, *, page_size: int = 100) -> list[TargetAccount]:
    found: list[TargetAccount] = []
    token = None
    while True:
        page = await guard.search("user", token=token, page_size=page_size)
        found += page.accounts
        if page.is_last:
            assert page.next_token is None
            return found
        assert page.next_token is not None
        token = page.next_token


async def named(guard: ConnectorGuard, target: Target, name: str) -> list[TargetAccount]:
    return await guard.find("user", target.naming, name)


def test_every_registered_type_is_in_the_suite() -> None:
    assert {param.values[0] for param in EVERY} == set(connector_types())


@pytest.mark.parametrize("name", connector_types())
def test_type_describes_itself(name: str) -> None:
    described = describe(name)

    assert described.type == name == connector_class(name).type
    assert described.summary
    assert all(field.help for field in described.fields)


async def test_target_answers_and_shows_its_schema(any_target: Target) -> None:
    async with any_target.guard() as guard:
        answer = await guard.test_connection()
        schema = await guard.schema("user")

    assert answer.endswith(".")
    assert all(secret not in answer for secret in any_target.credentials.values())
    assert schema.naming == any_target.naming
    assert schema.naming in {attribute.name for attribute in schema.attributes}


async def test_created_account_is_read_back_as_sent(target: Target) -> None:
    wanted = target.someone()
    async with target.guard() as guard:
        uid = await guard.create("user", wanted, active=True)
        account = await guard.get("user", uid)

        assert account is not None
        assert account.uid == uid
        assert {name: account.attributes.get(name) for name in wanted} == wanted
        assert account.active is True
        assert [found.uid for found in await named(guard, target, wanted[target.naming])] == [uid]


async def test_second_create_makes_no_second_account(target: Target) -> None:
    wanted = target.someone()
    async with target.guard() as guard:
        uid = await guard.create("user", wanted, active=True)
        with pytest.raises(AlreadyExists):
            await guard.create("user", wanted, active=True)

        assert [found.uid for found in await named(guard, target, wanted[target.naming])] == [uid]


async def test_creates_at_the_same_time_make_one_account(target: Target) -> None:
    wanted = target.someone()
    async with target.guard() as guard:
        results = await asyncio.gather(
            *(guard.create("user", wanted, active=True) for _ in range(8)), return_exceptions=True
        )

        assert sum(isinstance(result, str) for result in results) == 1
        assert sum(isinstance(result, AlreadyExists) for result in results) == 7
        assert len(await named(guard, target, wanted[target.naming])) == 1


async def test_unknown_uid_is_told_apart(target: Target) -> None:
    async with target.guard() as guard:
        assert await guard.get("user", target.unknown_uid) is None
        with pytest.raises(UnknownUid):
            await guard.update("user", target.unknown_uid, {target.text: "x"})
        with pytest.raises(UnknownUid):
            await guard.update("user", target.unknown_uid, {}, active=False)
        with pytest.raises(UnknownUid):
            await guard.update("user", target.unknown_uid, {})


async def test_delete_is_calm_when_repeated(target: Target) -> None:
    async with target.guard() as guard:
        uid = await guard.create("user", target.someone(), active=True)

        assert await guard.delete("user", uid) is True
        assert await guard.delete("user", uid) is False
        assert await guard.get("user", uid) is None


async def test_update_changes_what_it_is_given_and_nothing_else(target: Target) -> None:
    wanted = target.someone()
    async with target.guard() as guard:
        uid = await guard.create("user", wanted, active=True)
        await guard.update("user", uid, {target.text: "Prof."})
        account = await guard.get("user", uid)

    assert account is not None
    assert {name: account.attributes.get(name) for name in wanted} == {**wanted, target.text: "Prof."}
    assert account.active is True


async def test_null_clears(target: Target) -> None:
    async with target.guard() as guard:
        uid = await guard.create("user", target.someone(), active=True)
        await guard.update("user", uid, {target.text: None})
        await guard.update("user", uid, {target.text: None})  # nothing to clear any more
        account = await guard.get("user", uid)

    assert account is not None
    assert account.attributes.get(target.text) is None


async def test_active_is_switched_off_and_on(target: Target) -> None:
    async with target.guard() as guard:
        uid = await guard.create("user", target.someone(), active=True)
        seen = []
        for active in (False, False, True):
            await guard.update("user", uid, {}, active=active)
            account = await guard.get("user", uid)
            seen.append(account.active if account else None)

    assert seen == [False, False, True]


async def test_account_can_be_created_disabled(target: Target) -> None:
    async with target.guard() as guard:
        uid = await guard.create("user", target.someone(), active=False)
        account = await guard.get("user", uid)

    assert account is not None
    assert account.active is False


async def test_list_replaces_the_whole_set(target: Target) -> None:
    name = target.multi_valued
    assert name is not None
    async with target.guard() as guard:
        uid = await guard.create("user", {**target.someone(), name: ["1", "2"]}, active=True)
        await guard.update("user", uid, {name: ["2", "3", "4"]})
        account = await guard.get("user", uid)

    assert account is not None
    assert sorted(account.attributes[name]) == ["2", "3", "4"]


async def test_renamed_account_stays_the_same_account(target: Target) -> None:
    before, after = target.someone(), target.someone()
    async with target.guard() as guard:
        uid = await guard.create("user", before, active=True)
        new_uid = await guard.update("user", uid, {target.naming: after[target.naming], target.text: "new"})
        account = await guard.get("user", new_uid)

        assert account is not None
        assert account.attributes[target.naming] == after[target.naming]
        assert account.attributes[target.text] == "new"
        assert await named(guard, target, before[target.naming]) == []


async def test_rename_onto_a_taken_name_is_refused_and_changes_nobody(target: Target) -> None:
    one, other = target.someone(), target.someone()
    async with target.guard() as guard:
        uid = await guard.create("user", one, active=True)
        other_uid = await guard.create("user", other, active=True)
        with pytest.raises((InvalidAttributes, AlreadyExists)):
            await guard.update("user", uid, {target.naming: other[target.naming]})

        assert [found.uid for found in await named(guard, target, one[target.naming])] == [uid]
        assert [found.uid for found in await named(guard, target, other[target.naming])] == [other_uid]


async def test_search_pages_to_the_end_without_repeating_anybody(target: Target) -> None:
    async with target.guard() as guard:
        uids = {await guard.create("user", target.someone(), active=True) for _ in range(7)}
        found = [account.uid for account in await everything(guard, page_size=3)]

    assert len(found) == len(set(found))
    assert uids <= set(found)


async def test_listed_account_equals_the_one_read_alone(target: Target) -> None:
    async with target.guard() as guard:
        uid = await guard.create("user", target.someone(), active=True)
        listed = {account.uid: account for account in await everything(guard)}

        assert listed[uid] == await guard.get("user", uid)


@pytest.mark.parametrize("value", HOSTILE)
async def test_hostile_value_arrives_unharmed_or_is_refused(target: Target, value: str) -> None:
    wanted = {**target.someone(), target.text: value}
    async with target.guard() as guard:
        uid, refusal = await _created_or_refused(guard, wanted)
        if uid is None:
            assert value not in refusal
            return
        account = await guard.get("user", uid)

        assert account is not None
        assert account.attributes[target.text] == value
        assert uid in {found.uid for found in await guard.find("user", target.text, value)}


@pytest.mark.parametrize("value", HOSTILE)
async def test_hostile_name_names_one_account_or_is_refused(target: Target, value: str) -> None:
    wanted = target.someone()
    wanted[target.naming] = f"{wanted[target.naming]}{value}"
    async with target.guard() as guard:
        uid, refusal = await _created_or_refused(guard, wanted)
        if uid is None:
            assert value not in refusal
            return

        assert [found.uid for found in await named(guard, target, wanted[target.naming])] == [uid]
        await guard.update("user", uid, {target.text: "reached"})
        account = await guard.get("user", uid)
        assert account is not None
        assert account.attributes[target.text] == "reached"
        assert await guard.delete("user", uid) is True


@pytest.mark.parametrize("value", HOSTILE)
async def test_hostile_search_finds_nobody(target: Target, value: str) -> None:
    async with target.guard() as guard:
        await guard.create("user", target.someone(), active=True)
        found = await _found_or_refused(guard, target, value)

    assert found == []


async def test_unknown_attribute_is_named(target: Target) -> None:
    async with target.guard() as guard:
        with pytest.raises(InvalidAttributes, match="noSuchThing"):
            await guard.create("user", {**target.someone(), "noSuchThing": "x"}, active=True)


async def test_wrong_credentials_are_told_apart(target: Target) -> None:
    assert target.bad_credentials is not None
    async with target.guard(credentials=target.bad_credentials) as guard:
        with pytest.raises(CredentialsRejected) as caught:
            await guard.get("user", target.unknown_uid)

    assert all(secret not in str(caught.value) for secret in target.bad_credentials.values())


async def test_stopped_target_is_unavailable_and_comes_back(target: Target) -> None:
    assert target.gate is not None
    wanted = target.someone()
    async with target.guard() as guard:
        uid = await guard.create("user", wanted, active=True)
        await target.gate.cut()
        with pytest.raises(TargetUnavailable):
            await guard.get("user", uid)
        for change in _changes(guard, target, uid):
            with pytest.raises(TargetUnavailable):  # never "unknown": nothing was sent
                await change
        await target.gate.open()

        assert await guard.get("user", uid) is not None


async def test_lost_answer_leaves_the_outcome_unknown_and_the_change_made(target: Target) -> None:
    assert target.gate is not None
    wanted = target.someone()
    async with target.guard() as guard:
        await guard.create("user", target.someone(), active=True)  # from now on a create is one exchange
        target.gate.mode = Mode.LOSE_REPLIES
        with pytest.raises(OutcomeUnknown):
            await guard.create("user", wanted, active=True)
        target.gate.mode = Mode.OPEN
        found = await _eventually_named(guard, target, wanted[target.naming])

        assert len(found) == 1
        with pytest.raises(AlreadyExists):
            await guard.create("user", wanted, active=True)


async def test_silent_target_ends_with_the_deadline(target: Target) -> None:
    assert target.gate is not None
    async with target.guard(deadline_s=2.0) as guard:
        uid = await guard.create("user", target.someone(), active=True)
        target.gate.mode = Mode.STALL
        with pytest.raises(OutcomeUnknown):
            await guard.update("user", uid, {target.text: "late"})
        with pytest.raises((TargetTimeout, TargetUnavailable)):  # the latter where a new connection was tried
            await guard.get("user", uid)
        await target.gate.cut()
        await target.gate.open()

        assert await guard.get("user", uid) is not None


async def test_listing_survives_neither_a_foreign_token_nor_a_broken_one(target: Target) -> None:
    async with target.guard() as guard:
        await guard.create("user", target.someone(), active=True)
        with pytest.raises(ListingChanged):
            await guard.search("user", token="no token of ours{")


async def changes_since(guard: ConnectorGuard, token: str) -> tuple[dict[str, TargetAccount | None], str]:
    found: dict[str, TargetAccount | None] = {}
    while True:
        changes = await guard.sync("user", token=token)
        found |= {change.uid: change.account for change in changes.changes}
        if changes.is_last:
            return found, changes.next_token
        assert changes.next_token != token
        token = changes.next_token


async def test_changes_since_a_token_leave_nobody_out(target: Target) -> None:
    """What a listing and its token show together is everything: whoever comes or changes later is a change."""
    async with target.guard(page_size=3) as guard:
        known = [await guard.create("user", target.someone(), active=True) for _ in range(4)]
        start = await guard.sync("user", token=None)
        new = {await guard.create("user", target.someone(), active=True) for _ in range(4)}
        await guard.update("user", known[0], {target.text: "changed"})
        first, token = await changes_since(guard, start.next_token)
        await guard.update("user", known[1], {target.text: "changed too"})
        second, token = await changes_since(guard, token)
        await changes_since(guard, token)

        assert start.changes == ()
        assert new | {known[0]} <= set(first)
        assert known[1] in second
        assert first[known[0]] == await guard.get("user", known[0])


async def test_changes_cannot_be_followed_from_a_broken_token(target: Target) -> None:
    async with target.guard() as guard:
        with pytest.raises(ListingChanged):
            await guard.sync("user", token="no token of ours{")


async def test_csv_is_read_only(csv_target: Target) -> None:
    async with csv_target.guard() as guard:
        accounts = await everything(guard, page_size=3)
        with pytest.raises(Unsupported):
            await guard.create("user", csv_target.someone(), active=True)
        with pytest.raises(Unsupported):
            await guard.delete("user", "p1")

    assert [account.uid for account in accounts] == [f"p{n}" for n in range(7)]
    assert {"create", "update", "delete"}.isdisjoint(guard.capabilities)


async def _created_or_refused(guard: ConnectorGuard, wanted: dict[str, Any]) -> tuple[str | None, str]:
    try:
        return await guard.create("user", wanted, active=True), ""
    except InvalidAttributes as error:
        return None, str(error)


async def _found_or_refused(guard: ConnectorGuard, target: Target, value: str) -> list[TargetAccount]:
    try:
        return await named(guard, target, value)
    except InvalidAttributes:
        return []


def _changes(guard: ConnectorGuard, target: Target, uid: str) -> list[Any]:
    return [
        guard.create("user", target.someone(), active=True),
        guard.update("user", uid, {target.text: "x"}),
        guard.delete("user", uid),
    ]


async def _eventually_named(guard: ConnectorGuard, target: Target, name: str) -> list[TargetAccount]:
    """The connection went with the answer; the target may still be at the change for a moment."""
    for _ in range(100):
        try:
            found = await named(guard, target, name)
        except TargetUnavailable:
            found = []
        if found:
            return found
        await asyncio.sleep(0.02)
    return []
