"""The hooks around an operation: before-hooks change what will be sent, after-hooks can only note."""

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, assert_never
from uuid import UUID

from worker.domain.errors import HookError
from worker.domain.hook import (
    Correlated,
    FailurePolicy,
    HookContext,
    HookPhase,
    HookResult,
    Patch,
    Reject,
    Skip,
    function_of,
)
from worker.domain.operation import OperationType
from worker.domain.outcome import DeadLettered, Succeeded
from worker.execution.classify import Ended
from worker.execution.wish import Wish
from worker.execution.work import Work
from worker.hooks import HookExecutor
from worker.store.hooks import BoundHook
from worker.telemetry import metrics

#: A batch is asked in pieces of at most this size, each as large as fits into what is left of this time: a slow script
#: may hold up its own operations, not the claiming of the next ones.
PIECE = 50
AHEAD_S = 0.5
#: How long scripts take for one operation, before it is known.
FIRST_PACE_S = AHEAD_S / 5


class Scripting:
    """Runs the hooks of a try in their order."""

    def __init__(self, executor: HookExecutor) -> None:
        self._executor = executor
        #: Seconds that the scripts of a connector took for each operation of the last piece.
        self._pace: dict[UUID, float] = {}

    async def before_all(self, works: Sequence[Work], wishes: Sequence[Wish]) -> list[Wish | Exception]:
        """Run the before-hooks of a batch of one target, each hook once for many; an exception is how a try ends.

        The answers are those of the first works, of fewer than all where the scripts are slow.
        """
        until = time.monotonic() + AHEAD_S
        made: list[Wish | Exception] = []
        while len(made) < len(works) and (started := time.monotonic()) < until:
            pace = self._pace.get(works[0].op.connector_id, FIRST_PACE_S)
            fitting = min(max(int((until - started) / pace), 1), PIECE)
            piece = slice(len(made), len(made) + fitting)
            answers = await self._through_hooks(works[piece], wishes[piece])
            made += answers
            took = time.monotonic() - started
            self._pace[works[0].op.connector_id] = max(took / len(answers), AHEAD_S / PIECE / 10)
        return made

    async def before(self, work: Work, wish: Wish) -> Wish:
        """Let the before-hooks change the wish; ends the try when one rejects, skips, or fails and may not."""
        foreseen = work.foreseen
        if foreseen is not None and foreseen.hooks == work.hooks and foreseen.asked == wish and _holds(foreseen.wish):
            made = foreseen.wish
        else:
            [made] = await self._through_hooks([work], [wish])
        if isinstance(made, Exception):
            raise made
        return made

    async def _through_hooks(self, works: Sequence[Work], wishes: Sequence[Wish]) -> list[Wish | Exception]:
        made: list[Wish | Exception] = list(wishes)
        for kind in sorted({wish.kind for wish in wishes}):
            for hook in works[0].bound(HookPhase.BEFORE, kind):
                asked = [(at, wish) for at, wish in enumerate(made) if isinstance(wish, Wish) and wish.kind is kind]
                contexts = [_context(works[at], wish, hook, None) for at, wish in asked]
                answers = await self._ask(hook, contexts)
                for (at, wish), answer in zip(asked, answers, strict=True):
                    made[at] = _after(works[at], wish, hook, answer)
        return made

    async def after(self, work: Work, wish: Wish, uid: str | None) -> Wish:
        """Tell the after-hooks and take their notes; the change is made, so their failures are warnings."""
        result = {"status": "completed", "uid": uid, "error": None}
        for hook in work.bound(HookPhase.AFTER, wish.kind):
            [answer] = await self._ask(hook, [_context(work, wish, hook, result)])
            if isinstance(answer, HookError):
                warning = f"The hook {_name(hook)} failed after the change was made: {answer}"
                wish = replace(wish, warnings=(*wish.warnings, warning))
            elif isinstance(answer.decision, Patch):
                wish = replace(wish, tags={**wish.tags, **answer.decision.tags})
        return wish

    async def _ask(self, hook: BoundHook, contexts: Sequence[HookContext]) -> Sequence[HookResult | HookError]:
        """The hook's answers to contexts of one event; a failure is a value in its place."""
        if not contexts:
            return []
        if hook.suspended_reason is not None:
            error = HookError(f"The hook is suspended: {hook.suspended_reason}", hook_class="hook.suspended")
            return [error] * len(contexts)
        answers = await self._executor.execute_batch(
            hook.script,
            contexts[0].event,
            [context.as_dict() for context in contexts],
            budget_ms=hook.binding.budget_ms,
        )
        for answer in answers:
            _count(answer)
        return answers


