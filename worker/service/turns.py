"""Whose turn it is when more is due than can be worked on at once: pure, without clock and database.

Deficit round robin on two levels. Tenants take turns first, whatever number of targets each of them has; then the
things of that tenant, by their weight. A turn is paid for when it is over, with what it really cost: who took much
sits out until the others had as much. An idle machine makes nobody wait, for a debt counts only beside others.
"""

from collections import deque
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar
from uuid import UUID

K = TypeVar("K", bound=Hashable)

#: What a weight of one may cost in each round.
QUANTUM = 100
#: One expensive turn is not held against anybody for longer than a few rounds.
MOST_DEBT = 5 * QUANTUM
#: Balances that are remembered; who was away for longer begins with a fresh one.
MOST_KNOWN = 10_000


class Ring(Generic[K]):
    """Those that wait for a turn, in the order they came. Turns use up a balance, and every round fills it by a share.

    A round is over when nobody who may have a turn has any balance left. What is left of it is kept, never more than
    one share: who was away has saved nothing up.
    """

    def __init__(self) -> None:
        self._waiting: deque[K] = deque()
        #: Those whose balance is used up, until the next round.
        self._spent: deque[K] = deque()
        self._weights: dict[K, int] = {}
        self._round = 0
        #: Balance, and the round in which it was that.
        self._balances: dict[K, tuple[int, int]] = {}

    def __len__(self) -> int:
        return len(self._weights)

    def offer(self, key: K, *, weight: int = 1) -> None:
        """Let a key wait for its turn; one that waits already keeps its place."""
        if key not in self._weights:
            self._waiting.append(key)
        self._weights[key] = max(weight, 1)

    def take(self, *, may: Callable[[K], bool] = lambda _: True) -> K | None:
        """The key whose turn it is, of those that may have one; it waits no more. None when nobody may."""
        passed: list[K] = []
        try:
            while self._waiting or any(may(key) for key in self._spent):
                if not self._waiting:
                    self._round += 1
                    self._waiting, self._spent = self._spent, self._waiting
                key = self._waiting.popleft()
                if not may(key):
                    passed.append(key)
                elif self._balance(key, self._weights[key]) > 0:
                    self._settle(key, self._balance(key, self._weights.pop(key)), self._round)
                    return key
                else:
                    self._spent.append(key)
            return None
        finally:
            self._waiting.extendleft(reversed(passed))

    def charge(self, key: K, cost: int) -> None:
        """Pay for a turn that is over; every turn costs something."""
        balance, since = self._balances.get(key, (0, self._round))
        self._settle(key, max(balance - max(cost, 1), -MOST_DEBT), since)

    def _balance(self, key: K, weight: int) -> int:
        share = QUANTUM * weight
        if key not in self._balances:
            return share
        balance, since = self._balances[key]
        return min(balance + (self._round - since) * share, share)

    def _settle(self, key: K, balance: int, since: int) -> None:
        self._balances.pop(key, None)  # the latest are the last
        self._balances[key] = (balance, since)
        if len(self._balances) > MOST_KNOWN:
            del self._balances[next(iter(self._balances))]


class Turns(Generic[K]):
    """Turns of things that belong to tenants: at most ``at_once`` under way, at most ``per_tenant`` of one tenant."""

    def __init__(self, *, at_once: int, per_tenant: int) -> None:
        self._at_once = at_once
        self._per_tenant = per_tenant
        self._tenants: Ring[UUID] = Ring()
        self._things: dict[UUID, Ring[K]] = {}
        self._under_way: dict[UUID, int] = {}

    @property
    def waiting(self) -> int:
        return sum(len(ring) for ring in self._things.values())

    @property
    def is_waited_for(self) -> bool:
        """Whether anything waits for a turn."""
        return len(self._tenants) > 0

    def offer(self, tenant_id: UUID, thing: K, *, weight: int = 1) -> None:
        """Let a thing wait for its turn; offering it twice is offering it once."""
        self._things.setdefault(tenant_id, Ring()).offer(thing, weight=weight)
        self._tenants.offer(tenant_id)

    def take(self) -> tuple[UUID, K] | None:
        """Begin the next turn; None when nobody waits who may have one. ``end`` ends it."""
        if sum(self._under_way.values()) >= self._at_once:
            return None
        tenant_id = self._tenants.take(may=lambda each: self._under_way.get(each, 0) < self._per_tenant)
        if tenant_id is None:
            return None
        ring = self._things[tenant_id]
        thing = ring.take()
        if thing is None:
            raise RuntimeError("a tenant waits only with something of its own")
        if len(ring):
            self._tenants.offer(tenant_id)
        self._under_way[tenant_id] = self._under_way.get(tenant_id, 0) + 1
        return tenant_id, thing

    def end(self, tenant_id: UUID, thing: K, *, cost: int) -> None:
        """A turn is over, and has cost so much."""
        left = self._under_way[tenant_id] - 1
        if left:
            self._under_way[tenant_id] = left
        else:
            del self._under_way[tenant_id]
        self._tenants.charge(tenant_id, cost)
        self._things[tenant_id].charge(thing, cost)
