"""What an event, or a row of a source, makes of an identity: pure.

Who said an attribute first is its authority; nobody else overwrites it, and whoever clears it gives it up. The same
holds for the user name. Attributes that a mapping lets in from a target are the exception: there everybody's last word
is kept, and who is believed says ``worker.domain.precedence``. Whether a person is active is everybody's to say: a
leaver must not wait for the one source that owns the flag.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import isfinite
from typing import Any
from uuid import UUID

from worker.domain import precedence
from worker.domain.errors import InvalidRequest
from worker.domain.precedence import UNSHARED, Sharing
from worker.store.identities import StoredIdentity
from worker.store.identity_sources import Words

#: Longest name of a person or attribute, in characters.
MAX_NAME = 255
RESERVED = frozenset({"id", "external_id", "user_name", "active"})
USER_NAME = "user_name"


class Happening(StrEnum):
    """What happened to an identity, as the last part of an event's type says it."""

    CREATED = "created"
    UPDATED = "updated"
    DISABLED = "disabled"
    ENABLED = "enabled"
    DELETED = "deleted"


#: Event type -> what happened.
IDENTITY_EVENTS = {f"identity.{each.value}": each for each in Happening}


@dataclass(frozen=True, slots=True)
class IdentityChange:
    """What an event says about one identity; ``attributes`` is a merge patch, null clears."""

    happening: Happening
    external_id: str
    user_name: str | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    active: bool | None = None
    revision: int | None = None


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One row of a source; ``attributes`` are all that the source says, None where it says nothing."""

    uid: str
    external_id: str
    attributes: dict[str, Any]
    user_name: str | None = None
    active: bool | None = None


@dataclass(frozen=True, slots=True)
class Applied:
    """The identity after the change. ``kept`` names what belongs to another authority and stayed as it was.

    ``said`` are words to be kept (``{attribute: {source: value | None}}``) about what several systems may say.
    """

    identity: StoredIdentity
    kept: tuple[str, ...] = ()
    said: Words = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shared:
    """What several systems may say of a person, and what they said last."""

    sharing: Sharing = UNSHARED
    words: Words = field(default_factory=dict)


ALONE = Shared()


@dataclass(frozen=True, slots=True)
class Dropped:
    """The change does not apply, and why."""

    reason: str


def parse_change(happening: Happening, data: Mapping[str, Any]) -> IdentityChange:
    """Read the data of an identity event; raises InvalidRequest with the field."""
    unknown = sorted(set(data) - {"external_id", "user_name", "attributes", "active", "revision"})
    if unknown:
        raise _invalid(f"data.{unknown[0][:100]}", "is not known")
    user_name = data.get("user_name")
    active, revision = data.get("active"), data.get("revision")
    if active is not None and not isinstance(active, bool):
        raise _invalid("data.active", "must be true or false")
    if revision is not None and (type(revision) is not int or abs(revision) >= 1 << 63):
        raise _invalid("data.revision", "must be a whole number of at most 63 bits")
    return IdentityChange(
        happening,
        external_id=_name(data.get("external_id"), "data.external_id"),
        user_name=None if user_name is None else _name(user_name, "data.user_name"),
        attributes=_attributes(data.get("attributes")),
        active=active,
        revision=revision,
    )


def apply_change(
    stored: StoredIdentity | None, change: IdentityChange, *, authority: str, new_id: UUID, shared: Shared = ALONE
) -> Applied | Dropped:
    """The identity after an event; ``version`` rises when what is planned from has changed.

    Created and updated make an identity that is not there; created and enabled re-open a deleted one, which starts
    anew with what the event says. A late ``updated`` does not bring anybody back.
    """
    refusal = _refusal(stored, change)
    if refusal is not None:
        return Dropped(refusal)
    base = stored or StoredIdentity(new_id, change.external_id, change.external_id)
    if base.is_deleted and change.happening is not Happening.DELETED:
        base = replace(base, attributes={}, authority={}, is_deleted=False, active=True)
    merged = _merged(base, change.attributes, user_name=change.user_name, authority=authority, shared=shared)
    after = _after(
        stored,
        base,
        merged,
        active=_active_after(base, change),
        is_deleted=change.happening is Happening.DELETED,
        revision=change.revision if change.revision is not None else base.revision,
    )
    return Applied(after, merged.kept, merged.said)


def apply_row(
    stored: StoredIdentity | None,
    row: SourceRow,
    *,
    authority: str,
    is_returning: bool,
    new_id: UUID,
    shared: Shared = ALONE,
) -> Applied:
    """The identity after a source row. ``is_returning``: the source did not have this row before, or not lately.

    A source says all it knows, so what it said before and says no longer is cleared. Without a word on ``active`` a row
    that comes (back) means active. One deleted by an event stays deleted until its row comes back.
    """
    if stored is not None and stored.is_deleted and not is_returning:
        return Applied(stored)
    base = stored or StoredIdentity(new_id, row.external_id, row.external_id)
    if base.is_deleted:
        base = replace(base, attributes={}, authority={}, is_deleted=False)
    silent = {name: None for name, owner in base.authority.items() if owner == authority and name != USER_NAME}
    silent |= {name: None for name, words in shared.words.items() if authority in words}
    merged = _merged(base, silent | row.attributes, user_name=row.user_name, authority=authority, shared=shared)
    active = row.active if row.active is not None else is_returning or base.active
    after = _after(stored, base, merged, active=active, is_deleted=False, revision=base.revision)
    return Applied(after, merged.kept, merged.said)


def _refusal(stored: StoredIdentity | None, change: IdentityChange) -> str | None:
    comes_back = {Happening.CREATED, Happening.ENABLED}
    if stored is None:
        is_made = change.happening in {Happening.CREATED, Happening.UPDATED}
        return None if is_made else "Nobody has this external id."
    if change.revision is not None and stored.revision is not None and change.revision <= stored.revision:
        return f"Revision {change.revision} is not newer than {stored.revision}."
    if stored.is_deleted and change.happening is Happening.DELETED:
        return "This identity is deleted already."
    if stored.is_deleted and change.happening not in comes_back:
        return "This identity is deleted; only created or enabled bring it back."
    return None


def _active_after(base: StoredIdentity, change: IdentityChange) -> bool:
    if change.happening in {Happening.DISABLED, Happening.DELETED}:
        return False
    if change.happening is Happening.ENABLED:
        return True
    return base.active if change.active is None else change.active


@dataclass(frozen=True, slots=True)
class _Merged:
    user_name: str
    attributes: dict[str, Any]
    authority: dict[str, str]
    kept: tuple[str, ...]
    said: Words


def _merged(
    base: StoredIdentity, patch: Mapping[str, Any], *, user_name: str | None, authority: str, shared: Shared
) -> _Merged:
    names = patch.keys() & shared.sharing.names
    attributes, owners, said = _settled(base, {name: patch[name] for name in names}, authority, shared)
    kept = [name for name in sorted(names) if patch[name] is not None and owners.get(name) != authority]
    for name, value in patch.items():
        if name in names:
            continue
        if owners.get(name, authority) != authority:
            if attributes.get(name) != value:
                kept.append(name)
        elif value is None:
            attributes.pop(name, None)
            owners.pop(name, None)
        else:
            attributes[name] = value
            owners[name] = authority
    named = base.user_name
    if user_name is not None:
        if owners.get(USER_NAME, authority) == authority:
            named, owners[USER_NAME] = user_name, authority
        elif user_name != named:
            kept.append(USER_NAME)
    return _Merged(named, attributes, owners, tuple(kept), said)


def _settled(
    base: StoredIdentity, patch: Mapping[str, Any], authority: str, shared: Shared
) -> tuple[dict[str, Any], dict[str, str], Words]:
    """Attributes and authorities after a word of one source about what is shared, and the words to be kept."""
    if not patch:
        return dict(base.attributes), dict(base.authority), {}
    said = {name: {**shared.words.get(name, {}), authority: value} for name, value in patch.items()}
    settled = precedence.settle(base.attributes, base.authority, said=said, names=patch, sharing=shared.sharing)
    # the word of one whom nobody contradicts is the value itself
    alone = {name for name in patch if settled.authority.get(name, authority) == authority}
    alone -= {name for name in patch if shared.words.get(name) or name in settled.noted}
    new: Words = {name: {authority: value} for name, value in patch.items() if name not in alone}
    for name, (source, value) in settled.noted.items():
        new.setdefault(name, {})[source] = value
    return settled.attributes, settled.authority, new


def _after(
    stored: StoredIdentity | None,
    base: StoredIdentity,
    merged: _Merged,
    *,
    active: bool,
    is_deleted: bool,
    revision: int | None,
) -> StoredIdentity:
    """The identity, with one version more when a plan could come out differently."""
    version = base.version
    if stored is not None and not (
        stored.user_name == merged.user_name
        and stored.attributes == merged.attributes
        and stored.active == active
        and stored.is_deleted == is_deleted
    ):
        version += 1
    return StoredIdentity(
        id=base.id,
        external_id=base.external_id,
        user_name=merged.user_name,
        attributes=merged.attributes,
        active=active,
        version=version,
        authority=merged.authority,
        revision=revision,
        disabled_at=base.disabled_at,
        is_deleted=is_deleted,
    )


def _name(value: Any, field_name: str) -> str:
    if value is None:
        raise _invalid(field_name, "is missing")
    if not isinstance(value, str) or not value.strip():
        raise _invalid(field_name, "must be text that is not empty")
    if len(value) > MAX_NAME:
        raise _invalid(field_name, f"is longer than {MAX_NAME} characters")
    return value


def _attributes(found: Any) -> dict[str, Any]:
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise _invalid("data.attributes", "must be an object")
    for name, value in found.items():
        place = f"data.attributes.{name[:100]}"
        if name in RESERVED or not name.strip() or len(name) > MAX_NAME:
            raise _invalid(place, "cannot be the name of an attribute")
        if not all(_is_scalar(one) for one in (value if isinstance(value, list) else [value])):
            raise _invalid(place, "must be text, a number, true, false, null, or a list of them")
    return dict(found)


def _is_scalar(value: Any) -> bool:
    if isinstance(value, float):
        return isfinite(value)
    return value is None or isinstance(value, str | int)


def _invalid(field_name: str, message: str) -> InvalidRequest:
    return InvalidRequest(f"{field_name} {message}.", field=field_name)
