"""Operators' scripts, run in sandboxed child processes: the daemon itself never parses or runs a line of them."""

from worker.domain.hook import HookLimits
from worker.hooks.libraries import library_order
from worker.hooks.replies import printable, refused
from worker.hooks.runner import HookExecutor, HookStatus, key_of_expressions

__all__ = [
    "HookExecutor",
    "HookLimits",
    "HookStatus",
    "key_of_expressions",
    "library_order",
    "printable",
    "refused",
]
