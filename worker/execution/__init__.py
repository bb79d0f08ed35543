"""Running operations against targets."""

from worker.execution.executor import Executor
from worker.execution.journal import Journal
from worker.execution.matching import Matching
from worker.execution.naming import Names
from worker.execution.previewing import Draft, HookPreviews, HooksPreview, PreviewedCall
from worker.execution.scripting import Scripting
from worker.execution.secrets import Secrets
from worker.execution.tidying import HookTidying
from worker.execution.work import WorkLoader

__all__ = [
    "Draft",
    "Executor",
    "HookPreviews",
    "HookTidying",
    "HooksPreview",
    "Journal",
    "Matching",
    "Names",
    "PreviewedCall",
    "Scripting",
    "Secrets",
    "WorkLoader",
]
