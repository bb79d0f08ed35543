"""Two planned changes of one account, neither of them started, become one.

The older change was never sent, so only where the account ends matters. The algebra, by what each one is:

| older  | newer create            | newer update           | newer delete |
|--------|-------------------------|------------------------|--------------|
| create | the newer create        | create of both         | nothing      |
| update | the newer create        | update of both         | delete       |
| delete | update to all of newer  | update of newer        | delete       |

A create says all that the account should have, so a newer create replaces what was planned before. A create that was
never sent and then undone leaves nothing to do. A delete that was never sent and then taken back leaves an account
that only has to be brought to what is wanted now, so nobody loses it for a moment.
"""

from typing import Any, TypeAlias

from worker.domain import sealing
from worker.domain.operation import OperationType

#: What an operation does, and its payload ``{"attributes": {name: value | null}, "active"?: bool}``, perhaps with what
#: is sealed of it (``worker.domain.sealing``).
Change: TypeAlias = tuple[OperationType, dict[str, Any]]


def merge(older: Change, newer: Change) -> Change | None:
    """The one change that has the effect of both in order, or None when together they change nothing.

    Per attribute the newer value wins, null and sealed ones included; ``active`` is the newer one's, or the older one's
    where the newer is silent. Neither argument is changed.
    """
    was, before = older
    now, after = newer
    if now is OperationType.DELETE:
        return None if was is OperationType.CREATE else newer
    if was is OperationType.DELETE:
        return OperationType.UPDATE, after
    if now is OperationType.CREATE:
        return newer
    return was, _both(before, after, is_create=was is OperationType.CREATE)


def _both(before: dict[str, Any], after: dict[str, Any], *, is_create: bool) -> dict[str, Any]:
    hidden = sealing.names_of(after)
    known = {name: value for name, value in (before.get("attributes") or {}).items() if name not in hidden}
    attributes = {**known, **(after.get("attributes") or {})}
    if is_create:  # there is nothing yet that a null could clear
        attributes = {name: value for name, value in attributes.items() if value is not None}
    return {**before, **after, "attributes": attributes, **sealing.both(before, after)}
