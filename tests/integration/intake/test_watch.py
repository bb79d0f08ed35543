import os
import time
from pathlib import Path

from worker.intake import SourceWatcher, Watched

from .conftest import House, staff


def aged(path: Path, seconds: float = 60) -> None:
    """As if nobody had written to the file for a while."""
    then = time.time() - seconds
    os.utime(path, (then, then))


async def look(house: House, watcher: SourceWatcher) -> Watched:
    return await watcher.run_once(house.tenant_id, house.tenant_id)


async def test_a_file_is_imported_once_it_has_settled_and_again_when_it_changed(house: House) -> None:
    source = await house.source()
    house.write(staff(3))
    aged(house.folder / "hr.csv")
    watcher = SourceWatcher(house.pool)
    started = [(await look(house, watcher)).started for _ in range(3)]
    (run,) = await house.rows('SELECT id, kind, "trigger", connector_id FROM runs')
    await house.process(await house.claim(run.pop("id")))

    assert started == [0, 1, 0]
    assert run == {"kind": "import", "trigger": "watch", "connector_id": source.id}

    house.write(staff(4))
    aged(house.folder / "hr.csv", 30)
    assert [(await look(house, watcher)).started for _ in range(3)] == [0, 1, 0]


async def test_a_file_being_written_is_left_to_its_writer(house: House) -> None:
    await house.source()
    house.write(staff(3))
    watcher = SourceWatcher(house.pool)

    assert [(await look(house, watcher)).started for _ in range(2)] == [0, 0]


async def test_a_change_during_a_run_waits_for_its_end(house: House) -> None:
    source = await house.source()
    house.write(staff(3))
    aged(house.folder / "hr.csv")
    run = await house.begin(source)
    watcher = SourceWatcher(house.pool)
    while_it_lives = [(await look(house, watcher)).started for _ in range(2)]
    await house.process(run)

    assert while_it_lives == [0, 0]
    assert (await look(house, watcher)).started == 1


async def test_absent_files_and_unwatched_sources_are_left_alone(house: House) -> None:
    await house.source("absent")
    await house.source("unwatched", settings={"watch": False})
    house.write(staff(3), "unwatched")
    aged(house.folder / "unwatched.csv")
    watcher = SourceWatcher(house.pool)

    assert [await look(house, watcher) for _ in range(2)] == [Watched(1, 0)] * 2


async def test_who_knows_the_sources_for_a_while_asks_nothing_while_nothing_changes(house: House) -> None:
    """And starts nothing for a source that was switched off meanwhile."""
    await house.source()
    house.write(staff(3))
    aged(house.folder / "hr.csv")
    watcher = SourceWatcher(house.pool, known_s=3600)
    (run,) = [(await look(house, watcher)).started for _ in range(2)][1:]
    (started,) = await house.rows("SELECT id FROM runs")
    await house.process(await house.claim(started["id"]))
    await look(house, watcher)
    await house.rows("UPDATE connectors SET sync_token = 'another', status = 'inactive'")
    seen = await look(house, watcher)
    house.write(staff(4))
    aged(house.folder / "hr.csv", 30)

    assert run == 1
    assert seen == Watched(files=1, started=0)
    assert [(await look(house, watcher)).started for _ in range(3)] == [0, 0, 0]
    assert len(await house.rows("SELECT id FROM runs")) == 1
