"""Changes of one account that disagree, or one that disagrees with its target, and what is to become of them: pure.

Two changes disagree about a name when both give it a value and the values differ; ``active`` is such a name, too. Of
sealed values nobody can say whether they differ: those are in no dispute, and the later one is sent later. A delete
disagrees with nothing either: it has its turn like everything else. Of two that disagree one gives way:

| outcome | the older | the newer |
|---|---|---|
| applied | runs | runs after it |
| superseded | is cancelled | says, besides, what only the older said |
| merged | is cancelled | says what both say; of one value the newer's, of several what both add and remove |
| rejected | says, besides, what only the newer said | is cancelled |

So nothing is lost but what was in dispute. What has been sent, or may have been, cannot be changed any more: see
``settle``.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any
from uuid import UUID

from worker.domain import sealing
from worker.domain.coalesce import Change
from worker.domain.connector import Connector
from worker.domain.operation import OperationType

#: How the active flag is called among the names that two changes disagree about.
ACTIVE = "active"
#: The key of a connector's settings, or of its policy, that names the strategy.
SETTING = "conflict_strategy"


class ConflictType(StrEnum):
    CONCURRENT_UPDATE = "concurrent_update"
    STALE_DATA = "stale_data"
    MISSING_TARGET = "missing_target"
    EXTERNAL_CHANGE = "external_change"


class ConflictStrategy(StrEnum):
    LAST_WRITE_WINS = "last_write_wins"
    FIRST_WRITE_WINS = "first_write_wins"
    MERGE = "merge"
    MANUAL = "manual"


class ConflictOutcome(StrEnum):
    APPLIED = "applied"
    SUPERSEDED = "superseded"
    MERGED = "merged"
    REJECTED = "rejected"


class ConflictStatus(StrEnum):
    PENDING = "pending"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Standing:
    """An operation in a lane.

    ``is_fixed``: it runs, or may have made something, so it stays as it is. One that is no party is in no dispute, but
    what it says will be done.
    """

    id: UUID
    change: Change
    is_fixed: bool = False
    is_party: bool = True


@dataclass(frozen=True, slots=True)
class Clash:
    """Two that disagree, ``older`` by id; ``outcome`` None: a person decides."""

    older: UUID
    affected: tuple[str, ...]
    outcome: ConflictOutcome | None


@dataclass(frozen=True, slots=True)
class Settled:
    """What becomes of a lane and of the change that was to follow it.

    ``newer`` None: it is cancelled. ``changed`` are those of the lane that are not what they were; None: cancelled.
    While a person decides all is as it was, and the newer one and those it disagrees with wait.
    """

    newer: Change | None
    changed: Mapping[UUID, Change | None]
    clashes: tuple[Clash, ...] = ()

    @property
    def waits(self) -> bool:
        """Whether a person has to decide."""
        return any(clash.outcome is None for clash in self.clashes)


def strategy_of(connector: Connector) -> ConflictStrategy:
    """How conflicts at a target are settled: as its settings say, or its policy; else the last write wins."""
    said = connector.settings.get(SETTING) or connector.policy.get(SETTING)
    return next((each for each in ConflictStrategy if each == said), ConflictStrategy.LAST_WRITE_WINS)


def disputed(older: Change, newer: Change) -> tuple[str, ...]:
    """The names that both give other values, in order."""
    if OperationType.DELETE in {older[0], newer[0]}:
        return ()
    was, wanted = _attributes(older), _attributes(newer)
    found = {name for name in was.keys() & wanted.keys() if not same(was[name], wanted[name])}
    flags = (older[1].get(ACTIVE), newer[1].get(ACTIVE))
    if None not in flags and flags[0] != flags[1]:
        found.add(ACTIVE)
    return tuple(sorted(found))


def settle(
    lane: Sequence[Standing], newer: Change, *, strategy: ConflictStrategy, base: Mapping[str, Any] | None = None
) -> Settled:
    """Settle a new change with what stands in its lane, the oldest first.

    ``base`` is what the account has as far as we know: several values of one name are merged against it. What is fixed
    goes first in any case: last write wins then means the usual order, merge keeps what the fixed one adds, and first
    write wins leaves of the newer one what is in no dispute.
    """
    lane = _since_delete(lane)
    quarrels = {each.id: names for each in lane if each.is_party and (names := disputed(each.change, newer))}
    if not quarrels or strategy is ConflictStrategy.MANUAL:
        return Settled(newer, {}, tuple(Clash(id_, names, None) for id_, names in quarrels.items()))
    if strategy is ConflictStrategy.FIRST_WRITE_WINS:
        return _first_wins(lane, newer, quarrels)
    return _last_wins(lane, newer, quarrels, is_merge=strategy is ConflictStrategy.MERGE, base=base or {})


def decided(
    outcome: ConflictOutcome, older: Change, newer: Change, *, base: Mapping[str, Any] | None = None
) -> tuple[Change | None, Change | None]:
    """What an outcome makes of two changes that wait; None: cancelled."""
    match outcome:
        case ConflictOutcome.APPLIED:
            return older, newer
        case ConflictOutcome.SUPERSEDED:
            return None, _with_rest(newer, older)
        case ConflictOutcome.MERGED:
            return None, merged(older, newer, base=base or {})
    return _with_rest(older, newer), None  # rejected


def merged(older: Change, newer: Change, *, base: Mapping[str, Any]) -> Change:
    """Both changes as one: of one value the newer's, of several what either adds to the base or removes from it."""
    return _with_rest(_combined(older, newer, base=base), older)


