"""How a try ended, in the terms of its account: what the target has now, and whether that is all it should have."""

from dataclasses import dataclass
from typing import Any

from worker.domain.account import TargetAccount
from worker.domain.outcome import Outcome, Succeeded
from worker.domain.processing import Finished
from worker.execution.wish import Wish
from worker.execution.work import Work
from worker.mapping import account_hash


@dataclass(frozen=True, slots=True)
class Done:
    """The target is as wished. ``attributes`` and ``active`` are what the account has now, as far as we know.

    ``sent`` is what was changed, as records may show it; ``wish`` what was wished for in the end, where that is not
    what the try began with.
    """

    uid: str | None
    attributes: dict[str, Any] | None = None
    active: bool | None = None
    already_so: bool = False
    is_gone: bool = False
    match: dict[str, Any] | None = None
    sent: dict[str, Any] | None = None
    wish: Wish | None = None


def is_so(work: Work, found: TargetAccount, attributes: dict[str, Any], active: bool | None) -> bool:
    """Whether an account surely has what was sent; what is not read back may not have arrived."""
    if not attributes.keys() <= {rule.name for rule in work.comparator.rules}:
        return False
    differing = work.comparator.differences({**found.attributes, **attributes}, actual=found.attributes)
    return not differing and (active is None or found.active is None or found.active == active)


def succeeded(work: Work, wish: Wish, done: Done) -> Succeeded:
    """The outcome of a try that ended well."""
    return Succeeded(
        uid=done.uid,
        warnings=wish.warnings,
        already_so=done.already_so,
        observed=None if done.is_gone else _known(work, done),
        observed_active=done.active,
        match=done.match,
        account_gone=done.is_gone,
        sent=done.sent,
        tags=wish.tags,
        follow_ups=wish.follow_ups,
    )


def _known(work: Work, done: Done) -> dict[str, Any] | None:
    """What we now believe the account has: the attributes we manage or watch that have a value."""
    if done.attributes is None:
        return None
    known = work.comparator.names
    return {name: value for name, value in done.attributes.items() if name in known and value is not None}


def finished_of(work: Work, wish: Wish | None, outcome: Outcome, took: int) -> Finished:
    """What is to be written down of a try that took so many milliseconds."""
    connector = work.target.connector.name
    if wish is None or not isinstance(outcome, Succeeded) or outcome.skipped or outcome.observed is None:
        return Finished(work.op, outcome, took, connector=connector)
    active = outcome.observed_active if outcome.observed_active is not None else work.account.observed_active
    observed_hash = account_hash(work.comparator, outcome.observed, active=active)
    hooked = _storable(work, wish.hooked)
    if hooked is not None and outcome.match is not None and work.naming in outcome.observed:
        hooked = {**hooked, work.naming: outcome.observed[work.naming]}
    agrees = _agrees(work, outcome.observed, hooked if hooked is not None else work.account.hooked, active)
    return Finished(
        work.op, outcome, took, observed_hash=observed_hash, hooked=hooked, agrees=agrees, connector=connector
    )


def _storable(work: Work, hooked: dict[str, Any] | None) -> dict[str, Any] | None:
    """What hooks set, without secrets: those are told apart by their fingerprints alone."""
    if hooked is None:
        return None
    return {name: value for name, value in hooked.items() if not work.is_secret(name)}


def _agrees(work: Work, observed: dict[str, Any], hooked: dict[str, Any] | None, active: bool | None) -> bool:
    """Whether the account is all that is expected of it now."""
    expected = {**(work.account.wanted or {}), **(hooked or {})}
    wanted_active = work.account.wanted_active
    is_active_as_wanted = wanted_active is None or (active is not False) == wanted_active
    return is_active_as_wanted and not work.comparator.differences(expected, actual=observed)
