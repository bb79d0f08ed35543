"""What the console shows of differences with one cause, and what it does about them."""

from uuid import uuid4

from tests.integration.actions.conftest import Works, pool, table, works
from worker.service.desk import Causes

__all__ = ["pool", "table", "works"]


async def test_a_cause_is_shown_approved_and_stopped(works: Works) -> None:
    desk = Causes(works.house)
    await works.reconcile()
    await works.hire(*((f"G{n}", f"F{n}", f"p{n}@example.org") for n in range(5)))
    await works.work()
    await works.table.execute("UPDATE people SET mail = replace(mail, 'example.org', 'elsewhere.org')")
    await works.table.execute("UPDATE people SET family = 'X' WHERE login = 'p4'")
    await works.reconcile()
    where = {"connector_id": works.connector.id}

    view = await desk.causes(works.tenant_id, **where)
    assert view is not None
    mail, family = view.rows
    chosen = await desk.chosen_causes(works.tenant_id, groups=(mail.id, "0" * 16), run_id=None, **where)
    both = await desk.chosen_causes(works.tenant_id, groups=(mail.id, family.id), run_id=None, **where)
    wanted = {"groups": (mail.id,), "takes_over": False, "run_id": None, **where}
    too_few = await desk.approve_causes(works.operator, expect=3, **wanted)
    begun = await desk.approve_causes(works.operator, expect=4, **wanted)
    running = await desk.causes(works.tenant_id, **where)
    assert running is not None
    stopped = await desk.cancel_causes(works.operator, repair_id=running.repairs[0].id, **where)
    again = await desk.cancel_causes(works.operator, repair_id=running.repairs[0].id, **where)

    assert (mail.attribute, mail.count, mail.alone) == ("mail", 5, 4)
    assert (mail.expected or "").endswith("@example.org")
    assert chosen is not None
    assert (chosen.total, chosen.mixed, [row.id for row in chosen.rows]) == (4, 1, [mail.id])
    assert both is not None
    assert (both.total, both.mixed) == (5, 0)
    assert (too_few.ok, begun.ok, begun.message) == (False, True, "4 are being repaired.")
    assert running.repairs[0].words == ("mail: the domain is another: example.org > elsewhere.org",)
    assert (running.repairs[0].status, running.repairs[0].total) == ("running", 4)
    assert (stopped.message, again.ok) == ("Stopped; 0 were repaired.", False)
    assert await desk.causes(works.tenant_id, connector_id=uuid4()) is None
