"""From what an identity is to what is to be done at the targets: scope, mapping, safeguard, operations.

Guarantees:

- every change of an identity asks for planning in its own transaction, so none is forgotten;
- mapping runs outside transactions; its result is written only if the identity is still the one that was mapped;
- two planners at work on one person make one operation: the second finds the item taken;
- whoever wants something changed at a target goes through ``Acceptance``, where removals are counted
  and protected accounts are left alone.
"""

from worker.planning.acceptance import Acceptance, Accepted
from worker.planning.approvals import Decided, decide_approval, expire_approval
from worker.planning.following import Asked, Following, FollowUps, Refusal, Whence, note_of
from worker.planning.foretelling import Foretold, foretell, foretold_json
from worker.planning.plan import PlannedChange, decide
from worker.planning.planner import Planned, Planner
from worker.planning.protections import protected
from worker.planning.targets import target_of

__all__ = [
    "Acceptance",
    "Accepted",
    "Asked",
    "Decided",
    "FollowUps",
    "Following",
    "Foretold",
    "Planned",
    "PlannedChange",
    "Planner",
    "Refusal",
    "Whence",
    "decide",
    "decide_approval",
    "expire_approval",
    "foretell",
    "foretold_json",
    "note_of",
    "protected",
    "target_of",
]
