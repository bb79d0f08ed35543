"""Which accounts of a target are never changed by us: one reading of its protected filter, for everybody who asks."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from worker.domain import filters
from worker.domain.account import Account, TargetAccount

#: Whether an account with this uid, these attributes and this active flag is protected.
Protects = Callable[[TargetAccount], bool]

#: The filter language reads these SCIM names as the ones on the right.
_FILTER_NAMES = {"userName": "user_name", "externalId": "external_id"}


@lru_cache(maxsize=1024)
def protection(text: str | None) -> Protects | None:
    """The filter as a test, None when nobody is protected; raises InvalidFilter.

    Names are the target's, and its SCIM names are known as the filter language calls them. ``uid`` is the target's
    attribute where it has one (as directories do), else the account's uid; ``active`` is the account's active flag.
    """
    if not text:
        return None
    test = filters.compiled(filters.parse(text))
    return lambda account: test(_read(account))


def touches_protected(protects: Protects, account: Account | None, attributes: Mapping[str, Any]) -> bool:
    """Whether a change of these attributes touches a protected account, as it is or as the change would make it.

    ``account`` is our record: what was last observed there, or what it should be when nobody has looked yet. None: the
    account is still to be made.
    """
    if account is None:
        return protects(TargetAccount("", dict(attributes)))
    known = account.expected if account.observed is None else account.observed
    seen = TargetAccount(account.uid or "", known, account.observed_active)
    changed = TargetAccount(seen.uid, {**known, **attributes}, seen.active)
    return protects(seen) or protects(changed)


def _read(account: TargetAccount) -> dict[str, Any]:
    values = account.attributes
    renamed = {ours: values[theirs] for theirs, ours in _FILTER_NAMES.items() if theirs in values}
    return {"uid": account.uid, **renamed, **values, "active": account.active}
