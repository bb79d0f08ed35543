"""What the processes share of one target: calls at once, and calls a second. Pure, on the database's clock.

Each process holds a part, written down with a time until which it counts. Nobody takes what another still holds: a
process that is to have less uses less first, and gives it back the next time it asks. So the parts together are never
more than the whole, whenever who asks. Who is silent loses its part when its time is over.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

#: How long a part counts after its holder last asked.
VALID_S = 6.0
#: Where there are fewer slots than processes, they go round this often.
ROTATE_S = 10.0


@dataclass(frozen=True, slots=True)
class Part:
    """What one process holds, until when (seconds of the epoch); ``wants`` is how many slots it could use."""

    worker: UUID
    slots: int
    rate: float | None
    wants: int
    until: float


@dataclass(frozen=True, slots=True)
class Need:
    """What a process asks with: calls under way, calls it could have under way, and the rate that it keeps to now."""

    using: int
    wants: int
    rate: float | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """What a process may use from now on. ``rate`` None: no limit; ``is_settled`` when there is no more to come.

    ``is_alone``: nobody else holds a part of this target.
    """

    slots: int
    rate: float | None
    is_settled: bool = True
    is_alone: bool = True


def divided(
    parts: Iterable[Part], worker: UUID, need: Need, *, slots: int, rate: float | None, now: float
) -> tuple[list[Part], Share]:
    """All parts that count after this process asked, and its own share of ``slots`` calls at once and ``rate``."""
    counting = [part for part in parts if part.until > now]
    others = [part for part in counting if part.worker != worker]
    mine = next((part for part in counting if part.worker == worker), Part(worker, 0, 0.0, 0, now))
    wants = {part.worker: part.wants for part in others} | {worker: need.wants}
    fair = fair_slots(slots, wants, turn=int(now // ROTATE_S))
    held = max(min(fair[worker], slots - sum(part.slots for part in others)), min(need.using, mine.slots))
    usable = min(fair[worker], held)
    pace, kept_rate = _pace(others, mine, need, fair=fair, rate=rate)
    if rate is not None and not pace:
        usable = 0
    part = Part(worker, held, kept_rate, need.wants, now + VALID_S)
    is_settled = usable == fair[worker] == held and pace == kept_rate
    return [*others, part], Share(usable, pace, is_settled, not others)


def fair_slots(slots: int, wants: Mapping[UUID, int], *, turn: int) -> dict[UUID, int]:
    """Slots for each, none more than it wants; what one leaves the others share. The odd ones go round by ``turn``."""
    fair = dict.fromkeys(wants, 0)
    order = _rotated(sorted(worker for worker, wanted in wants.items() if wanted > 0), turn)
    left = max(slots, 0)
    while order and left:
        each = max(left // len(order), 1)
        for worker in order[:left]:
            given = min(each, wants[worker] - fair[worker], left)
            fair[worker] += given
            left -= given
        order = [worker for worker in order if fair[worker] < wants[worker]]
    return fair


def _rotated(workers: Sequence[UUID], turn: int) -> list[UUID]:
    start = turn % len(workers) if workers else 0
    return [*workers[start:], *workers[:start]]


def _pace(
    others: Sequence[Part], mine: Part, need: Need, *, fair: Mapping[UUID, int], rate: float | None
) -> tuple[float | None, float | None]:
    """The rate to keep to from now on, and the one that is written down: that of now, until it is really less."""
    if rate is None:
        return None, None
    takers = sum(1 for slots in fair.values() if slots)
    wanted = rate / takers if fair[mine.worker] else 0.0
    free = max(rate - sum(part.rate or 0.0 for part in others), 0.0)
    held = max(min(wanted, free), min(need.rate or 0.0, mine.rate or 0.0))
    return min(wanted, held), held
