"""What a process holds of one target: what was claimed and waits here, what runs, and the room for more."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import chain
from uuid import UUID

from worker.domain.operation import EMERGENCY_PRIORITY, Operation
from worker.queue.marks import Marks
from worker.store import due_work
from worker.store.notify import Asked, Hints

#: Claimed ahead of the slots is what they work off in this time: long enough to hide a claim behind it, short enough
#: for what is more urgent to overtake.
AHEAD_S = 0.5
#: So long after a look that brought all there was, lanes may go on without another.
CHAIN_S = 0.25
#: At most this many of one target in one process, whatever its concurrency and pace.
MOST_HELD = 2_000
#: Emergencies that are claimed although there is no room.
MOST_EMERGENCIES = 50
#: What one operation adds to the mean of how long they take.
_NEWEST = 0.1


@dataclass(frozen=True, slots=True)
class Try:
    """What runs, and the slot it runs in."""

    operation: Operation
    slot: "asyncio.Task[None]"


FenceKey = tuple[UUID, UUID | None, int]


def fence(op: Operation) -> FenceKey:
    return op.id, op.owner, op.epoch


@dataclass(slots=True)
class Target:
    """What this process holds of one target; ``room``: what is told when it can take more."""

    room: Hints = field(default_factory=Hints)
    waiting: deque[Operation] = field(default_factory=deque)
    runners: set["asyncio.Task[None]"] = field(default_factory=set)
    running: dict[FenceKey, Try] = field(default_factory=dict)
    #: Slots that a lost lease has cut off and that have not ended yet.
    cut_off: set["asyncio.Task[None]"] = field(default_factory=set)
    slots: int = 0
    name: str = ""
    #: Seconds that an operation takes in its slot, as a moving mean; before the first one, a guess.
    pace: float = AHEAD_S / 4
    #: There was room, and too much to write.
    is_held_back: bool = False
    #: Room for more was told, and no claim has come of it yet.
    has_asked: bool = False
    #: Something was claimed since a claim that brought nothing was followed by another.
    looks_again: bool = False
    #: A claim failed: giving its rows back asks for the next one at once, and that would fail as fast.
    rests_until: float = 0.0
    #: What a claim brought that failed, perhaps unanswered: ours or not. It goes back before anything else is claimed:
    #: that might be the same under the same fence, and be taken from who works on it.
    unsure: frozenset[UUID] = frozenset()
    #: The last claim brought all there was: till then whoever finishes may claim what comes next in a lane, for a claim
    #: would bring just that.
    chains_until: float = 0.0
    #: It was put to sleep with nothing to claim: whoever makes it due from then on tells it, nobody has to ask.
    is_settled: bool = False
    #: Claimed together with a finish, and being prepared.
    arriving: dict["asyncio.Task[None]", Sequence[Operation]] = field(default_factory=dict)
    claiming: asyncio.Lock = field(default_factory=asyncio.Lock)
    marks: Marks = field(default_factory=Marks)

    @property
    def held(self) -> int:
        return len(self.waiting) + len(self.running) + sum(map(len, self.arriving.values()))

    @property
    def claims(self) -> set[UUID | None]:
        """The claims that brought what is held."""
        running = (each.operation for each in self.running.values())
        return {op.claim_id for op in chain(self.waiting, running, *self.arriving.values())}

    @property
    def ahead(self) -> int:
        """How many to hold beside those that run: at least one for each slot."""
        return max(self.slots, min(round(self.slots * AHEAD_S / self.pace), MOST_HELD))

    @property
    def urgent_room(self) -> int:
        """How many emergencies to claim beside all else: no more than will not be given back at the next look."""
        waiting = sum(op.priority >= EMERGENCY_PRIORITY for op in self.waiting)
        return max(min(self.ahead - waiting, MOST_EMERGENCIES), 0)

    def note(self, seconds: float) -> None:
        """Learn from one operation how long they take."""
        self.pace = max((1 - _NEWEST) * self.pace + _NEWEST * seconds, 0.001)

    def new_of(self, found: Sequence[Operation], *, ended: AbstractSet[FenceKey] = frozenset()) -> list[Operation]:
        """Those that are not held here. A failover that lost our claim gives out the same again, under the same fence:
        the try that is under way, or has ``ended`` and is not written yet, is still the one that counts. Under another
        fence it is another try.
        """
        held = {*map(fence, self.waiting), *self.running, *ended, *map(fence, chain(*self.arriving.values()))}
        return [op for op in found if fence(op) not in held]

    def looked(self, now: float, *, found: int, limit: int) -> None:
        """Note what a claim of all that is ready has brought, of at most ``limit``."""
        self.chains_until = now + CHAIN_S if found < limit else 0.0
        self.is_settled = False

    def looked_not(self) -> None:
        """There may be something to claim, and nobody looked."""
        self.chains_until, self.is_settled = 0.0, False

    def may_chain(self, now: float, *, lanes: int) -> bool:
        """Whether so many lanes may go on without a look: nothing else waits, and there is a free slot for each."""
        return now < self.chains_until and lanes <= self.slots - self.held

    def line_up(self, found: Sequence[Operation]) -> None:
        """Put what was claimed behind what waits here, but for what is more urgent."""
        is_overtaking = self.waiting and found and found[0].priority > self.waiting[-1].priority
        self.waiting.extend(found)
        if is_overtaking:
            self.waiting = deque(sorted(self.waiting, key=lambda op: -op.priority))


def empty_target(tenant_id: UUID, connector_id: UUID) -> Target:
    return Target(Hints([Asked(tenant_id, str(due_work.Kind.CLAIM), connector_id, is_new=False)]))


def by_target(ops: Sequence[Operation]) -> Iterable[tuple[UUID, list[Operation]]]:
    """These, by the target they are for."""
    found = defaultdict[UUID, list[Operation]](list)
    for op in ops:
        found[op.connector_id].append(op)
    return found.items()
