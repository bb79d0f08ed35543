"""One storm: a site, a fleet, a submitter and a schedule; then calm, and the verdict."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.faults.kit.fleet import ROOT, Fleet, Zygote
from tests.faults.kit.judge import judge
from tests.faults.kit.nemesis import DRAIN_S, STOP_SLACK_S, Nemesis
from tests.faults.kit.schedule import Fault, Profile, Tally, schedule
from tests.faults.kit.site import Site, open_site
from tests.faults.kit.target import ledger

LIVE = "SELECT count(*) AS n FROM operations"
#: What is kept of the database when a promise was broken, beside the daemons' logs and the target's ledger.
EVIDENCE = {
    "events": "SELECT * FROM watched.events ORDER BY n",
    "attempts": "SELECT * FROM attempts ORDER BY completed_at",
    "archive": "SELECT * FROM operations_archive ORDER BY completed_at",
    "letters": "SELECT * FROM dead_letters",
    "live": "SELECT * FROM operations",
    "accounts": "SELECT * FROM accounts",
}
SAY_EVERY_S = 10.0
#: Beyond any pause: a daemon that was held still must not take the target for dead, the lease ends its tries before.
DEADLINE_S = 20.0
Say = Callable[[str], None]


@dataclass(slots=True)
class Report:
    """What a storm did and what became of the promises."""

    profile: str
    seed: int
    tally: Tally
    figures: dict[str, int]
    violations: list[str]
    took_s: float
    daemons: int = 0

    def hits(self, fault: Fault) -> int:
        return self.tally.hit.get(fault, 0)

    def lines(self) -> list[str]:
        """For people: the seed, the faults that hit something, the figures, the broken promises."""
        faults = [f"{fault} {self.hits(fault)}/{done}" for fault, done in sorted(self.tally.done.items())]
        return [
            f"profile {self.profile}, seed {self.seed}, {self.took_s:.0f} s, {self.daemons} daemons",
            "faults that hit something, of those done: " + ", ".join(faults),
            "then: " + ", ".join(f"{name} {value}" for name, value in self.figures.items()),
            *(f"BROKEN {one}" for one in self.violations),
        ]


async def storm(profile: Profile, *, seed: int, say: Say = print, directory: Path | None = None) -> Report:
    """Run one; never raises for a broken promise, which is in the report."""
    steps = schedule(profile, seed=seed)
    say(f"seed {seed}, profile {profile.name}: {len(steps)} steps")
    say("schedule: " + " ".join(f"{step.after:.2f}:{step.fault}:{step.pick % profile.daemons}" for step in steps))
    started = time.monotonic()
    async with open_site(accounts=profile.accounts, deadline_s=DEADLINE_S, directory=directory) as site:
        settings = site.settings(lease_s=profile.lease_s)
        acks = site.directory / "acks"
        async with (
            Zygote() as zygote,
            Fleet(zygote, settings, site.directory, size=profile.daemons) as fleet,
        ):
            nemesis = Nemesis(site, fleet, profile)
            async with submitting(site, acks, depth=profile.depth, seed=seed):
                await _until_working(site, fleet)
                async with _told(site, nemesis, say):
                    await nemesis.rage(steps)
            violations = await _calm(site, fleet, profile)
            fleet_started = fleet.started
        verdict = await judge(site, acks, pauses=profile.faults.get(Fault.PAUSE, 0))
        violations += nemesis.violations + verdict.violations
        if violations:
            await _keep_evidence(site, seed, say)
    return Report(
        profile.name, seed, nemesis.tally, verdict.figures, violations, time.monotonic() - started, fleet_started
    )


@asynccontextmanager
async def submitting(site: Site, acks: Path, *, depth: int, seed: int) -> AsyncIterator[None]:
    """A process that submits all the while, and ends between two submissions."""
    order = site.directory / "submitter.json"
    order.write_text(
        json.dumps(
            {
                "dsn": site.daemon_dsn,
                "tenant_id": str(site.tenant_id),
                "connector_id": str(site.connector_id),
                "accounts": {login: str(one) for login, one in site.accounts.items()},
                "depth": depth,
                "seed": seed,
                "acks": str(acks),
            }
        ),
        encoding="utf-8",
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.faults.kit.submitter", str(order), cwd=ROOT
    )
    try:
        yield
        assert process.returncode is None, "the submitter ended by itself"
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 60) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _until_working(site: Site, fleet: Fleet) -> None:
    """The storm begins once operations are worked off."""
    for _ in range(600):
        if (await site.rows("SELECT count(*) AS n FROM operations_archive"))[0]["n"] > 50:
            return
        await fleet.revive()
        await asyncio.sleep(0.1)
    raise AssertionError("nothing was worked off before the storm")


async def _calm(site: Site, fleet: Fleet, profile: Profile) -> list[str]:
    """Everything heals: the daemons must work off the rest, and then end with nothing left in their hands."""
    deadline = time.monotonic() + profile.heal_within_s
    violations = []
    while (left := (await site.rows(LIVE))[0]["n"]) and time.monotonic() < deadline:
        await fleet.revive()
        await asyncio.sleep(0.2)
    if left:
        violations.append(f"{left} operations were not done {profile.heal_within_s:.0f} s after the storm")
    violations += [
        f"daemon {pid} did not end after SIGTERM" for pid in await fleet.stop(within_s=DRAIN_S + 3 + STOP_SLACK_S)
    ]
    return violations


@asynccontextmanager
async def _told(site: Site, nemesis: Nemesis, say: Say) -> AsyncIterator[None]:
    async def tell() -> None:
        while True:
            await asyncio.sleep(SAY_EVERY_S)
            done = (await site.rows("SELECT count(*) AS n FROM operations_archive"))[0]["n"]
            say(f"  {sum(nemesis.tally.done.values())} faults, {done} operations done")

    telling = asyncio.create_task(tell())
    try:
        yield
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)


async def _keep_evidence(site: Site, seed: int, say: Say) -> None:
    """Copy what the daemons said out of the directory that is about to go."""
    kept = Path(os.environ.get("PROVISIOND_EVIDENCE") or site.directory.parent / f"provisiond-storm-evidence-{seed}")
    kept.mkdir(parents=True, exist_ok=True)
    for log in [*site.directory.glob("*.log"), site.directory / "acks"]:
        (kept / log.name).write_bytes(log.read_bytes())
    for name, statement in EVIDENCE.items():
        rows = await site.rows(f"SELECT row_to_json(e)::text AS line FROM ({statement}) e")
        (kept / f"{name}.jsonl").write_text("".join(f"{row['line']}\n" for row in rows))
    effects = await ledger(site.target_dsn)
    (kept / "ledger.jsonl").write_text("".join(f"{json.dumps(asdict(effect))}\n" for effect in effects))
    say(f"what the daemons said is kept in {kept}")
