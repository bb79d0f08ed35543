"""One program to run on many contexts, and whose it is."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from worker.domain.errors import HookError
from worker.domain.hook import HookScript


@dataclass(frozen=True, slots=True)
class Job:
    """``definition`` is sent to children that do not know ``key`` yet. ``script``: None for a mapping's expressions."""

    key: str
    request: dict[str, Any]
    definition: dict[str, Any]
    budget_ms: int
    script: HookScript | None = None
    tenant_id: UUID | None = None

    @property
    def group(self) -> str:
        """Who shares sandboxes with others: the tenant, or the program of nobody."""
        return self.key if self.tenant_id is None else str(self.tenant_id)

    @property
    def conduct(self) -> str:
        """What its misdeeds are counted under: nobody's are another tenant's."""
        if self.script is not None:
            return self.script.conduct
        return self.key if self.tenant_id is None else f"{self.key}:{self.tenant_id}"

    @property
    def title(self) -> dict[str, Any]:
        """What errors say of whose they are."""
        return {} if self.script is None else {"hook": self.script.name, "version": self.script.version}

    def entitled(self, error: HookError) -> HookError:
        """The same error as one that says whose it is; an error is raised, or handed out, for one call only."""
        fields = self.title | error.fields
        return HookError(error.detail, hook_class=error.hook_class, retryable=error.retryable, **fields)


class NotBuilt(Exception):
    """The program cannot be built, so no context can be tried."""

    def __init__(self, error: HookError) -> None:
        super().__init__(str(error))
        self.error = error
