"""``python -m tests.faults.kit.fulldisk DIRECTORY``: fill the small disk of a site while daemons work, then free it."""

import asyncio
import sys
import tempfile
from contextlib import suppress
from errno import ENOSPC
from pathlib import Path

import uvloop

from tests.faults.kit.fleet import Fleet, Zygote
from tests.faults.kit.judge import Verdict, judge
from tests.faults.kit.site import open_site
from tests.faults.kit.storm import submitting
from tests.waiting import eventually

FULL_S = 8.0
CHUNK = b"\0" * (1 << 20)
LIVE = "SELECT count(*) AS n FROM operations"
DONE = "SELECT count(*) AS n FROM operations_archive"
FULL = ("No space left on device", "could not extend", "could not write")


async def main(disk: Path) -> int:
    with tempfile.TemporaryDirectory() as elsewhere:  # who keeps count must have space to do so
        return await fill_and_free(disk, Path(elsewhere) / "acks")


async def fill_and_free(disk: Path, acks: Path) -> int:
    async with (
        open_site(accounts=400, deadline_s=20.0, directory=disk) as site,
        Zygote() as zygote,
        Fleet(zygote, site.settings(lease_s=3.0), site.directory, size=2) as fleet,
    ):
        async with submitting(site, acks, depth=200, seed=1):

            async def has_done(count: int) -> bool:
                return bool((await site.rows(DONE))[0]["n"] >= count)

            await eventually(lambda: has_done(100), timeout=90, interval=0.1)
            fill(disk / "filler")
            await asyncio.sleep(FULL_S)
            said = site.postgres.log_file.read_text(errors="replace")
            (disk / "filler").unlink()
            if not site.postgres._is_up():  # PostgreSQL gives up when it cannot write what it must
                await site.crash()
            await fleet.revive()
            before = (await site.rows(DONE))[0]["n"]
            await eventually(lambda: has_done(before + 200), timeout=120, interval=0.1)

        async def is_over() -> bool:
            return bool((await site.rows(LIVE))[0]["n"] == 0)

        await eventually(is_over, timeout=120, interval=0.1)
        assert await fleet.stop(within_s=60) == []
        return told(await judge(site, acks, pauses=0), was_full=any(words in said for words in FULL))


def fill(path: Path) -> None:
    """Leave not a byte."""
    with path.open("wb", buffering=0) as file:
        for chunk in (CHUNK, b"\0" * 512):
            try:
                while True:
                    file.write(chunk)
            except OSError as error:
                if error.errno != ENOSPC:
                    raise


def told(verdict: Verdict, *, was_full: bool) -> int:
    print(f"the disk was full: {was_full}; {verdict.figures}")
    for one in verdict.violations:
        print(f"BROKEN {one}")
    return 0 if was_full and not verdict.violations else 1


if __name__ == "__main__":
    with suppress(KeyboardInterrupt), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.exit(runner.run(main(Path(sys.argv[1]))))
