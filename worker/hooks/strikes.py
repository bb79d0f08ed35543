"""Which programs have killed too many children lately and may not run for a while."""

from collections import deque

WINDOW_S = 60.0
#: Five kills within a minute suspend; so do fifty calls that ran into their deadline, which cost a tenth as much.
KILL = 10
DEADLINE = 1
LIMIT = 50
#: So long a program rests; a hook that is stored rests until a person resumes it, see ``HookExecutor.suspensions``.
REST_S = 600.0
#: So long a program rests here after its suspension was stored: longer than what was read before is trusted.
SETTLE_S = 10.0


class Strikes:
    """Counts by key (the conduct of a script or mapping); time comes in as seconds of a steady clock."""

    def __init__(self) -> None:
        self._recent: dict[str, deque[tuple[float, int]]] = {}
        self._until: dict[str, float] = {}

    def suspended(self, *, now: float) -> frozenset[str]:
        """Keys that may not run."""
        return frozenset(key for key in list(self._until) if self.is_suspended(key, now=now))

    def is_suspended(self, key: str, *, now: float) -> bool:
        """Whether ``key`` may not run."""
        until = self._until.get(key)
        if until is not None and now >= until:
            del self._until[key]
            return False
        return until is not None

    def add(self, key: str, weight: int, *, now: float) -> bool:
        """Count a misdeed; true when this one suspends the key."""
        self._forget(now)
        recent = self._recent.setdefault(key, deque())
        recent.append((now, weight))
        if sum(cost for _, cost in recent) < LIMIT or self.is_suspended(key, now=now):
            return False
        del self._recent[key]
        self._until[key] = now + REST_S
        return True

    def settle(self, key: str, *, now: float) -> None:
        """End the rest of ``key`` soon: others know of it."""
        if key in self._until:
            self._until[key] = min(self._until[key], now + SETTLE_S)

    def lift(self, key: str) -> bool:
        """Let ``key`` run again with a clean record; false when it was not suspended."""
        self._recent.pop(key, None)
        return self._until.pop(key, None) is not None

    def _forget(self, now: float) -> None:
        for key, recent in list(self._recent.items()):
            while recent and recent[0][0] <= now - WINDOW_S:
                recent.popleft()
            if not recent:
                del self._recent[key]
