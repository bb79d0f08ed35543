"""What an after-hook wants to follow: accepted once, whatever dies between, at the same person's accounts alone."""

import asyncio
from dataclasses import replace
from typing import Any, cast
from unittest.mock import AsyncMock
from uuid import UUID

import pytest

from tests.integration.execution.conftest import Site
from worker.connectors import Targets
from worker.console import ChainView
from worker.domain.hook import HookPhase
from worker.execution import HookTidying
from worker.hooks import HookExecutor
from worker.planning import Acceptance, Following
from worker.queue import OperationQueue
from worker.service.desk import operations as desk
from worker.store import connectors, due_work, follow_ups
from worker.store.due_work import Kind
from worker.store.tenant import tenant


def follows(*wanted: str) -> str:
    said = ", ".join(wanted)
    return "\n".join(f'def after_{kind}(ctx):\n    return {{"follow_up": [{said}]}}' for kind in ("create", "update"))


NOTE = '{"type": "update", "attributes": {"department": "noted by " + ctx["identity"]["given_name"]}}'
BADGE = '{"type": "disable", "resource": "badges"}'


def following(site: Site) -> Following:
    return Following(site.pool, cast("Targets", site.targets), Acceptance(OperationQueue()))


async def follow(site: Site) -> tuple[int, int]:
    done = await following(site).run_once(site.tenant_id, site.tenant_id)
    return done.accepted, done.refused


async def is_due(site: Site) -> bool:
    async with tenant(site.pool, site.tenant_id) as conn:
        return Kind.FOLLOW_UP in {each.kind for each in await due_work.due(conn, [str(Kind.FOLLOW_UP)])}


async def notes_of(site: Site, operation_id: UUID) -> list[str]:
    query = "SELECT message FROM operation_logs WHERE operation_id = $1 ORDER BY id"
    return [row["message"] for row in await site.rows(query, operation_id)]


async def asked(site: Site, scripts: HookExecutor, *wanted: str, **fields: Any) -> UUID:
    """An update of Ada's account has gone through, and its hook wanted these."""
    site.make(scripts)
    await site.binds(follows(*wanted), phase=HookPhase.AFTER, **fields)
    owner, account_id, _ = await site.has()
    op_id = await site.asks("update", account_id, owner, department="Sales")
    await site.run()
    return op_id


async def test_what_a_hook_wants_to_follow_is_done_at_the_other_account_of_the_person(
    site: Site, scripts: HookExecutor
) -> None:
    badges = await site.beside("badges")
    site.make(scripts)
    await site.binds(follows(NOTE, BADGE), phase=HookPhase.AFTER)
    owner, account_id, uid = await site.has()
    badge = badges.target.put({"login": "ada.moss"})
    badge_account = await badges.account(owner, uid=badge, observed={"login": "ada.moss"}, observed_active=True)
    op_id = await site.asks("update", account_id, owner, mail="a@example.org")
    await site.run()

    assert await is_due(site)
    assert await follow(site) == (2, 0)
    assert await follow(site) == (0, 0)
    assert not await is_due(site)
    made = await site.rows("SELECT * FROM operations ORDER BY payload ? 'active'")
    assert [(row["account_id"], row["payload"]) for row in made] == [
        (account_id, {"attributes": {"department": "noted by Ada"}}),
        (badge_account, {"attributes": {}, "active": False}),
    ]
    assert [row["idempotency_key"].startswith(f"follow-up:{op_id}:") for row in made] == [True, True]
    assert {row["correlation_id"] for row in made} == {op_id}
    await badges.run()
    assert badges.target.accounts[badge].active is False
    assert site.target.accounts[uid].attributes["mail"] == "a@example.org"
    assert f"Follows from operation {op_id}" in (await notes_of(site, made[1]["id"]))[0]
    assert [line for line in await notes_of(site, op_id) if "follows, at badges" in line]
    async with tenant(site.pool, site.tenant_id) as conn:
        cause = await desk.detail(conn, site.tenant_id, operation_id=op_id)
        effect = await desk.detail(conn, site.tenant_id, operation_id=made[1]["id"])
    assert cause is not None
    assert effect is not None
    assert {each.made_id for each in cause.chain.effects} == {row["id"] for row in made}
    assert (cause.chain.cause, effect.chain) == (None, ChainView(op_id))


async def test_a_chain_ends_where_the_third_follows(site: Site, scripts: HookExecutor) -> None:
    """The hook follows its own updates; nobody has to stop it."""
    await asked(site, scripts, NOTE)
    for _ in range(3):
        assert await follow(site) == (1, 0)
        await site.run()

    assert await follow(site) == (0, 0)
    [(last,)] = await site.rows("SELECT made_id FROM follow_ups WHERE depth = 3")
    [note] = [line for line in await notes_of(site, last) if "does not" in line]
    assert "a chain ends there" in note
    await site.journal.run_once()
    [(calls,)] = await site.rows("SELECT sum(calls)::int FROM hook_stats WHERE class = 'hook.follow_up'")
    assert calls == 1


