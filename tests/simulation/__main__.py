"""Many stories of the queue's duties in virtual time; each is told again by its seed.

python -m tests.simulation [--stories 10000] [--seed N]
"""

import argparse
import sys

from tests.simulation.house import storm


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--stories", type=int, default=10_000)
    parser.add_argument("--seed", type=int, help="only this story")
    options = parser.parse_args()
    seeds = [options.seed] if options.seed is not None else range(options.stories)
    wrong = 0
    for seed in seeds:
        if found := storm(seed).wrong:
            wrong += 1
            print(f"seed {seed}:", *found, sep="\n    ", flush=True)
    print(f"{len(seeds)} stories, {wrong} of them went wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
