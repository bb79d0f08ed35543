"""A run whose target went away waits for it, looks again ever more seldom, and gives up in the end."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from worker.domain.errors import ConnectorError, LeaseLost, ListingChanged, TransientError

FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(minutes=15)
#: A target that is away for longer is nothing that passes.
GIVEN_UP_AFTER = timedelta(hours=24)

#: Where the statistics of a run keep it.
AWAY = "away"


@dataclass(frozen=True, slots=True)
class Away:
    """Since when a run waits and how often it looked again, without coming further than ``processed`` accounts."""

    since: datetime
    tries: int
    processed: int

    @classmethod
    def after(cls, statistics: Mapping[str, Any], *, processed: int, now: datetime) -> "Away":
        """What a run knows when its target is away (again): from anew when it has come further since the last time."""
        kept = statistics.get(AWAY)
        if kept is None or kept["processed"] != processed:
            return cls(now, 1, processed)
        return cls(datetime.fromisoformat(kept["since"]), kept["tries"] + 1, processed)

    def kept(self) -> dict[str, Any]:
        """As a run's statistics keep it."""
        return {AWAY: {"since": self.since.isoformat(), "tries": self.tries, "processed": self.processed}}

    def again_at(self, now: datetime, *, asked: timedelta | None = None) -> datetime | None:
        """When to look again, not before the target ``asked`` for; None: it has been away for too long."""
        if now - self.since >= GIVEN_UP_AFTER:
            return None
        wait: timedelta = min(FIRST_WAIT * 2 ** min(self.tries - 1, 10), LONGEST_WAIT)
        return now + max(wait, asked or wait)


def is_away(error: ConnectorError) -> bool:
    """Whether what a run failed of may pass while it waits."""
    return isinstance(error, TransientError) and not isinstance(error, ListingChanged | LeaseLost)
