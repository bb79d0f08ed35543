"""Make mutants of our code and see whether the tests notice.

    python -m tests.mutants [--quick] [--only WORD] [--jobs N]

Ends with 1 when one survived, could not be made, or its tests fail on the code as it is.
"""

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor

from tests.mutants.catalogue import MUTANTS
from tests.mutants.running import judge, judge_health
from tests.mutants.sandboxed import SANDBOX_MUTANTS


def main() -> int:
    options = _options()
    chosen = [
        m for m in (*MUTANTS, *SANDBOX_MUTANTS) if (m.is_quick or not options.quick) and (options.only or "") in m.name
    ]
    if not chosen:
        print(f"No mutant has {options.only!r} in its name.")
        return 1
    code, said = judge_health(chosen)
    if code != 0:
        print(said, "The tests fail without any mutant.", sep="\n")
        return 1
    survived = 0
    with ThreadPoolExecutor(options.jobs) as jobs:
        for verdict in jobs.map(judge, chosen):
            print(f"{'caught  ' if verdict.is_caught else 'SURVIVED'}  {verdict.mutant.name}", flush=True)
            if not verdict.is_caught:
                survived += 1
                print(f"          {verdict.reason}\n{verdict.said}", flush=True)
    print(f"{len(chosen) - survived} of {len(chosen)} caught")
    return 1 if survived else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/mutants", description="Make mutants and see whether tests notice.")
    parser.add_argument("--quick", action="store_true", help="only those whose tests take seconds")
    parser.add_argument("--only", metavar="WORD", help="only those whose name has this word")
    parser.add_argument("--jobs", type=int, default=1, help="so many at once")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
