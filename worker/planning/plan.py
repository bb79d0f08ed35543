"""What is to be done about one identity at one target: pure.

What an account should be (``wanted``) are the mapped attributes that hold on update, without those that have no value.
Attributes of create alone (an initial value) are sent once and never compared. A disabled account keeps its ``wanted``,
so that coming back sends what changed meanwhile; one whose removal was planned has none.

Secrets are in none of this: they are handed over beside it (``Hidden``), and sealed by whoever makes the operation.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from worker.domain.account import Account, AccountState
from worker.domain.comparison import AttributeRule, Comparator, Comparison
from worker.domain.connector import Connector, DeprovisionPolicy
from worker.domain.identity import Identity
from worker.domain.mapping import Direction, MappingVersion
from worker.domain.operation import OperationType


class Wish(Protocol):
    """What a mapping made of an identity, as ``worker.mapping.Mapped`` gives it; None means no value."""

    @property
    def attributes(self) -> dict[str, Any]: ...
    @property
    def on_create(self) -> dict[str, Any]: ...
    def for_create(self) -> dict[str, Any]: ...
    def for_update(self) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Hidden:
    """The values of secret attributes: all of a new account, and those that an existing one was not given yet."""

    of_new: dict[str, Any] = field(default_factory=dict, repr=False)
    not_given: dict[str, Any] = field(default_factory=dict, repr=False)


NOTHING = Hidden()


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """What to note as wanted and, unless ``kind`` is None, the operation that brings it about.

    ``secrets`` are values for the operation alone: they must be sealed before they are written anywhere.
    """

    kind: OperationType | None
    payload: dict[str, Any]
    wanted: dict[str, Any] | None
    wanted_active: bool | None
    secrets: dict[str, Any] = field(default_factory=dict, repr=False)


def comparator_of(mapping: MappingVersion) -> Comparator:
    """How planning compares what was wanted with what is wanted now: by the rules that apply on update."""
    rules = {
        rule.target: AttributeRule(
            rule.target,
            multi_valued=rule.multi_valued,
            comparison=Comparison.EXACT if rule.case_sensitive else Comparison.IGNORE_CASE,
        )
        for rule in mapping.rules
        if rule.direction is not Direction.INBOUND and "update" in rule.on and not rule.secret
    }
    return Comparator(rules.values())


def decide(
    identity: Identity,
    *,
    account: Account | None,
    mapped: Wish | None,
    connector: Connector,
    in_scope: bool,
    comparator: Comparator,
    hidden: Hidden = NOTHING,
    unheard: Collection[str] = (),
) -> PlannedChange | None:
    """The change that brings the account to what it should be, or None when nothing is to be done or noted.

    ``identity.active`` says whether the person may have active accounts at all. ``mapped`` None means that there is
    nothing to wish for (no mapping, or it failed); then only a removal can be planned. Of an account that was never
    planned, what is ``unheard`` is left as it is, and not wanted otherwise either: its target has the first word.
    """
    if not (identity.active and in_scope):
        return _removal(account, connector.deprovision)
    if mapped is None:
        return None
    if account is None or _is_to_be_made(account):
        return _creation(mapped, hidden)
    return _update(account, mapped, comparator, hidden, unheard=unheard if account.wanted is None else ())


def _is_to_be_made(account: Account) -> bool:
    """Whether nothing is there and nothing is on its way, or its removal is."""
    is_removed = account.wanted is None and account.wanted_active is False
    is_absent = account.uid is None or account.state is AccountState.DEAD
    return is_removed or (is_absent and account.live == 0)


def _creation(mapped: Wish, hidden: Hidden) -> PlannedChange:
    wanted = _valued(mapped.attributes)
    payload = {"attributes": mapped.for_create() if mapped.on_create else wanted, "active": True}
    return PlannedChange(OperationType.CREATE, payload, wanted, wanted_active=True, secrets=hidden.of_new)


def _update(
    account: Account, mapped: Wish, comparator: Comparator, hidden: Hidden, *, unheard: Collection[str]
) -> PlannedChange | None:
    wish = mapped.for_update()
    wanted = {name: value for name, value in _valued(wish).items() if name not in unheard}
    secrets = hidden.not_given
    if account.wanted_active is True and account.wanted == wanted and not secrets:
        return None
    before = account.wanted if account.wanted is not None else account.observed or {}
    differing = comparator.differences(wish, actual=before)
    changed = {name: _sent(wish.get(name)) for name in differing if name not in unheard}
    payload: dict[str, Any] = {"attributes": changed}
    if _must_be_enabled(account):
        payload["active"] = True
    elif not (changed or secrets) and account.wanted is not None and account.wanted_active is True:
        return None
    kind = OperationType.UPDATE if changed or secrets or "active" in payload else None
    return PlannedChange(kind, payload, wanted, wanted_active=True, secrets=secrets)


def _must_be_enabled(account: Account) -> bool:
    return account.wanted_active is False or (account.wanted_active is None and account.observed_active is False)


def _removal(account: Account | None, policy: DeprovisionPolicy) -> PlannedChange | None:
    if account is None or policy is DeprovisionPolicy.NONE or account.wanted_active is False:
        return None
    if account.live == 0 and (account.uid is None or account.state is AccountState.DEAD):
        return None
    if policy is DeprovisionPolicy.DELETE:
        return PlannedChange(OperationType.DELETE, {"attributes": {}}, wanted=None, wanted_active=False)
    is_so = account.wanted_active is None and account.observed_active is False
    return PlannedChange(
        None if is_so else OperationType.UPDATE,
        {"attributes": {}, "active": False},
        wanted=account.wanted if account.wanted is not None else account.observed or {},
        wanted_active=False,
    )


def _valued(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if value is not None}


def _sent(value: Any) -> Any:
    """No value in any of its shapes is sent as null, which clears."""
    return None if value in ("", []) else value
