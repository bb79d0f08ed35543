"""Jobs finished a second: ours beside other people's queues and beside the limit loop, in turns, in one run."""

from collections import defaultdict
from collections.abc import AsyncIterator
from statistics import median

from tests.benchmarks.figures import Figure, Size, beside, left_out, not_above
from tests.benchmarks.ground import Ground
from tests.benchmarks.queue.contenders import GRAPHILE, PGBOSS, Contender, Limit, Ours, PgQueuer
from tests.benchmarks.queue.installing import NotToBeHad
from tests.benchmarks.queue.race import Raced, race

UNIT = "operations/s"
PROCESSES = (1, 2)
#: How many times the rate of the fastest full queue is promised, and how much of the bare loop's.
PEER_RATIO = 2.0
LIMIT_SHARE = 0.6

_Runs = dict[tuple[str, int], list[Raced]]


async def measure(ground: Ground, size: Size) -> AsyncIterator[Figure]:
    """With one process and with two."""
    ours, peers = Ours(), _peers(size)
    runs: _Runs = defaultdict(list)
    absent: dict[str, str] = {}
    for _ in range(size.turns):
        for processes in PROCESSES:
            for contender in (ours, *peers):
                if contender.name in absent:
                    continue
                try:
                    done = await race(ground, contender, processes=processes, count=size.noops)
                except NotToBeHad as reason:
                    absent[contender.name] = str(reason)
                else:
                    runs[contender.name, processes].append(done)
    for processes in PROCESSES:
        for peer in peers:
            if peer.name not in absent:
                yield _rates(runs, processes, peer.name)
    for peer in peers:
        if peer.name in absent:
            yield left_out(f"queue, beside {peer.name}", UNIT, absent[peer.name])
        else:
            yield _core_times(runs, peer.name)


def _peers(size: Size) -> list[Contender]:
    """In a quick run only those that something is promised against."""
    promised: list[Contender] = [Limit(), GRAPHILE] if size.has_peers else [Limit()]
    return [*promised, PGBOSS, PgQueuer()] if size.has_all_peers else promised


def _rates(runs: _Runs, processes: int, peer: str) -> Figure:
    wanted = {Limit.name: LIMIT_SHARE, GRAPHILE.name: PEER_RATIO}.get(peer)
    ours, theirs = (median(each.rate for each in runs[name, processes]) for name in (Ours.name, peer))
    name = f"queue, {processes} process{'es' * (processes > 1)}, beside {peer}"
    return beside(name, ours, UNIT, peer=peer, rate=theirs, wanted=wanted)


def _core_times(runs: _Runs, peer: str) -> Figure:
    """With one process; it hardly wanders with what else runs on the machine."""
    ours, theirs = (median(each.core_us for each in runs[name, 1]) for name in (Ours.name, peer))
    return not_above(f"core time, beside {peer}", ours, "µs/operation", peer=peer, theirs=theirs)
