"""A person or service whose accounts we manage."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

Scalar = str | int | float | bool | None
Value = Scalar | list[Scalar]
Attributes = dict[str, Value]


@dataclass(frozen=True, slots=True)
class Identity:
    """One identity as stored; ``attributes`` values are scalars or lists of scalars."""

    id: UUID
    external_id: str
    user_name: str
    attributes: dict[str, Any] = field(default_factory=dict)
    active: bool = True
    version: int = 1

    def as_source(self) -> dict[str, Any]:
        """The flat view that mappings, scopes and hooks read: attributes plus the four fixed names."""
        return {
            **self.attributes,
            "id": str(self.id),
            "external_id": self.external_id,
            "user_name": self.user_name,
            "active": self.active,
        }
