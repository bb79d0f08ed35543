"""Somebody starts the demo and types nothing."""

import pytest

from tests.e2e.daemon import Dev, command_of, descendants
from tests.waiting import eventually


@pytest.mark.timeout(240)
async def test_everybody_has_exactly_the_accounts_that_mapping_and_hook_say_with_nothing_typed(dev: Dev) -> None:
    """From nothing to the end, then stopped, then started again: it knows that nothing is left to do."""
    await dev.start()
    async with dev.organisation() as nordwerk:
        await eventually(nordwerk.is_done, timeout=120, interval=0.5)
        wrong = await nordwerk.wrong()
        stored = await nordwerk.rows("SELECT count(*) AS n FROM identities WHERE tenant_id = $1")
        unclear, dead = await nordwerk.without_history(), await nordwerk.dead_letters()
        operations = await nordwerk.rows("SELECT count(*) AS n FROM operations_archive WHERE tenant_id = $1")
    below = descendants(dev.pid)
    code = await dev.stop()
    left = {pid: words for pid, words in below.items() if command_of(pid) == words}
    await dev.start()
    async with dev.organisation() as nordwerk:
        await eventually(nordwerk.is_done, timeout=60, interval=0.2)
        still_wrong = await nordwerk.wrong()
        later = await nordwerk.rows("SELECT count(*) AS n FROM operations_archive WHERE tenant_id = $1")
    await dev.stop()

    assert wrong == [], "\n".join(wrong)
    assert stored == [{"n": dev.employees}]
    assert (unclear, dead) == ([], [])
    assert below, "the servers of the demo run below the daemon"
    assert (code, left) == (0, {})
    assert (still_wrong, later) == ([], operations)
    assert "Everything that was started is stopped." in dev.said()
