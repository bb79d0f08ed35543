"""One program to run on many contexts, and whose it is."""

import re
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from worker.domain.errors import HookError
from worker.domain.hook import HookClass, HookScript

MAX_SNIPPET: Final = 500
#: Failures of a call as a whole.
_OF_A_FUNCTION: Final = frozenset(
    {
        HookClass.SCRIPT,
        HookClass.FAIL,
        HookClass.RESULT,
        HookClass.DEADLINE,
        HookClass.TIMEOUT,
        HookClass.MEMORY,
        HookClass.CRASH,
    }
)


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
        """The same error as one that says whose it is, and where; an error is raised, or handed out, for one call.

        What a script answered, or what became of its sandbox, has no line of its own: then it is that of the function.
        """
        fields = self.title | error.fields
        if error.hook_class in _OF_A_FUNCTION and "line" not in fields and not error.retryable:
            fields |= self._function_place()
        return HookError(error.detail, hook_class=error.hook_class, retryable=error.retryable, **fields)

    def _function_place(self) -> dict[str, Any]:
        if self.script is None:
            return {"line": 1, "column": 1}
        for name in (self.request.get("function", ""), "transform"):
            found = re.search(rf"^def {re.escape(name)}\b.*", self.script.source, re.MULTILINE)
            if found is not None:
                line = self.script.source.count("\n", 0, found.start()) + 1
                return {"line": line, "column": 1, "snippet": found[0][:MAX_SNIPPET]}
        return {"line": 1, "column": 1}


class NotBuilt(Exception):
    """The program cannot be built, so no context can be tried."""

    def __init__(self, error: HookError) -> None:
        super().__init__(str(error))
        self.error = error
