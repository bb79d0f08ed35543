"""``provisiond``: the command line."""

import sys


def main() -> int:
    """Run the command line with the arguments of this process; the exit code."""
    from worker.cli import run  # noqa: PLC0415 - what a verb needs is imported when it runs

    return run(sys.argv[1:])


if __name__ == "__main__":
    raise SystemExit(main())
