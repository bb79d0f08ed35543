"""What an after-hook wants to follow, as far as its shape goes. Pure."""

from collections.abc import Iterator
from typing import Any

from worker.domain.hook import FollowUp, FollowUpType

#: So many may follow from one call.
MOST = 5
MAX_AFTER_S = 7 * 24 * 3600
_KEYS = frozenset({"type", "resource", "attributes", "after_seconds"})
_MAX_NAME = 256
_TYPES = "update, enable or disable"


def follow_ups_of(said: Any) -> tuple[FollowUp, ...]:
    """The follow-ups of an answer. Raises ValueError with a sentence for the author."""
    if not isinstance(said, list) or not all(isinstance(each, dict) for each in said):
        raise ValueError('follow_up is a list of dicts, such as [{"type": "disable"}]')
    if len(said) > MOST:
        raise ValueError(f"follow_up has {len(said)} entries; at most {MOST} changes may follow from one call")
    return tuple(_follow_up(f"follow_up[{at}]", each) for at, each in enumerate(said))


def _follow_up(where: str, said: dict[str, Any]) -> FollowUp:
    if strange := said.keys() - _KEYS:
        raise ValueError(f"{where} has the key {min(strange)[:60]!r}; it has type, resource, attributes, after_seconds")
    kind, resource = said.get("type"), said.get("resource")
    if not isinstance(kind, str) or kind not in set(FollowUpType):
        raise ValueError(f"{where} has no type that is known: it is {_TYPES}")
    if resource is not None and (not isinstance(resource, str) or not resource.strip() or len(resource) > _MAX_NAME):
        raise ValueError(f"{where}: resource is the name or the id of a connector; leave it out for this one")
    return FollowUp(
        FollowUpType(kind),
        (resource or "").strip(),
        _attributes(where, FollowUpType(kind), said.get("attributes")),
        _after(where, said.get("after_seconds", 0)),
    )


def _attributes(where: str, kind: FollowUpType, said: Any) -> dict[str, Any]:
    if kind is not FollowUpType.UPDATE:
        if said:
            raise ValueError(f"{where}: only an update has attributes; let an update go before it")
        return {}
    if not isinstance(said, dict) or not said:
        raise ValueError(f"{where}: an update has attributes, a dict of names and values")
    for name, value in said.items():
        if not name.strip() or len(name) > _MAX_NAME:
            raise ValueError(f"{where}: {name[:60]!r} is no name of an attribute")
        if problem := next(_problems(value), None):
            raise ValueError(f"{where}: {name[:60]!r} {problem}")
    return said


def _problems(value: Any) -> Iterator[str]:
    for one in value if isinstance(value, list) else [value]:
        if one is None:
            yield "is None, and a follow-up clears nothing; a mapping or a before-hook can"
        elif not isinstance(one, str | int | float):
            yield "is neither a value nor a list of values"


def _after(where: str, said: Any) -> int:
    if isinstance(said, bool) or not isinstance(said, int) or not 0 <= said <= MAX_AFTER_S:
        raise ValueError(f"{where}: after_seconds is a whole number from 0 to {MAX_AFTER_S}, which is seven days")
    return said
