"""Secret attributes of accounts: sealed from planning to the call of the target, and told apart by fingerprints.

A value is sealed for its account and its name, so what one operation of an account holds may be carried over to
another one, and never to another account.
"""

import base64
import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from worker.domain.errors import UnreadableSecret
from worker.security.secrets import CannotOpen, Vault


def seal_values(values: Mapping[str, Any], *, vault: Vault, tenant_id: UUID, account_id: UUID) -> dict[str, str]:
    """Each value (of JSON) sealed, as base64, by name."""
    return {
        name: base64.b64encode(
            vault.seal(json.dumps(value), tenant_id=tenant_id, thing=_thing(account_id), field=name)
        ).decode()
        for name, value in values.items()
    }


def open_values(sealed: Mapping[str, str], *, vault: Vault, tenant_id: UUID, account_id: UUID) -> dict[str, Any]:
    """The values again; raises UnreadableSecret, which names the attribute and never its value."""
    opened: dict[str, Any] = {}
    for name, text in sealed.items():
        try:
            plain = vault.open(base64.b64decode(text), tenant_id=tenant_id, thing=_thing(account_id), field=name)
        except (CannotOpen, ValueError) as error:
            raise UnreadableSecret(
                f"The secret value of {name} cannot be opened with the configured keys: configure the key that sealed "
                "it, or send the operation again with another value.",
                field=name,
            ) from error
        opened[name] = json.loads(plain)
    return opened


def fingerprints(values: Mapping[str, Any], *, vault: Vault, tenant_id: UUID, account_id: UUID) -> dict[str, str]:
    """What tells each value from another one, by name."""
    return {
        name: vault.fingerprint(_text(value), tenant_id=tenant_id, thing=_thing(account_id), field=name)
        for name, value in values.items()
    }


def changed(
    values: Mapping[str, Any], *, known: Mapping[str, str], vault: Vault, tenant_id: UUID, account_id: UUID
) -> dict[str, Any]:
    """The values of which ``known``, the fingerprints of what the account was given last, is not the fingerprint."""
    return {
        name: value
        for name, value in values.items()
        if name not in known
        or not vault.is_fingerprint(
            known[name], _text(value), tenant_id=tenant_id, thing=_thing(account_id), field=name
        )
    }


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _thing(account_id: UUID) -> str:
    return f"account {account_id}"
