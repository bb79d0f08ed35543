"""What hooks would make of somebody's account, rehearsed."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, cast

import pytest

from tests.integration.execution.conftest import LOG, VAULT, Site
from worker.actions import Suspended, Suspending
from worker.connectors import Targets
from worker.domain.errors import NotFound
from worker.domain.hook import HookLimits, HookPhase, HookScript
from worker.domain.ids import uuid7
from worker.domain.operation import OperationType
from worker.execution import Draft, HookPreviews, HooksPreview
from worker.hooks import HookExecutor

LOGIN = """
def before_create(ctx):
    person = ctx["identity"]
    base = (person["given_name"][0] + person["family_name"]).lower()
    return {"unique": {"login": [base, base + "2"]}, "set": {"password": rand.alnum(12)}}
def before_update(ctx):
    return {"set": {"department": "%d changes, dry: %s" % (len(ctx["changes"]), ctx["dry_run"])}}
"""


@pytest.fixture
async def previews(site: Site) -> AsyncIterator[HookPreviews]:
    async with HookExecutor(workers=1, limits=HookLimits(memory_mb=64), log=LOG) as scripts:
        site.make(scripts)
        yield HookPreviews(site.pool, cast("Targets", site.targets), scripts, vault=VAULT)


async def of(site: Site, previews: HookPreviews, owner: Any, **fields: Any) -> HooksPreview:
    return await previews.preview(site.tenant_id, connector_id=site.connector.id, identity_id=owner, **fields)


async def test_of_somebody_without_an_account_it_shows_what_would_be_made(site: Site, previews: HookPreviews) -> None:
    hook_id = await site.binds(LOGIN, name="logins")
    await site.hires("Adam", "Moss")
    await site.run()
    owner = await site.person("Ada", "Moss")

    found = await of(site, previews, owner)

    assert found.operation_type is OperationType.CREATE
    assert found.before["login"] == "ada.moss"
    assert (found.after["login"], found.after["password"]) == ("amoss2", {"secret": True})
    [call] = found.calls
    assert (call.hook_id, call.hook, call.version) == (hook_id, "logins", 1)
    assert (call.context.event, call.context.dry_run, call.context.attributes) == ("before_create", True, found.before)
    assert call.answer["unique"] == {"login": ["amoss", "amoss2"]}


async def test_nothing_is_written_or_sent(site: Site, previews: HookPreviews) -> None:
    await site.binds(LOGIN)
    owner = await site.person("Ada", "Moss")

    await of(site, previews, owner)
    await site.journal.run_once()

    for table in ("accounts", "operations", "taken_names", "hook_stats", "hook_records"):
        assert await site.rows(f"SELECT 1 FROM {table}") == []
    assert not {kind for kind, _ in site.target.calls} & {"create", "update", "delete"}


async def test_of_an_account_that_is_there_it_shows_the_change(site: Site, previews: HookPreviews) -> None:
    await site.binds(LOGIN)
    owner, _, _ = await site.has(observed={"login": "ada.moss", "family": "Moss", "given": "Ada"})

    found = await of(site, previews, owner)

    assert found.operation_type is OperationType.UPDATE
    assert found.before == {"mail": "ada.moss@example.org"}
    assert found.after == {"mail": "ada.moss@example.org", "department": "1 changes, dry: True"}


@pytest.mark.parametrize(
    ("answer", "ending", "ends"),
    [
        pytest.param('reject("no contract")', "dead_letter", "rejected it: no contract", id="rejects"),
        pytest.param('skip("on probation")', "completed", "skipped it: on probation", id="skips"),
        pytest.param("1 // 0", "dead_letter", "The hook failed", id="fails"),
    ],
)
async def test_it_says_how_the_operation_would_end(
    site: Site, previews: HookPreviews, answer: str, ending: str, ends: str
) -> None:
    await site.binds(f"def before_create(ctx):\n    return {answer}\n")
    owner = await site.person("Ada", "Moss")

    found = await of(site, previews, owner)

    assert (found.ending, found.after) == (ending, {})
    assert ends in (found.ends or "")


async def test_a_draft_is_tried_in_place_of_what_is_active(site: Site, previews: HookPreviews) -> None:
    hook_id = await site.binds(LOGIN, position=1)
    await site.binds('def before_create(ctx):\n    return {"set": {"mail": ctx["attributes"]["login"]}}\n', name="mail")
    owner = await site.person("Ada", "Moss")
    source = 'def before_create(ctx):\n    return {"set": {"login": "drafted"}}\n'
    draft = Draft(HookScript(source, name="draft", version=2, id=hook_id))

    found = await of(site, previews, owner, draft=draft)
    new = await of(site, previews, owner, draft=replace(draft, script=HookScript(source, id=uuid7())))
    after = await of(
        site,
        previews,
        owner,
        draft=Draft(HookScript("def after_create(ctx):\n    pass\n", id=uuid7()), HookPhase.AFTER),
    )

    assert [call.hook for call in found.calls] == ["mail", "draft"]
    assert found.after["login"] == "drafted"
    assert len(new.calls) == 3
    assert after.calls[-1].context.result == {"status": "completed", "uid": None, "error": None}


async def test_there_is_nothing_to_show_of_nobody(site: Site, previews: HookPreviews) -> None:
    with pytest.raises(NotFound, match="There is no identity"):
        await of(site, previews, uuid7())


async def test_a_script_that_kills_in_a_rehearsal_is_not_stopped_for_everybody(site: Site) -> None:
    """Whoever may try a draft, or an account, could else stop the hook of all daemons."""
    await site.binds("def before_create(ctx):\n    return {'set': {'login': str(max(range(2147483600 + len(ctx))))}}\n")
    owner = await site.person("Ada", "Moss")
    limits = HookLimits(budget_ms=50, memory_mb=64)

    async with HookExecutor(workers=1, limits=limits, log=LOG) as scripts:
        site.make(scripts)
        previews = HookPreviews(site.pool, cast("Targets", site.targets), scripts, vault=VAULT)
        classes = set[str]()
        while "hook.suspended" not in classes:
            [call] = (await of(site, previews, owner)).calls
            classes.add(call.answer["error"]["class"])

        assert await Suspending(site.pool, scripts).run_once() == Suspended(0)
    assert classes == {"hook.timeout", "hook.suspended"}
