"""Operators' scripts, run in sandboxed child processes: the daemon itself never parses or runs a line of them."""

from worker.domain.hook import HookLimits
from worker.hooks.encoding import encode_context
from worker.hooks.libraries import library_order
from worker.hooks.replies import printable, refused
from worker.hooks.runner import HookExecutor, HookStatus, key_of_expressions
from worker.hooks.seeds import PURPOSE as SEEDS
from worker.hooks.seeds import dry_seed, seed_of

__all__ = [
    "SEEDS",
    "HookExecutor",
    "HookLimits",
    "HookStatus",
    "dry_seed",
    "encode_context",
    "key_of_expressions",
    "library_order",
    "printable",
    "refused",
    "seed_of",
]
