"""Jobs finished a second: ours beside other people's queues and beside the limit loop, in turns, in one run."""

from collections import defaultdict
from collections.abc import AsyncIterator
from statistics import median

from tests.benchmarks.figures import Figure, Size, beside, left_out
from tests.benchmarks.ground import Ground
from tests.benchmarks.queue.contenders import GRAPHILE, PGBOSS, Contender, Limit, Ours, PgQueuer
from tests.benchmarks.queue.installing import NotToBeHad
from tests.benchmarks.queue.race import rate

UNIT = "operations/s"
PROCESSES = (1, 2)
#: How many times the rate of the fastest full queue is promised, and how much of the bare loop's.
PEER_RATIO = 2.0
LIMIT_SHARE = 0.6

_Rates = dict[tuple[str, int], list[float]]


async def measure(ground: Ground, size: Size) -> AsyncIterator[Figure]:
    """With one process and with two."""
    ours, peers = Ours(), _peers(size)
    rates: _Rates = defaultdict(list)
    absent: dict[str, str] = {}
    for _ in range(size.turns):
        for processes in PROCESSES:
            for contender in (ours, *peers):
                if contender.name in absent:
                    continue
                try:
                    done = await rate(ground, contender, processes=processes, count=size.noops)
                except NotToBeHad as reason:
                    absent[contender.name] = str(reason)
                else:
                    rates[contender.name, processes].append(done)
    for processes in PROCESSES:
        for peer in peers:
            measured = f"queue, {processes} process{'es' * (processes > 1)}"
            if peer.name in absent:
                yield left_out(f"{measured}, beside {peer.name}", UNIT, absent[peer.name])
            else:
                yield _figure(f"{measured}, beside {peer.name}", rates, processes, peer.name)


def _peers(size: Size) -> list[Contender]:
    """In a quick run only those that something is promised against."""
    promised: list[Contender] = [Limit(), GRAPHILE] if size.has_peers else [Limit()]
    return [*promised, PGBOSS, PgQueuer()] if size.has_all_peers else promised


def _figure(measured: str, rates: _Rates, processes: int, peer: str) -> Figure:
    wanted = {Limit.name: LIMIT_SHARE, GRAPHILE.name: PEER_RATIO}.get(peer)
    ours = median(rates[Ours.name, processes])
    return beside(measured, ours, UNIT, peer=peer, rate=median(rates[peer, processes]), wanted=wanted)