def _holds(made: Wish | Exception) -> bool:
    """Whether an answer for many is one's own, too; that there was no sandbox for many at once is none."""
    return not (isinstance(made, HookError) and made.retryable)


def _count(answer: HookResult | HookError) -> None:
    if isinstance(answer, HookError):
        metrics.hook_calls_total.labels(answer.hook_class).inc()
    else:
        metrics.hook_calls_total.labels("ok").inc()
        metrics.hook_seconds.observe(answer.duration_us / 1e6)


def _context(work: Work, wish: Wish, hook: BoundHook, result: dict[str, Any] | None) -> HookContext:
    op, connector = work.op, work.target.connector
    known = work.account.observed or {}
    changes = {n: {"old": known.get(n), "new": v} for n, v in wish.attributes.items() if known.get(n) != v}
    return HookContext(
        event=function_of(hook.binding.phase, wish.kind),
        object_class=op.object_class,
        now=op.created_at or datetime.now(UTC),
        operation_id=op.id,
        correlation_id=op.correlation_id,
        attempt=op.attempt_number,
        resource={"id": str(connector.id), "name": connector.name, "type": connector.type},
        actor={"id": str(op.created_by) if op.created_by else None, "kind": str(op.origin)},
        identity=work.identity.as_source() if work.identity else {},
        attributes=wish.attributes,
        current=work.account.observed,
        changes=changes if wish.kind is OperationType.UPDATE else {},
        result=result,
        params=hook.binding.params,
    )


def _after(work: Work, wish: Wish, hook: BoundHook, answer: HookResult | HookError) -> Wish | Exception:
    """What a hook made of a wish, or how it ended the try."""
    if isinstance(answer, HookError):
        return _failed(wish, hook, answer)
    match answer.decision:
        case Patch() as patch:
            return _patched(work, wish, patch)
        case Reject(reason, code):
            return Ended(DeadLettered(f"hook.{code}", f"The hook {_name(hook)} rejected it: {reason}"))
        case Skip(reason):
            return Ended(Succeeded(work.uid, skipped=f"The hook {_name(hook)} skipped it: {reason}"))
        case Correlated():
            raise TypeError("correlate is no hook around an operation")
        case _:
            assert_never(answer.decision)


def _patched(work: Work, wish: Wish, patch: Patch) -> Wish:
    """The wish after a patch. On an update, what a hook computes as it did before is not sent again."""
    before = work.account.hooked or {}
    computed = patch.apply({})
    if work.is_adopted:  # an account that was there before us keeps the name it is known by
        computed = {name: before.get(name, value) if name == work.naming else value for name, value in computed.items()}
    sends = computed
    if wish.kind is OperationType.UPDATE:
        sends = {name: value for name, value in computed.items() if name not in before or before[name] != value}
    return replace(
        wish,
        attributes={**wish.attributes, **sends},
        hooked={**(wish.hooked or before), **computed},
        tags={**wish.tags, **patch.tags},
    )


def _failed(wish: Wish, hook: BoundHook, error: HookError) -> Wish | Exception:
    """The wish with a warning where the binding tolerates the failure, else how it ends the try."""
    if error.retryable:
        return error
    match hook.binding.on_error:
        case FailurePolicy.SKIP_HOOK:
            warning = f"The hook {_name(hook)} failed and was left out: {error}"
            return replace(wish, warnings=(*wish.warnings, warning))
        case FailurePolicy.FAIL:
            return error
        case FailurePolicy.QUARANTINE:
            message = f"Quarantined, for the hook {_name(hook)} failed: {error}"
            return Ended(DeadLettered(error.hook_class, message))
        case _:
            assert_never(hook.binding.on_error)


def _name(hook: BoundHook) -> str:
    return f"{hook.script.name or 'without a name'} (version {hook.script.version})"
