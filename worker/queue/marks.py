"""How far claims of one target have come, so that each goes on where the one before it stopped.

What was claimed leaves a dead entry in the index until vacuum may remove it, and as long as somebody holds an old
transaction open it may not: a claim that began at the front every time would pass all of them again, and grow slower
with each operation done. So there is a mark for each urgency, and only now and then a look from the front: that finds
what appeared behind a mark, from a transaction that committed late or that gave back what it had locked.
"""

from collections.abc import Iterable
from datetime import timedelta

from worker.domain.operation import Operation
from worker.store.ranges import FRONT, LAST_URGENCY, Range

#: Between two looks behind the marks.
BACK_EVERY_S = 1.0
#: How far behind: longer than a transaction that adds operations takes.
BACK_BY = timedelta(seconds=2)
#: A look from the front may take this part of the time, however much there is to pass.
FRONT_SHARE = 0.02
#: More urgencies than this are not told apart: the least urgent are looked for from the front of theirs.
MOST = 8


class Marks:
    """One target's marks in one process. ``now`` is the process' monotonic clock, in seconds."""

    def __init__(self) -> None:
        self._marks: dict[int, Range] = {}
        self._back_at = 0.0
        self._front_at = 0.0

    def is_front_due(self, now: float) -> bool:
        """Whether to begin at the front: only that proves that nothing is left."""
        return now >= self._front_at

    def looked_from_front(self, now: float, *, took_s: float) -> None:
        """Note a look from the front and what it cost."""
        self._front_at = now + max(BACK_EVERY_S, took_s / FRONT_SHARE)
        self._back_at = now + BACK_EVERY_S

    def ranges(self, now: float) -> list[Range]:
        """Where to look, the most urgent first: from the front, from a little behind the marks, or from the marks."""
        if self.is_front_due(now):
            return [FRONT]
        marks = self._marks
        if now >= self._back_at:
            self._back_at = now + BACK_EVERY_S
            marks = {urgency: mark.moved_back(BACK_BY) for urgency, mark in marks.items()}
        return _between(marks)

    def went_by(self, claimed: Iterable[Operation]) -> None:
        """Note what was claimed without a look. The next look begins behind the marks, for who came in the meantime."""
        self.passed(claimed, is_all=True)
        self._back_at = 0.0

    def passed(self, claimed: Iterable[Operation], *, is_all: bool) -> None:
        """Note what a claim brought; ``is_all``: it found all that its ranges held, and stopped nowhere before.

        What was tried before says nothing: it may have come another way, from before the marks.
        """
        last: dict[int, Range] = {}
        for op in claimed:
            if op.retry_count or op.crashed_leases:
                continue
            here = Range(-op.priority, op.ready_at, op.id, LAST_URGENCY)
            if -op.priority not in last or here.start > last[-op.priority].start:
                last[-op.priority] = here
        stopped_at = None if is_all or not last else max(last)
        for urgency, mark in last.items():
            known = self._marks.get(urgency)
            if known is None or urgency == stopped_at or mark.start > known.start:
                self._marks[urgency] = mark
        for urgency in sorted(self._marks)[MOST:]:
            del self._marks[urgency]


def _between(marks: dict[int, Range]) -> list[Range]:
    """Each mark's range ends where the next urgency begins; what has no mark lies between them."""
    found: list[Range] = []
    start = FRONT
    for urgency in sorted(marks):
        if start.urgency < urgency:
            found.append(start.up_to_urgency(urgency - 1))
        start = marks[urgency]
    return [*found, start.up_to_urgency(LAST_URGENCY)]
