"""Secrets at rest: sealed with AES-256-GCM, bound to the place they belong to.

Sealed form: one byte format (1), 8 bytes id of the key (SHA-256 of it, cut), 12 bytes nonce, ciphertext with tag. The
associated data names tenant, thing and field, so that a sealed value copied elsewhere does not open.
A secret may also be a reference that is read when it is needed: ``env:NAME`` or ``file:/path``.

A fingerprint tells whether a secret is the one of before without keeping it: HMAC-SHA256 with a key derived from ours,
so that a guess cannot be tried by whoever has the database alone.
"""

import base64
import binascii
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from worker.domain.errors import ProvisioningError, SettingsError

_FORMAT = 1
_KEY_BYTES = 32
_NONCE_BYTES = 12
_ID_BYTES = 8
_FINGERPRINT = "fingerprint"


class CannotOpen(ProvisioningError):
    """A sealed secret cannot be opened: another key sealed it, or it was moved or changed."""

    code = "cannot_open"


class Vault:
    """Seals with the first key, opens with any: put a new key first to rotate."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys or any(len(key) != _KEY_BYTES for key in keys):
            raise SettingsError("A secret key is 32 bytes, written as base64.")
        self._keys = {_id(key): AESGCM(key) for key in keys}
        self._first = _id(keys[0])
        self._first_key = keys[0]
        self._marking = {_id(key): _derived(key, _FINGERPRINT) for key in keys}

    def derive(self, purpose: str) -> bytes:
        """A key of 32 bytes for one purpose: the same wherever the first key is, another after it was rotated."""
        return _derived(self._first_key, purpose)

    def fingerprint(self, plain: str, *, tenant_id: UUID, thing: str, field: str) -> str:
        """What tells this secret at this place from another one: hex, the id of the key and then the code."""
        return (self._first + self._marked(self._first, plain, _place(tenant_id, thing, field))).hex()

    def is_fingerprint(self, mark: str, plain: str, *, tenant_id: UUID, thing: str, field: str) -> bool:
        """Whether a fingerprint is that of this secret at this place; one made with a key we lack is not."""
        known = bytes.fromhex(mark)
        key_id = known[:_ID_BYTES]
        if key_id not in self._marking:
            return False
        return hmac.compare_digest(known[_ID_BYTES:], self._marked(key_id, plain, _place(tenant_id, thing, field)))

    def _marked(self, key_id: bytes, plain: str, place: bytes) -> bytes:
        return hmac.digest(self._marking[key_id], place + b"\0" + plain.encode(), "sha256")

    def seal(self, plain: str, *, tenant_id: UUID, thing: str, field: str) -> bytes:
        """Seal one secret for one place."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._keys[self._first].encrypt(nonce, plain.encode(), _place(tenant_id, thing, field))
        return bytes([_FORMAT]) + self._first + nonce + sealed

    def open(self, sealed: bytes, *, tenant_id: UUID, thing: str, field: str) -> str:
        """Open a secret of that place; raises CannotOpen and never says why in detail."""
        key = self._keys.get(sealed[1 : 1 + _ID_BYTES])
        if sealed[:1] != bytes([_FORMAT]) or key is None:
            raise CannotOpen("The secret was sealed with a key that is not configured.")
        start = 1 + _ID_BYTES
        nonce, text = sealed[start : start + _NONCE_BYTES], sealed[start + _NONCE_BYTES :]
        try:
            return key.decrypt(nonce, text, _place(tenant_id, thing, field)).decode()
        except InvalidTag as error:
            raise CannotOpen from error

    def seal_credentials(self, plain: Mapping[str, str], *, tenant_id: UUID, connector_id: UUID) -> bytes:
        """Seal all credentials of a connector as one value."""
        return self.seal(json.dumps(dict(plain)), tenant_id=tenant_id, thing=str(connector_id), field="credentials")

    def open_credentials(self, sealed: bytes | None, *, tenant_id: UUID, connector_id: UUID) -> dict[str, str]:
        """Open them, references resolved; a connector without credentials has none."""
        if sealed is None:
            return {}
        text = self.open(sealed, tenant_id=tenant_id, thing=str(connector_id), field="credentials")
        return {name: resolve(value) for name, value in json.loads(text).items()}


def resolve(value: str) -> str:
    """Read a reference (``env:NAME``, ``file:/path``); anything else is the secret itself.

    Raises SettingsError naming the reference, never a value.
    """
    kind, _, where = value.partition(":")
    if kind == "env" and where:
        found = os.environ.get(where)
        if found is None:
            raise SettingsError(f"The environment has no variable {where}.")
        return found
    if kind == "file" and where:
        try:
            return Path(where).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingsError(f"The secret file {where} cannot be read.") from error
    return value


def parse_key(text: str) -> bytes:
    """A key from its base64 form; raises SettingsError when it is not 32 bytes."""
    try:
        key = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error) as error:
        raise SettingsError("A secret key is 32 bytes, written as base64.") from error
    if len(key) != _KEY_BYTES:
        raise SettingsError("A secret key is 32 bytes, written as base64.")
    return key


def new_key() -> str:
    """A fresh key in its base64 form."""
    return base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()


def _id(key: bytes) -> bytes:
    return hashlib.sha256(b"provisiond key id\0" + key).digest()[:_ID_BYTES]


def _derived(key: bytes, purpose: str) -> bytes:
    return hmac.digest(key, b"provisiond key for\0" + purpose.encode(), "sha256")


def _place(tenant_id: UUID, thing: str, field: str) -> bytes:
    return "\0".join((str(tenant_id), thing, field)).encode()
