"""Secret values of an operation, beside its payload.

In memory a payload may have ``sealed``: ``{name: text}``, what each secret attribute was sealed as. In the tables those
lie in a column of their own, which goes with the row of the live operation, and the payload keeps the ``secrets``:
which names those are. So history says that a secret was sent, and never holds it.
"""

import json
from collections.abc import Mapping
from typing import Any

SEALED = "sealed"
NAMES = "secrets"


def names_of(payload: Mapping[str, Any]) -> frozenset[str]:
    """The names of the secret attributes that a payload speaks of, whether their values are at hand or not."""
    return frozenset(payload.get(NAMES) or ()) | frozenset(payload.get(SEALED) or ())


def sealed_of(payload: Mapping[str, Any]) -> dict[str, str]:
    """What is sealed, by name."""
    return dict(payload.get(SEALED) or {})


def with_sealed(payload: Mapping[str, Any], sealed: Mapping[str, str]) -> dict[str, Any]:
    """The payload with just these sealed values."""
    kept = {key: value for key, value in payload.items() if key not in {SEALED, NAMES}}
    return {**kept, SEALED: dict(sealed)} if sealed else kept


def without(payload: Mapping[str, Any], names: frozenset[str] | set[str]) -> dict[str, Any]:
    """The payload without the secrets of these names."""
    if not names_of(payload) & names:
        return dict(payload)
    kept = {name: text for name, text in sealed_of(payload).items() if name not in names}
    lost = sorted(name for name in payload.get(NAMES) or () if name not in names)
    return with_sealed(payload, kept) | ({NAMES: lost} if lost else {})


def both(first: Mapping[str, Any], then: Mapping[str, Any]) -> dict[str, Any]:
    """The secrets of two payloads of which the second counts where both say something, open or sealed.

    The keys to put over those of a merged payload; empty when neither has any.
    """
    if not (names_of(first) or names_of(then)):
        return {}
    kept = without(first, {*(then.get("attributes") or {}), *names_of(then)})
    found = {SEALED: sealed_of(kept) | sealed_of(then)}
    return {**found, NAMES: sorted(names_of(kept) | names_of(then))}


def stored(payload: dict[str, Any]) -> tuple[dict[str, Any], bytes | None]:
    """A payload as the tables have it: the open part with the names of the secrets, and what is sealed."""
    names = names_of(payload)
    if not names:
        return payload, None
    sealed = payload.get(SEALED)
    opened = {key: value for key, value in payload.items() if key != SEALED} | {NAMES: sorted(names)}
    return opened, json.dumps(sealed, sort_keys=True, separators=(",", ":")).encode() if sealed else None


def joined(payload: dict[str, Any], secrets: bytes | None) -> dict[str, Any]:
    """A payload of the tables with what is sealed beside it."""
    return payload if secrets is None else {**payload, SEALED: json.loads(secrets)}
