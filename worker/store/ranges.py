"""Where a claim looks: stretches of what is ready, in the order in which it is claimed."""

from datetime import datetime, timedelta
from typing import NamedTuple, Self
from uuid import UUID

from worker.domain.operation import EPOCH


class Range(NamedTuple):
    """A stretch of what is ready, in the order of claims (urgency, ready_at, id): behind ``start``, up to an urgency.

    Urgency is the priority with its sign turned, so that the smallest comes first.
    """

    urgency: int
    ready_at: datetime
    id: UUID
    up_to: int

    @property
    def start(self) -> tuple[int, datetime, UUID]:
        """What the stretch lies behind."""
        return self.urgency, self.ready_at, self.id

    def moved_back(self, by: timedelta) -> Self:
        """The same with an earlier start."""
        return self._replace(ready_at=self.ready_at - by, id=_NOBODY)

    def up_to_urgency(self, urgency: int) -> Self:
        """The same with another end."""
        return self._replace(up_to=urgency)


_NOBODY = UUID(int=0)
#: The smallest and the greatest value of the column.
_FIRST_URGENCY, LAST_URGENCY = -32_768, 32_767
#: All that is ready.
FRONT = Range(_FIRST_URGENCY, EPOCH, _NOBODY, LAST_URGENCY)
