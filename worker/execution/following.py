"""What after-hooks want to follow is looked at before the try ends, so that its record can say what does not."""

from dataclasses import replace

from worker.domain.errors import HookError
from worker.domain.hook import HookClass
from worker.execution.answers import name_of
from worker.execution.scripting import Scripting
from worker.execution.wish import Wish
from worker.execution.work import Work
from worker.planning import Asked, FollowUps, Refusal, Whence, note_of


async def with_follow_ups(wish: Wish, work: Work, *, follow_ups: FollowUps, scripting: Scripting) -> Wish:
    """The wish with what can follow; what cannot is a warning, and counted for its hook."""
    if not wish.asked:
        return wish
    op = work.op
    identity_id = work.identity.id if work.identity is not None else None
    whence = Whence(op.tenant_id, op.id, identity_id, op.connector_id, op.object_class)
    asked = [Asked(hook.binding.hook_id, name_of(hook), at, each) for at, (hook, each) in enumerate(wish.asked)]
    found = await follow_ups.weighed(whence, asked)
    warnings = list(wish.warnings)
    for (hook, each), said in zip(wish.asked, found, strict=True):
        if isinstance(said, Refusal):
            warnings.append(note_of(name_of(hook), each, said))
            scripting.note_refused(work, hook, HookError(warnings[-1], hook_class=HookClass.FOLLOW_UP))
    accepted = tuple(said for said in found if not isinstance(said, Refusal))
    return replace(wish, warnings=tuple(warnings), follow_ups=accepted)
