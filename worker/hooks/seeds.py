"""What the random values of a script are drawn from: a seed of 32 bytes for each call.

Of an operation all tries, on any daemon and after any crash, have the same seed for a hook, so they make the same
password again; nothing has to be stored for that. Who does not have the key cannot tell what comes next.
"""

import hashlib
import hmac
from uuid import UUID

#: What the key for seeds is derived for, from the key that seals secrets.
PURPOSE = "hook.rand"


def seed_of(key: bytes, *, tenant_id: UUID, operation_id: UUID, hook_id: UUID) -> bytes:
    """The seed of a hook in every try of an operation: HMAC-SHA256 of the three ids."""
    text = "|".join(map(str, (tenant_id, operation_id, hook_id)))
    return hmac.digest(key, text.encode(), "sha256")


def dry_seed(name: str) -> bytes:
    """The seed where nothing is done: of a test, a preview, a dry run. Anybody can work it out; no real value shows."""
    return hashlib.sha256(f"dry-run|{name}".encode()).digest()
