"""What a finding means and what can be done about it, in words for a person. Pure.

Sentences name people and accounts, and attributes without their values: those are shown beside the sentence.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from worker.domain.connector import DeprovisionPolicy
from worker.domain.correlation import CorrelationMatch, CorrelationResult
from worker.domain.discrepancy import RepairAction, RepairDirection, Suggestion

#: The name under which the active flag of an account appears beside its attributes.
ACTIVE = "active"

_NAMED_ATTRIBUTES = 3
_NAMED_CANDIDATES = 3
#: Candidates less likely than this are shown in the case, not offered as a repair.
_OFFERED_FROM = 0.05
#: From here on a tenth of a percent would round to all.
_NEARLY = 0.9995

_TARGET, _IDENTITY = RepairDirection.TO_TARGET, RepairDirection.TO_IDENTITY


def missing_words(who: str, connector: str) -> str:
    return f"{who} should have an account at {connector} and has none."


def missing_repairs(identity_id: UUID, who: str) -> tuple[Suggestion, ...]:
    return (
        Suggestion(
            RepairAction.CREATE, _TARGET, f"{who} is active and in the scope of the target.", identity_id=identity_id
        ),
        Suggestion(
            RepairAction.INACTIVATE_IDENTITY,
            _IDENTITY,
            f"If {who} should have no account because the person has left.",
            identity_id=identity_id,
        ),
    )


def deleted_words(who: str, uid: str, connector: str, *, was_read: bool) -> str:
    how = "a separate look for it found nothing" if was_read else "the complete list does not show it"
    return f"The account {uid} of {who} is gone from {connector}: {how}."


def deleted_repairs(identity_id: UUID, who: str, *, is_wanted: bool) -> tuple[Suggestion, ...]:
    create = Suggestion(
        RepairAction.CREATE, _TARGET, f"{who} should still have an account; it is made anew.", identity_id=identity_id
    )
    unlink = Suggestion(
        RepairAction.UNLINK,
        _IDENTITY,
        "If it was removed on purpose: our record of the account is forgotten.",
        identity_id=identity_id,
    )
    inactivate = Suggestion(
        RepairAction.INACTIVATE_IDENTITY,
        _IDENTITY,
        f"If it was removed because {who} has left.",
        identity_id=identity_id,
    )
    return (create, unlink, inactivate) if is_wanted else (unlink,)


def mismatch_words(who: str, uid: str, connector: str, attributes: Mapping[str, Any]) -> str:
    if list(attributes) == [ACTIVE]:
        state = "active and should not be" if attributes[ACTIVE]["actual"] else "not active and should be"
        return f"The account {uid} of {who} at {connector} is {state}."
    names = sorted(attributes)
    listed = ", ".join(names[:_NAMED_ATTRIBUTES])
    more = f" and {len(names) - _NAMED_ATTRIBUTES} more" if len(names) > _NAMED_ATTRIBUTES else ""
    verb = "is" if len(names) == 1 else "are"
    return f"{listed}{more} of the account {uid} of {who} at {connector} {verb} not as wanted."


def mismatch_repairs(
    identity_id: UUID | None, *, attributes: Mapping[str, Any], inbound: frozenset[str], is_unwanted: bool
) -> tuple[Suggestion, ...]:
    """``inbound`` are the attributes that the mapping lets flow back; ``is_unwanted``: the account should not exist."""
    if is_unwanted:
        return (
            Suggestion(RepairAction.DELETE, _TARGET, "The account should have been removed.", identity_id=identity_id),
        )
    found = [
        Suggestion(
            RepairAction.UPDATE,
            _TARGET,
            "The identity decides: the account gets the wanted values.",
            identity_id=identity_id,
        )
    ]
    if attributes and inbound.issuperset(attributes):
        found.append(
            Suggestion(
                RepairAction.UPDATE,
                _IDENTITY,
                "The mapping allows these values to flow back to the identity.",
                identity_id=identity_id,
            )
        )
    return tuple(found)


def orphan_words(uid: str, connector: str, reason: str) -> str:
    return f"The account {uid} at {connector} belongs to nobody we know: {reason}."


def orphan_repairs(policy: DeprovisionPolicy) -> tuple[Suggestion, ...]:
    link = Suggestion(RepairAction.LINK, _IDENTITY, "If it is somebody's: choose whose it is.")
    delete = Suggestion(RepairAction.DELETE, _TARGET, "If nobody needs it: an account without an owner is a risk.")
    return (delete, link) if policy is DeprovisionPolicy.DELETE else (link, delete)


def unlinked_words(match: CorrelationMatch, uid: str, connector: str, reason: str) -> str:
    return f"The account {uid} at {connector} belongs to {match.name} ({reason}), and no link is recorded."


def unlinked_repairs(match: CorrelationMatch) -> tuple[Suggestion, ...]:
    return (link_to(match),)


def collision_words(result: CorrelationResult, uid: str, connector: str) -> str:
    names = [match.name or str(match.ref_id) for match in result.candidates]
    listed = ", ".join(names[:_NAMED_CANDIDATES])
    more = f" and {len(names) - _NAMED_CANDIDATES} more" if len(names) > _NAMED_CANDIDATES else ""
    return f"The account {uid} at {connector} may belong to {listed}{more}; a person must decide: {result.reason}."


def collision_repairs(candidates: Sequence[CorrelationMatch]) -> tuple[Suggestion, ...]:
    return tuple(link_to(match) for match in candidates if match.confidence >= _OFFERED_FROM)


def link_to(match: CorrelationMatch) -> Suggestion:
    """Offer to record an owner, with all that speaks for it."""
    return Suggestion(
        RepairAction.LINK,
        _IDENTITY,
        f"{match.name or match.ref_id} with {_sure(match.confidence)} confidence.",
        identity_id=match.ref_id,
        match=match.to_json(),
    )


def _sure(confidence: float) -> str:
    """Never rounded up to what nobody doubts: a person is asked because somebody does."""
    return "over 99.9%" if _NEARLY <= confidence < 1 else f"{confidence:.1%}"
