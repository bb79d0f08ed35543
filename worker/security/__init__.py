"""Who may do what, how secrets are kept, and the record of what was done."""

from worker.security.attributes import changed, fingerprints, open_values, seal_values
from worker.security.audit import Entry, Verdict, record, verify
from worker.security.roles import Role, require
from worker.security.secrets import CannotOpen, Vault, new_key, parse_key, resolve
from worker.security.tokens import (
    Principal,
    Session,
    by_session,
    by_token,
    create_link,
    create_token,
    sign_in,
    sign_out,
    tenant_of,
)

__all__ = [
    "CannotOpen",
    "Entry",
    "Principal",
    "Role",
    "Session",
    "Vault",
    "Verdict",
    "by_session",
    "by_token",
    "changed",
    "create_link",
    "create_token",
    "fingerprints",
    "new_key",
    "open_values",
    "parse_key",
    "record",
    "require",
    "resolve",
    "seal_values",
    "sign_in",
    "sign_out",
    "tenant_of",
    "verify",
]
