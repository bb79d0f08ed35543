"""``scripts/fuzz``: many scripts that nobody would write, and whether the sandbox keeps its promises with each.

Ends with 1 when one was broken. The seed is printed; with it and the number of a script the same script is made again.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict
from secrets import randbelow
from typing import Any

from tests.fuzz.judging import case_of, open_judge

COUNT = 100_000
QUICK = 400
TELL_EVERY_S = 60.0


def main(arguments: list[str]) -> int:
    """Run the command; 0 when every promise was kept."""
    options = _options(arguments)
    if options.lane is not None:
        print(json.dumps(asyncio.run(_lane(options.seed, range(options.lane, options.count, options.jobs)))))
        return 0
    if options.only is not None:
        case = case_of(options.seed, options.only)
        print(case.source, "-" * 40, sep="\n")
        found = asyncio.run(_lane(options.seed, range(options.only, options.only + 1)))
    else:
        print(f"seed {options.seed}, {options.count:,} scripts, {options.jobs} at once", flush=True)
        found = _all_lanes(options)
    _tell(found, seed=options.seed, as_json=options.json)
    return 1 if found["violations"] else 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=COUNT, help=f"so many scripts ({COUNT:,})")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} scripts")
    parser.add_argument("--seed", type=int, default=randbelow(1 << 32), help="of all random numbers")
    parser.add_argument("--only", type=int, metavar="N", help="show and try script N of this seed")
    parser.add_argument("--jobs", type=int, default=2, help="daemons at once, each with a sandbox")
    parser.add_argument("--json", action="store_true", help="the report as one object")
    parser.add_argument("--lane", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.quick:
        options.count = QUICK
    return options


def _all_lanes(options: argparse.Namespace) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.fuzz", "--seed", str(options.seed), "--count", str(options.count)]
    lanes = [
        subprocess.Popen([*command, "--jobs", str(options.jobs), "--lane", str(lane)], stdout=subprocess.PIPE)
        for lane in range(options.jobs)
    ]
    classes: Counter[str] = Counter()
    violations: list[dict[str, Any]] = []
    for number, lane in enumerate(lanes):
        said, _ = lane.communicate()
        if lane.returncode != 0:
            violations.append({"number": -1, "promise": f"daemon {number} ended with {lane.returncode}", "source": ""})
            continue
        found = json.loads(said)
        classes.update(found["classes"])
        violations += found["violations"]
    return {"classes": dict(classes.most_common()), "violations": violations}


async def _lane(seed: int, numbers: range) -> dict[str, Any]:
    told = time.monotonic()
    async with open_judge() as judge:
        for done, number in enumerate(numbers):
            await judge.judge(case_of(seed, number))
            if time.monotonic() - told > TELL_EVERY_S:
                told = time.monotonic()
                print(f"{done:,} of {len(numbers):,}, {len(judge.violations)} violations", file=sys.stderr, flush=True)
        return {"classes": dict(judge.classes), "violations": [asdict(each) for each in judge.violations]}


def _tell(found: dict[str, Any], *, seed: int, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"seed": seed} | found))
        return
    for name, count in found["classes"].items():
        print(f"{count:>9,}  {name}")
    for violation in found["violations"]:
        print(f"script {violation['number']}: {violation['promise']}\n{violation['source'][:2000]}\n{'-' * 40}")
    print(f"{len(found['violations'])} violations; again: scripts/fuzz --seed {seed}")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
