"""One object that cannot be judged keeps no other from it: it is left out, told of, and does not count as gone.

What a connector hands over may hold what nobody foresaw: a value that cannot be compared, or that the database refuses.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime

import numpy as np
import numpy.typing as npt
import structlog

from worker.domain.account import TargetAccount
from worker.mapping import Computed
from worker.recon.context import RunContext, View
from worker.recon.examine import Examined, examine
from worker.store import runs
from worker.store.pool import BadValue, Connection
from worker.store.runs import Progress
from worker.store.tenant import undone_alone

log = structlog.get_logger()

#: What reading, comparing or storing a value may raise that comes from the value.
Odd = (TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError, BadValue)

#: Where a run's statistics keep those that were left out, how many are counted there, and how many told.
SPOILT, COUNT = "spoilt", "accounts_unjudged"
MOST_TOLD = 20

#: When more than this are looked at together and none can be judged, the fault is not theirs.
NEVER_ALL_OF = 10


def hashes_of(view: View, seen: Sequence[TargetAccount]) -> npt.NDArray[np.int64]:
    """Their content hashes; one that cannot be read has 0, and is looked at closely for that."""
    try:
        return view.hashes_of(seen)
    except Odd:
        return np.array([_hash_of(view, each) for each in seen], dtype=np.int64)


def is_protected(view: View, seen: TargetAccount) -> bool:
    """Whether it must be left alone; one of which nobody can tell is."""
    try:
        return view.protects(seen)
    except Odd:
        return True


async def examine_apart(
    conn: Connection,
    context: RunContext,
    objects: Mapping[str, TargetAccount],
    *,
    read_at: datetime,
    computed: Mapping[str, Computed],
) -> Examined:
    """``examine``, in halves where it fails, until the one is alone that it fails for."""
    try:
        async with undone_alone(conn):
            return await examine(conn, context, objects, read_at=read_at, computed=computed)
    except Odd as error:
        if len(objects) == 1:
            await _tell(conn, context, next(iter(objects)), error)
            return Examined()
    uids, whole = list(objects), Examined()
    for part in (uids[: len(uids) // 2], uids[len(uids) // 2 :]):
        some = {uid: objects[uid] for uid in part}
        _add(whole, await examine_apart(conn, context, some, read_at=read_at, computed=computed))
    return whole


async def examine_the_rest(
    conn: Connection,
    context: RunContext,
    objects: Mapping[str, TargetAccount],
    *,
    read_at: datetime,
    computed: Mapping[str, Computed],
    failure: Exception,
) -> None:
    """``examine_apart`` after ``failure``, which is raised again when it is the failure of all."""
    before = context.unjudged
    await examine_apart(conn, context, objects, read_at=read_at, computed=computed)
    if context.unjudged - before == len(objects) > NEVER_ALL_OF:
        raise failure


async def _tell(conn: Connection, context: RunContext, uid: str, error: Exception) -> None:
    """Count it and keep the first ones for people; the value itself is nobody's business."""
    context.unjudged += 1
    log.warning("reconciliation.unjudged", run_id=str(context.run.id), error=type(error).__name__)
    told = context.facts.get(SPOILT, [])
    facts = {SPOILT: [*told, {"uid": uid, "error": type(error).__name__}]} if len(told) < MOST_TOLD else {}
    context.facts |= facts
    await runs.advance(conn, context.run, Progress(tally={COUNT: 1}, facts=facts))


def _hash_of(view: View, seen: TargetAccount) -> int:
    try:
        return view.hash_of(seen)
    except Odd:
        return 0


def _add(whole: Examined, part: Examined) -> None:
    for each in fields(Examined):
        if each.name == "settled":
            whole.settled |= part.settled
        elif each.name == "unowned":
            whole.unowned |= part.unowned
        elif each.name == "busy":
            whole.busy += part.busy
        else:
            getattr(whole, each.name).extend(getattr(part, each.name))
