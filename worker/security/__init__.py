"""Who may do what, and how secrets are kept."""

from worker.security.secrets import CannotOpen, Vault, new_key, parse_key, resolve

__all__ = ["CannotOpen", "Vault", "new_key", "parse_key", "resolve"]
