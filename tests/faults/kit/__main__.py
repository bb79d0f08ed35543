"""``python -m tests.faults.kit``: a storm as a command; ends with 1 when a promise was broken."""

import argparse
import asyncio
import json
import sys
import time
from dataclasses import asdict

import uvloop

from tests.faults.kit.schedule import PROFILES
from tests.faults.kit.storm import Report, storm


def main() -> int:
    options = _options()
    profile = PROFILES[options.profile]
    if options.share != 1.0:
        profile = profile.scaled(options.share)
    seed = options.seed if options.seed is not None else time.time_ns() % 1_000_000
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        report = runner.run(storm(profile, seed=seed, say=lambda words: print(words, file=sys.stderr, flush=True)))
    print(_json(report) if options.json else "\n".join(report.lines()))
    return 1 if report.violations else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="faults", description="Do harm to real daemons and count what was lost.")
    parser.add_argument("--profile", choices=sorted(PROFILES), default="smoke")
    parser.add_argument("--seed", type=int, help="replay the schedule of this seed")
    parser.add_argument("--share", type=float, default=1.0, help="this share of the profile's faults")
    parser.add_argument("--json", action="store_true", help="the report as one object")
    return parser.parse_args()


def _json(report: Report) -> str:
    return json.dumps(asdict(report))


if __name__ == "__main__":
    sys.exit(main())
