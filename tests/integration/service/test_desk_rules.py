"""What the console reads of a target's rules of correlation, tries with them and does to them."""

from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import uuid4

import pytest
import structlog

from tests.integration.actions.conftest import Works, pool, table, works
from worker.console import ConsoleRules
from worker.hooks import HookExecutor
from worker.security import Principal
from worker.service.desk import Rules

__all__ = ["pool", "table", "works"]


@pytest.fixture
async def desk(works: Works) -> AsyncIterator[ConsoleRules]:
    async with HookExecutor(workers=1, log=structlog.get_logger()) as scripts:
        yield Rules(replace(works.house, scripts=scripts))


@pytest.fixture
def admin(works: Works) -> Principal:
    return replace(works.operator, roles=frozenset({"admin"}))


async def test_rules_are_checked_tried_saved_compared_and_taken_back(
    desk: ConsoleRules, works: Works, admin: Principal
) -> None:
    where = {"connector_id": works.connector.id}
    await works.hire(("anna", "Meier", "anna@x.de"))
    view = await desk.rules(admin, **where)
    assert view is not None
    assert (view.active, view.version, view.versions, view.back_to) == (0, 0, (), None)
    assert "mail" in view.attributes
    assert {rule["name"] for rule in view.document["rules"]} >= {"email", "name"}

    draft = view.document | {"tuning_mode": True}
    wrong = {**draft, "rules": [draft["rules"][0] | {"threshold": "much"}]}
    assert (await desk.check_rules(admin, **where, document=draft)).ok
    found = await desk.check_rules(admin, **where, document=wrong)
    assert [(each.rule, each.field) for each in found.mistakes if each.is_error] == [(0, "threshold")]
    assert not (await desk.save_rules(admin, **where, document=wrong, note="", seen=0)).ok

    started = await desk.start_backtest(admin, **where, document=draft)
    assert started.ok
    assert started.link
    tried = await desk.rules(admin, **where)
    assert tried is not None
    [test] = tried.backtests
    assert (test.status, test.base_version, test.document["tuning_mode"]) == ("pending", 0, True)
    assert started.link.endswith(str(test.id))
    assert (await desk.cancel_backtest(admin, **where, backtest_id=test.id)).ok

    assert (await desk.save_rules(admin, **where, document=test.document, note="Carefully", seen=0)).ok
    late = await desk.save_rules(admin, **where, document=draft, note="", seen=0)
    assert (late.ok, late.contradicts) == (False, 0)
    [row] = await desk.rule_sets(works.tenant_id)
    assert (row.version, row.tuning_mode, row.figures.precision) == (1, True, None)
    [change] = await desk.rules_difference(admin, **where, before=0, after=1) or ()
    assert (change.name, change.fields) == ("", ("tuning_mode",))
    assert (await desk.roll_back_rules(admin, **where, seen=1)).ok
    again = await desk.rules(admin, **where, version=1)
    assert again is not None
    assert (again.active, again.version, again.document["tuning_mode"]) == (0, 1, True)


async def test_an_account_is_tried_and_refusals_are_words(desk: ConsoleRules, works: Works, admin: Principal) -> None:
    where = {"connector_id": works.connector.id}
    await works.hire(("anna", "Meier", "anna@x.de"))
    attributes = {"login": "anna", "mail": "anna@x.de", "given": "anna", "family": "Meier"}
    found = await desk.whose(admin, **where, attributes=attributes, uid=None)
    assert found.refused is None
    assert [each.label for each in found.candidates] == ["anna"]
    assert found.candidates[0].contributions

    unknown = await desk.whose(admin, **where, attributes={}, uid="nobody")
    assert "We know no account 'nobody'" in (unknown.refused or "")
    assert "people decided" in (await desk.refine(admin, **where)).message.lower()
    assert not (await desk.spot_check(admin, **where, count=20)).ok
    assert not (await desk.activate_rules(works.viewer, **where, version=0, seen=None)).ok
    assert await desk.rules(admin, connector_id=uuid4()) is None
    assert await desk.rules(admin, **where, version=9) is None
