"""``scripts/bench``: measure what the product promises, each figure beside what it is compared with."""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import uvloop

from tests.benchmarks import importing, running, scripting, targeting
from tests.benchmarks.correlation import lookups, side_by_side, whole_tables
from tests.benchmarks.correlation.strangers import measure as strangers
from tests.benchmarks.figures import FULL, QUICK, Figure, Size, as_json, as_line, heading
from tests.benchmarks.ground import Ground, open_ground
from tests.benchmarks.queue import (
    asking,
    backlog,
    fairness,
    held,
    history,
    idle,
    journey,
    order,
    picking,
    submitting,
    throughput,
)
from tests.benchmarks.recon import measures
from worker.domain.errors import SurroundingsError
from worker.service.collector import tune_collector
from worker.telemetry import logs

Measure = Callable[[Ground, Size], AsyncIterator[Figure]]

#: As a shell reports a process that SIGTERM has ended.
ENDED = 128 + signal.SIGTERM

MEASURES: dict[str, Measure] = {
    "import": importing.measure,
    "sql": targeting.measure_sql,
    "ldap": targeting.measure_ldap,
    "scim": targeting.measure_scim,
    "start": running.measure_start,
    "memory": running.measure_memory,
    "queue.rate": throughput.measure,
    "queue.pick": picking.measure,
    "queue.submit": submitting.measure,
    "queue.order": order.measure,
    "queue.backlog": backlog.measure,
    "queue.history": history.measure,
    "queue.held": held.measure,
    "queue.fair": fairness.measure,
    "queue.journey": journey.measure,
    "queue.idle": idle.measure,
    "queue.list": asking.measure,
    "recon": measures.measure,
    "correlation": side_by_side.measure,
    "correlation.files": whole_tables.measure,
    "correlation.strangers": strangers.measure,
    "correlation.lookups": lookups.measure,
    "hooks": scripting.measure,
}


def main(arguments: list[str]) -> int:
    """Run the chosen measures; 0 whatever the figures say, 1 when a measure could not be taken."""
    options = _options(arguments)
    chosen = list(dict.fromkeys(name for wanted in options.measures for name in _meant(wanted)))
    size = (QUICK if options.quick else FULL).scaled(options.scale)
    if options.size:
        size = replace(size, correlated=options.size)
    if options.no_peers:
        size = replace(size, has_peers=False, has_all_peers=False)
    # the lines of the parts that run in this process are made as in a daemon, and go nowhere
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123 - a device, not a path
        logs.configure(format="json", stream=nowhere)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            try:
                return runner.run(_measure(chosen, size, as_objects=options.json))
            except asyncio.CancelledError:
                return ENDED


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("measures", nargs="*", default=["all"], metavar="MEASURE", help=f"{', '.join(MEASURES)}, all")
    parser.add_argument("--json", action="store_true", help="one object a line")
    parser.add_argument("--quick", action="store_true", help="smaller numbers, each group within about a minute")
    parser.add_argument("--no-peers", action="store_true", help="nothing is installed: without other people's queues")
    parser.add_argument("--scale", type=float, default=1.0, metavar="F", help="measure F times as much")
    parser.add_argument("--size", type=int, metavar="N", help="people of correlation.files, in place of a million")
    options = parser.parse_args(arguments)
    if unknown := {wanted for wanted in options.measures if not _meant(wanted)}:
        parser.error(f"there is no measure {', '.join(sorted(unknown))}; there are {', '.join(MEASURES)}, all")
    return options


def _meant(wanted: str) -> list[str]:
    """The measures of this name, of this group, or all."""
    return [name for name in MEASURES if wanted in {name, name.partition(".")[0], "all"}]


async def _measure(chosen: list[str], size: Size, *, as_objects: bool) -> int:
    if not as_objects:
        print(heading(), flush=True)
    failed = False
    _clear_away_when_ended()
    tune_collector()  # the parts that run in this process run as in a daemon
    async with open_ground() as ground:
        for name in chosen:
            try:
                async for figure in MEASURES[name](ground, size):
                    print(as_json(figure) if as_objects else as_line(figure), flush=True)
            except (RuntimeError, TimeoutError, SurroundingsError) as error:
                print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
                failed = True
    return 1 if failed else 0


def _clear_away_when_ended() -> None:
    """Whoever is told to end takes servers, workers and directories along."""
    this = asyncio.current_task()
    if this is not None:
        for number in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, this.cancel)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