def same(one: Any, other: Any) -> bool:
    """Whether two values of a name are the same; several values have no order, and none is an empty list."""
    if isinstance(one, list) or isinstance(other, list):
        return {_key(value) for value in _list(one)} == {_key(value) for value in _list(other)}
    return _key(one) == _key(other)


def _since_delete(lane: Sequence[Standing]) -> Sequence[Standing]:
    """What comes after the last delete of the lane: what is before it will be gone by then."""
    ends = [at for at, each in enumerate(lane, start=1) if each.change[0] is OperationType.DELETE]
    return lane[ends[-1] :] if ends else lane


def _first_wins(lane: Sequence[Standing], newer: Change, quarrels: Mapping[UUID, tuple[str, ...]]) -> Settled:
    rest = _without(newer, {name for names in quarrels.values() for name in names})
    last = next(each for each in reversed(lane) if each.id in quarrels)
    clashes = tuple(Clash(id_, names, ConflictOutcome.REJECTED) for id_, names in quarrels.items())
    if _is_empty(rest):
        return Settled(None, {}, clashes)
    if last.is_fixed:
        kept = tuple(replace(clash, outcome=ConflictOutcome.MERGED) for clash in clashes)
        return Settled(rest, {}, kept)
    return Settled(None, {last.id: _with_rest(last.change, rest)}, clashes)


def _last_wins(
    lane: Sequence[Standing],
    newer: Change,
    quarrels: Mapping[UUID, tuple[str, ...]],
    *,
    is_merge: bool,
    base: Mapping[str, Any],
) -> Settled:
    """From the end of the lane on: what only an older one says is taken over unless one between says it, too."""
    changed: dict[UUID, Change | None] = {}
    clashes: list[Clash] = []
    said_later: set[str] = set()
    for each in reversed(lane):
        older = _without(each.change, said_later - set(_names(newer)))
        outcome = None
        if each.id not in quarrels:
            said_later |= _names(each.change)
        elif each.is_fixed:
            combined = _combined(older, newer, base=base) if is_merge else newer
            outcome = ConflictOutcome.APPLIED if combined == newer else ConflictOutcome.MERGED
            newer = combined
            said_later |= _names(each.change)
        else:
            newer = merged(older, newer, base=base) if is_merge else _with_rest(newer, older)
            outcome = ConflictOutcome.MERGED if is_merge else ConflictOutcome.SUPERSEDED
            changed[each.id] = None
        if outcome is not None:
            clashes.append(Clash(each.id, quarrels[each.id], outcome))
    return Settled(newer, changed, tuple(reversed(clashes)))


def _combined(older: Change, newer: Change, *, base: Mapping[str, Any]) -> Change:
    """The newer one, with what the older adds to or removes from names of several values."""
    attributes = _attributes(newer)
    for name in disputed(older, newer):
        values = _attributes(older).get(name), _attributes(newer).get(name)
        if any(isinstance(value, list) for value in values):
            attributes[name] = _merged_values(_list(base.get(name)), _list(values[0]), _list(values[1]))
    return newer[0], {**newer[1], "attributes": attributes}


def _with_rest(winner: Change, loser: Change) -> Change:
    """The winner, and what only the loser says."""
    hidden = sealing.names_of(winner[1])
    known = {name: value for name, value in _attributes(loser).items() if name not in hidden}
    attributes = {**known, **_attributes(winner)}
    is_create = OperationType.CREATE in {winner[0], loser[0]}
    if is_create:  # there is nothing yet that a null could clear
        attributes = {name: value for name, value in attributes.items() if value is not None}
    kind = OperationType.CREATE if is_create else winner[0]
    return kind, {**loser[1], **winner[1], "attributes": attributes, **sealing.both(loser[1], winner[1])}


def _without(change: Change, names: AbstractSet[str]) -> Change:
    kept = {name: value for name, value in _attributes(change).items() if name not in names}
    others = {name: value for name, value in sealing.without(change[1], set(names)).items() if name not in names}
    return change[0], {**others, "attributes": kept}


def _is_empty(change: Change) -> bool:
    return not _attributes(change) and change[1].get(ACTIVE) is None and not sealing.names_of(change[1])


def _names(change: Change) -> set[str]:
    active = {ACTIVE} if change[1].get(ACTIVE) is not None else set()
    return set(_attributes(change)) | active | sealing.names_of(change[1])


def _attributes(change: Change) -> dict[str, Any]:
    return dict(change[1].get("attributes") or {})


def _merged_values(base: list[Any], older: list[Any], newer: list[Any]) -> list[Any] | None:
    """The base with what either adds and without what either removes; None when nothing is left."""
    known = {_key(value) for value in base}
    kept = {_key(value) for value in older} & {_key(value) for value in newer}
    values = {_key(value): value for value in (*base, *older, *newer)}
    return [value for key, value in values.items() if key in kept or key not in known] or None


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _key(value: Any) -> tuple[bool, Any]:
    """True and 1 are different values."""
    return isinstance(value, bool), value
