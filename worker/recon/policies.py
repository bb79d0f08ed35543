"""What a target repairs by itself: which kind of finding with which action, and which waits for a person. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from worker.domain.discrepancy import DiscrepancyType, RepairAction, RepairDirection
from worker.domain.errors import InvalidRequest
from worker.recon.proposals import POSSIBLE, wishes_of_policy

_TARGET, _IDENTITY = RepairDirection.TO_TARGET, RepairDirection.TO_IDENTITY

#: The directions in which an action can go, the usual one first.
DIRECTIONS: Mapping[RepairAction, tuple[RepairDirection, ...]] = {
    RepairAction.CREATE: (_TARGET,),
    RepairAction.UPDATE: (_TARGET, _IDENTITY),
    RepairAction.DELETE: (_TARGET,),
    RepairAction.LINK: (_IDENTITY,),
    RepairAction.UNLINK: (_IDENTITY,),
    RepairAction.INACTIVATE_IDENTITY: (_IDENTITY,),
}
#: Nobody but a person says whose account it is, of several who might own it, or of nobody who is known.
_BY_PERSONS = {(DiscrepancyType.ORPHAN, RepairAction.LINK)}


_ARTICLES = {DiscrepancyType.ORPHAN: "an", DiscrepancyType.UNLINKED: "an"}


@dataclass(frozen=True, slots=True)
class Rule:
    """What happens to one kind: ``action`` by itself, or (None) it waits. ``possible`` are the choices."""

    kind: DiscrepancyType
    action: RepairAction | None
    direction: RepairDirection | None
    possible: tuple[RepairAction, ...]


def rules_of(policy: Mapping[str, str]) -> tuple[Rule, ...]:
    """What a stored policy means, one rule a kind."""
    chosen = wishes_of_policy(policy)
    made = []
    for kind in DiscrepancyType:
        action, direction = chosen.get(kind, (None, None))
        if action is not None and direction is None:
            direction = DIRECTIONS[action][0]
        made.append(Rule(kind, action, direction, automatic(kind)))
    return tuple(made)


def automatic(kind: DiscrepancyType) -> tuple[RepairAction, ...]:
    """The actions that may settle a kind without a person, in the order of their names."""
    if kind is DiscrepancyType.COLLISION:
        return ()
    return tuple(sorted(action for action in POSSIBLE[kind] if (kind, action) not in _BY_PERSONS))


def choices_of(kind: DiscrepancyType) -> tuple[str, ...]:
    """What may be written for a kind: "action", or "action:direction" where there are two."""
    return tuple(
        f"{action}:{direction}" if len(DIRECTIONS[action]) > 1 else action.value
        for action in automatic(kind)
        for direction in DIRECTIONS[action]
    )


def checked(wanted: Mapping[str, str | None]) -> dict[str, str]:
    """A policy as it is stored, of ``{kind: "action" | "action:direction" | None}``.

    Raises InvalidRequest, in words, for what cannot be.
    """
    made: dict[str, str] = {}
    for kind, text in sorted(wanted.items()):
        if kind not in set(DiscrepancyType):
            raise InvalidRequest(f"{kind!r} is no kind of finding; there is {', '.join(DiscrepancyType)}.")
        if text is not None:
            made[kind] = _checked(DiscrepancyType(kind), text)
    return made


def _checked(kind: DiscrepancyType, text: str) -> str:
    word, colon, direction = text.partition(":")
    possible = automatic(kind)
    if not possible:
        raise InvalidRequest(f"A {kind} is for a person to decide; nothing settles it by itself.")
    if word not in possible:
        raise InvalidRequest(
            f"{word!r} cannot settle {_ARTICLES.get(kind, 'a')} {kind} by itself; {', '.join(possible)} can."
        )
    directions = DIRECTIONS[RepairAction(word)]
    if colon and direction not in directions:
        raise InvalidRequest(f"{direction!r} is no direction of {word}; there is {', '.join(directions)}.")
    return f"{word}:{direction}" if colon else word