async def test_what_dies_between_the_end_and_what_follows_loses_and_doubles_nothing(
    site: Site, scripts: HookExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await asked(site, scripts, NOTE)
    end = follow_ups.end

    async def dies(*told: Any, **more: Any) -> None:
        await end(*told, **more)
        raise ConnectionResetError

    monkeypatch.setattr(follow_ups, "end", dies)
    with pytest.raises(ConnectionResetError):
        await follow(site)
    assert await site.rows("SELECT 1 FROM operations") == []
    assert await is_due(site)

    monkeypatch.undo()
    found = await asyncio.gather(*(follow(site) for _ in range(3)))

    assert sum(accepted for accepted, _ in found) == 1
    assert len(await site.rows("SELECT 1 FROM operations")) == 1


async def test_an_end_that_was_not_written_is_followed_by_nothing(site: Site, scripts: HookExecutor) -> None:
    """The try is made again, and asks again: its end is what counts."""
    site.make(scripts)
    await site.binds(follows(NOTE), phase=HookPhase.AFTER)
    owner, account_id, _ = await site.has()
    await site.asks("update", account_id, owner, mail="a@example.org")
    [claimed] = await site.claim()
    await site.executor.process(claimed)
    assert await site.rows("SELECT 1 FROM follow_ups") == []

    await site.rows("UPDATE operations SET status = 'pending', owner = NULL, ready_at = db_now() RETURNING id")
    await site.run()

    assert len(await site.rows("SELECT 1 FROM follow_ups")) == 1
    assert await follow(site) == (1, 0)


@pytest.mark.parametrize(
    ("wanted", "note"),
    [
        pytest.param('{"type": "disable", "resource": "nowhere"}', "there is no target 'nowhere'", id="no such target"),
        pytest.param(BADGE, "the person has no account at badges", id="no account there"),
        pytest.param(
            '{"type": "update", "attributes": {"shoe": 7}}', "has no attribute 'shoe'", id="no such attribute"
        ),
        pytest.param('{"type": "update", "attributes": {"password": "x"}}', "password is a secret", id="a secret"),
    ],
)
async def test_what_cannot_follow_is_noted_and_fails_nothing(
    site: Site, scripts: HookExecutor, monkeypatch: pytest.MonkeyPatch, wanted: str, note: str
) -> None:
    """Somebody else has an account at the other target: it is no business of this hook."""
    badges = await site.beside("badges")
    other = await site.person("Bo", "Reed")
    await badges.account(other, uid=badges.target.put({"login": "bo.reed"}))

    schema = await site.target.schema("user")
    monkeypatch.setattr(site.target, "schema", AsyncMock(return_value=replace(schema, is_complete=True)))

    op_id = await asked(site, scripts, wanted)

    assert await site.row("SELECT status FROM operations_archive WHERE id = $1", op_id) == ("completed",)
    [said] = [line for line in await notes_of(site, op_id) if "does not" in line]
    assert note in said
    assert await follow(site) == (0, 0)
    assert await site.rows("SELECT 1 FROM follow_ups") == []


async def test_what_is_for_later_is_looked_at_again_when_it_is_due(site: Site, scripts: HookExecutor) -> None:
    """By then the person is disabled: a hook does not enable them."""
    op_id = await asked(site, scripts, '{"type": "enable", "after_seconds": 3600}')
    assert not await is_due(site)
    assert await follow(site) == (0, 0)

    await site.rows("UPDATE follow_ups SET due_at = db_now() RETURNING number")
    await site.rows("UPDATE identities SET disabled_at = db_now() RETURNING id")

    assert await follow(site) == (0, 1)
    assert "enables nobody against that" in (await notes_of(site, op_id))[-1]
    assert await site.row("SELECT status, attributes FROM follow_ups") == ("refused", None)


async def test_what_a_hook_asked_for_is_called_off_by_unbinding_it(site: Site, scripts: HookExecutor) -> None:
    op_id = await asked(site, scripts, '{"type": "disable", "after_seconds": 3600}')
    await site.rows("UPDATE follow_ups SET due_at = db_now() RETURNING number")
    await site.rows("UPDATE bindings SET enabled = false RETURNING id")

    assert await follow(site) == (0, 1)
    assert "is bound nowhere any more" in (await notes_of(site, op_id))[-1]


async def test_a_target_that_is_gone_by_then_is_noted(
    site: Site, scripts: HookExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    op_id = await asked(site, scripts, NOTE)

    async def gone(*told: Any, **more: Any) -> None:
        del told, more

    monkeypatch.setattr(connectors, "get", gone)

    assert await follow(site) == (0, 1)
    assert "its target is gone" in (await notes_of(site, op_id))[-1]


async def test_a_protected_account_is_left_alone(site: Site, scripts: HookExecutor) -> None:
    op_id = await asked(site, scripts, '{"type": "disable"}')
    await site.rows("UPDATE connectors SET protected_filter = 'login eq \"ada.moss\"' RETURNING id")

    assert await follow(site) == (1, 0)
    dead = await site.row("SELECT error_code, payload FROM dead_letters")
    assert tuple(dead) == ("protected_account", {"attributes": {}, "active": False})
    assert (await site.row("SELECT note FROM follow_ups WHERE operation_id = $1", op_id))["note"].startswith("the acc")


async def test_removals_that_follow_are_counted_like_all_others(site: Site, scripts: HookExecutor) -> None:
    await asked(site, scripts, '{"type": "disable"}')

    assert await follow(site) == (1, 0)
    assert [tuple(row) for row in await site.rows("SELECT accepted FROM removal_counts")] == [(1,)]


async def test_a_hook_that_sees_secrets_can_only_say_what_is_written_in_it(site: Site, scripts: HookExecutor) -> None:
    op_id = await asked(site, scripts, NOTE, permissions=("secrets",))

    [said] = [line for line in await notes_of(site, op_id) if "does not" in line]
    assert "department is a secret" in said
    assert "Ada" not in said


async def test_what_ended_long_ago_is_dropped(site: Site, scripts: HookExecutor) -> None:
    await asked(site, scripts, NOTE)
    await follow(site)
    await site.rows("UPDATE follow_ups SET ended_at = db_now() - interval '31 days' RETURNING number")

    await HookTidying(site.pool, keep_days=30).run_once()

    assert await site.rows("SELECT 1 FROM follow_ups") == []
