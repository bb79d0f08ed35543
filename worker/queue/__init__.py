"""The durable operation queue: accept, claim, finish, rescue, retry.

Guarantees:

- an accepted operation is stored before the caller hears of it, and is never lost;
- operations of one account run one at a time in the order they were accepted, other accounts in parallel;
- a claim is fenced by owner and epoch: a finish that lost either changes nothing;
- at least once: what a dead process held is claimed again within one lease, three times at most.
"""

from worker.queue.counting import Counting
from worker.queue.dead_letters import DeadLetters
from worker.queue.dispatcher import Dispatcher
from worker.queue.disputes import lines_of
from worker.queue.finisher import Finisher
from worker.queue.pruner import Pruner
from worker.queue.rescuer import Rescuer
from worker.queue.settling import settle_conflict
from worker.queue.submission import Enqueued, OperationQueue

__all__ = [
    "Counting",
    "DeadLetters",
    "Dispatcher",
    "Enqueued",
    "Finisher",
    "OperationQueue",
    "Pruner",
    "Rescuer",
    "lines_of",
    "settle_conflict",
]
