"""Which scripts have killed too many children lately and may not run until a person says so."""

from collections import deque

WINDOW_S = 60.0
#: Five kills within a minute suspend; so do fifty calls that ran into their deadline, which cost a tenth as much.
KILL = 10
DEADLINE = 1
LIMIT = 50


class Strikes:
    """Counts by key (the SHA of a script); time comes in as seconds of a steady clock."""

    def __init__(self) -> None:
        self._recent: dict[str, deque[tuple[float, int]]] = {}
        self._suspended: set[str] = set()

    @property
    def suspended(self) -> frozenset[str]:
        """Keys that may not run."""
        return frozenset(self._suspended)

    def is_suspended(self, key: str) -> bool:
        """Whether ``key`` may not run."""
        return key in self._suspended

    def add(self, key: str, weight: int, *, now: float) -> bool:
        """Count a misdeed; true when this one suspends the key."""
        self._forget(now)
        recent = self._recent.setdefault(key, deque())
        recent.append((now, weight))
        if sum(cost for _, cost in recent) < LIMIT or key in self._suspended:
            return False
        self._suspended.add(key)
        return True

    def lift(self, key: str) -> bool:
        """Let ``key`` run again with a clean record; false when it was not suspended."""
        self._recent.pop(key, None)
        was_suspended = key in self._suspended
        self._suspended.discard(key)
        return was_suspended

    def _forget(self, now: float) -> None:
        for key, recent in list(self._recent.items()):
            while recent and recent[0][0] <= now - WINDOW_S:
                recent.popleft()
            if not recent:
                del self._recent[key]
