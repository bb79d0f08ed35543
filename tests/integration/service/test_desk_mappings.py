"""What the console reads of a target's mapping, tries with it and does to it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import uuid4

import pytest
import structlog

from tests.integration.actions.conftest import Works, pool, table, works
from worker.console import ConsoleMappings
from worker.hooks import HookExecutor
from worker.mapping import MappingEngine
from worker.planning import Planner
from worker.security import Principal
from worker.service.desk import Mappings

__all__ = ["pool", "table", "works"]

DRAFT = """[
  {"target": "login", "source": "user_name", "required": true},
  {"target": "given", "expression": "identity['given_name'].title()"}
]
"""


@pytest.fixture
async def desk(works: Works, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ConsoleMappings]:
    monkeypatch.setattr("worker.service.desk.mappings._ATTRIBUTES_WITHIN_S", 60)  # of a machine with other work
    async with HookExecutor(workers=1, log=structlog.get_logger()) as scripts:
        yield Mappings(replace(works.house, scripts=scripts))


@pytest.fixture
def admin(works: Works) -> Principal:
    return replace(works.operator, roles=frozenset({"admin"}))


async def test_the_editor_begins_with_all_of_a_mapping(desk: ConsoleMappings, works: Works, admin: Principal) -> None:
    await works.hire(("anna", "Meier", "anna@x.de"))
    view = await desk.mapping(admin, connector_id=works.connector.id)

    assert view is not None
    assert (view.active, view.version, [each.version for each in view.versions]) == (1, 1, [1])
    assert view.document.startswith('[\n  {"target": "login", "source": "user_name", "required": true}')
    assert {each.name for each in view.attributes} >= {"login", "mail", "given", "family"}
    assert view.sources == ("family_name", "given_name", "mail")
    assert await desk.mapping(admin, connector_id=works.connector.id, version=9) is None
    assert await desk.mapping(admin, connector_id=uuid4()) is None
    assert (await desk.check_mapping(admin, connector_id=works.connector.id, document=view.document)).ok


async def test_a_draft_is_checked_tried_saved_counted_activated_and_taken_back(
    desk: ConsoleMappings, works: Works, admin: Principal
) -> None:
    where = {"connector_id": works.connector.id}
    (anna,) = await works.hire(("anna", "Meier", "anna@x.de"))
    await works.reconcile()
    await works.work()
    await works.reconcile()

    wrong = await desk.check_mapping(admin, **where, document='[{"target": "x"}]')
    tried = await desk.try_mapping(admin, **where, document=DRAFT, identity_ids=(anna,))
    saved = await desk.save_mapping(admin, **where, document=DRAFT, note="Capitals.")
    begun = await desk.start_dry_run(admin, **where, version=2)
    planner = Planner(
        works.house.pool, mapper=MappingEngine(), acceptance=works.house.acceptance, vault=works.house.vault
    )
    await planner.run_once(works.tenant_id, works.tenant_id)
    view = await desk.mapping(admin, **where)
    assert view is not None
    counted = await desk.dry_run(admin, **where, dry_run_id=view.dry_runs[0].id)
    stopped = await desk.cancel_dry_run(admin, **where, dry_run_id=view.dry_runs[0].id)
    activated = await desk.activate_mapping(admin, **where, version=2, seen=1)
    outdated = await desk.activate_mapping(admin, **where, version=1, seen=1)
    difference = await desk.mapping_difference(admin, **where, before=1, after=2)
    back = await desk.roll_back_mapping(admin, **where, seen=2)

    assert [(each.line, each.is_error) for each in wrong.mistakes] == [(1, True)]
    assert [(each.kind, each.changes[0]) for each in tried.rows] == [("update", ("given", "anna", "Anna"))]
    assert saved.ok
    assert begun.ok
    assert counted is not None
    assert (counted.status, counted.people_done, counted.held) == ("completed", 1, 0)
    assert not stopped.ok
    assert (activated.ok, outdated.ok, back.ok) == (True, False, True)
    assert "Somebody else changed this meanwhile" in outdated.message
    assert difference is not None
    assert {each.target for each in difference} == {"given", "mail", "family"}
    assert await desk.mapping_difference(admin, **where, before=1, after=7) is None


async def test_a_slow_target_does_not_keep_the_editor_waiting(
    desk: ConsoleMappings, works: Works, admin: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.service.desk.mappings._ATTRIBUTES_WITHIN_S", 0)
    view = await desk.mapping(admin, connector_id=works.connector.id)

    assert view is not None
    assert (view.attributes, view.version) == ((), 1)
    assert view.silent == "The target did not tell its attributes within 0 s."


async def test_a_scope_is_counted_and_changed_once(desk: ConsoleMappings, works: Works, admin: Principal) -> None:
    await works.hire(("anna", "Meier", "anna@x.de"), ("ben", "Kunz", "ben@x.de"))
    where = {"connector_id": works.connector.id}
    view = await desk.mapping(admin, **where)
    assert view is not None

    some = await desk.count_scope(admin, **where, scope='family_name eq "Meier"')
    wrong = await desk.count_scope(admin, **where, scope="family_name = 1")
    doubtful = await desk.count_scope(admin, **where, scope='familly_name eq "Meier"')
    done, again = [
        await desk.change_scope(admin, **where, scope='family_name eq "Meier"', seen=view.connector_version)
        for _ in range(2)
    ]
    after = await desk.mapping(admin, **where)

    assert (some.people, some.now, some.refused, some.doubt) == (1, 2, None, None)
    assert wrong.refused is not None
    assert doubtful.doubt == "Nobody has an attribute 'familly_name'; did you mean family_name?"
    assert (done.ok, again.ok) == (True, False)
    assert after is not None
    assert after.scope == 'family_name eq "Meier"'


async def test_refusals_are_words(desk: ConsoleMappings, works: Works, admin: Principal) -> None:
    where = {"connector_id": works.connector.id}
    broken = await desk.try_mapping(admin, **where, document="[{]")
    refused = await desk.save_mapping(admin, **where, document="[{]", note="")
    viewer = await desk.save_mapping(works.viewer, **where, document=DRAFT, note="")

    assert broken.refused is not None
    assert broken.refused.startswith("The mapping cannot be used: the mapping is not JSON")
    assert (refused.ok, viewer.ok) == (False, False)
