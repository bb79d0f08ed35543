"""What repairs would change and have changed, and what a target repairs by itself."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from worker.console.views.shared import AttributeChange, ConnectorBrief, Cursors


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairPreview:
    """What the repair of one finding would change; ``obstacle`` says why it cannot be done."""

    finding_id: UUID
    action: str | None
    direction: str
    changes: tuple[AttributeChange, ...] = ()
    obstacle: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRow:
    """One line of the record of repairs. ``result``: proposed, queued, success, failure or dropped.

    ``action`` is a repair, ignore or undo; ``note`` is why it failed or was ignored; ``subject`` whose account it is.
    """

    id: UUID
    at: datetime
    by: str
    action: str
    direction: str
    result: str
    dry_run: bool = False
    changes: tuple[AttributeChange, ...] = ()
    note: str | None = None
    subject: str | None = None
    kind: str | None = None
    finding_id: UUID | None = None
    run_id: UUID | None = None
    operation_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionPage:
    """The newest first."""

    rows: tuple[ActionRow, ...]
    cursors: Cursors = field(default_factory=Cursors)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRow:
    """What happens to findings of one kind; None waits for a person. Choices are "action" or "action:direction"."""

    kind: str
    chosen: str | None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyView:
    """What a target repairs by itself; ``version`` goes back with a change."""

    connector: ConnectorBrief
    version: int
    rows: tuple[PolicyRow, ...]
