"""Roles, and which includes which."""

from enum import StrEnum

from worker.domain.errors import Forbidden


class Role(StrEnum):
    """``admin`` may do everything, ``operator`` acts and does not configure, ``viewer`` reads.

    ``ingest`` sends events and nothing else, ``metrics`` reads metrics and status and nothing else.
    """

    ADMIN = "admin"
    OPERATOR = "operator"
    VIEWER = "viewer"
    INGEST = "ingest"
    METRICS = "metrics"

    @property
    def includes(self) -> frozenset["Role"]:
        """The roles that somebody with this one has as well."""
        return _INCLUDES[self]


_INCLUDES: dict[Role, frozenset[Role]] = {
    Role.ADMIN: frozenset(Role),
    Role.OPERATOR: frozenset({Role.OPERATOR, Role.VIEWER}),
    Role.VIEWER: frozenset({Role.VIEWER}),
    Role.INGEST: frozenset({Role.INGEST}),
    Role.METRICS: frozenset({Role.METRICS}),
}


def require(roles: frozenset[str], wanted: Role) -> None:
    """Raise Forbidden unless one of the granted roles includes the wanted one."""
    if not any(wanted in Role(role).includes for role in roles):
        raise Forbidden(f"This needs the role {wanted.value}.")
