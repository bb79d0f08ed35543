"""What the console shows: one frozen value per page, list and card.

The reads that return them and the acts that pages call are the protocols in ``worker.console.doors``. Values are raw
(ids, codes, counts, UTC datetimes); the words for people are made by the pages. Secret attribute values never arrive
here: whoever builds a view puts ``{"secret": true}`` in their place. Cursors are opaque strings of the reader's own
making.
"""

from worker.console.views.conflicts import ConflictDetail, ConflictPage, ConflictRow, ConflictSide
from worker.console.views.connectors import ConnectorCard, ConnectorDetail, HomeView
from worker.console.views.correlation import Candidate, CaseDetail, CasePage, CaseRow, Contribution
from worker.console.views.filters import (
    AuditFilter,
    CaseFilter,
    ConflictFilter,
    DiscrepancyFilter,
    IdentityFilter,
    OperationFilter,
    Slice,
)
from worker.console.views.hooks import (
    HookActivationRow,
    HookBindingRow,
    HookDetail,
    HookFailure,
    HookFilter,
    HookNumbers,
    HookPage,
    HookRow,
    HookTestRow,
    HookVersionRow,
    ReplayedRow,
    ReplayView,
    SourceCheck,
    TestOutcome,
    TestRunView,
    TrialView,
)
from worker.console.views.identities import AccountView, IdentityDetail, IdentityPage, IdentityRow, SourceWord
from worker.console.views.operations import AttemptView, LogLine, OperationDetail, OperationPage, OperationRow
from worker.console.views.reconciliation import (
    ApprovalPage,
    DiscrepancyPage,
    DiscrepancyRow,
    HeldChange,
    HoldView,
    ReconciliationView,
    RunDetail,
    RunRow,
    Suggestion,
)
from worker.console.views.shared import AttributeChange, AuditPage, AuditRow, Badges, ConnectorBrief, Cursors, HourCount

__all__ = [
    "AccountView",
    "ApprovalPage",
    "AttemptView",
    "AttributeChange",
    "AuditFilter",
    "AuditPage",
    "AuditRow",
    "Badges",
    "Candidate",
    "CaseDetail",
    "CaseFilter",
    "CasePage",
    "CaseRow",
    "ConflictDetail",
    "ConflictFilter",
    "ConflictPage",
    "ConflictRow",
    "ConflictSide",
    "ConnectorBrief",
    "ConnectorCard",
    "ConnectorDetail",
    "Contribution",
    "Cursors",
    "DiscrepancyFilter",
    "DiscrepancyPage",
    "DiscrepancyRow",
    "HeldChange",
    "HoldView",
    "HomeView",
    "HookActivationRow",
    "HookBindingRow",
    "HookDetail",
    "HookFailure",
    "HookFilter",
    "HookNumbers",
    "HookPage",
    "HookRow",
    "HookTestRow",
    "HookVersionRow",
    "HourCount",
    "IdentityDetail",
    "IdentityFilter",
    "IdentityPage",
    "IdentityRow",
    "LogLine",
    "OperationDetail",
    "OperationFilter",
    "OperationPage",
    "OperationRow",
    "ReconciliationView",
    "ReplayView",
    "ReplayedRow",
    "RunDetail",
    "RunRow",
    "Slice",
    "SourceCheck",
    "SourceWord",
    "Suggestion",
    "TestOutcome",
    "TestRunView",
    "TrialView",
]
