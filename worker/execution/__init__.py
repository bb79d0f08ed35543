"""Running operations against targets."""

from worker.execution.executor import Executor
from worker.execution.matching import Matching
from worker.execution.scripting import Scripting
from worker.execution.secrets import Secrets
from worker.execution.work import WorkLoader

__all__ = ["Executor", "Matching", "Scripting", "Secrets", "WorkLoader"]
