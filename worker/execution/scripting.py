"""The hooks around an operation: before-hooks change what will be sent, after-hooks can only note."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, assert_never

from worker.domain.errors import HookError
from worker.domain.hook import FailurePolicy, HookContext, HookPhase, Patch, Reject, Skip, function_of
from worker.domain.operation import OperationType
from worker.domain.outcome import DeadLettered, Succeeded
from worker.execution.classify import Ended
from worker.execution.work import Work
from worker.hooks import HookExecutor
from worker.store.hooks import BoundHook
from worker.telemetry import metrics


@dataclass(frozen=True, slots=True)
class Wish:
    """What this try wants at the target. ``hooked`` are the attributes that hooks set (None where none ran)."""

    kind: OperationType
    attributes: dict[str, Any]
    active: bool | None
    hooked: dict[str, Any] | None = None
    warnings: tuple[str, ...] = ()
    tags: dict[str, Any] = field(default_factory=dict)


class Scripting:
    """Runs the hooks of a try in their order."""

    def __init__(self, executor: HookExecutor) -> None:
        self._executor = executor

    async def before(self, work: Work, wish: Wish) -> Wish:
        """Let the before-hooks change the wish; ends the try when one rejects, skips, or fails and may not."""
        for hook in work.bound(HookPhase.BEFORE, wish.kind):
            wish = await self._one_before(work, wish, hook)
        return wish

    async def _one_before(self, work: Work, wish: Wish, hook: BoundHook) -> Wish:
        try:
            decision = await self._call(work, wish, hook, result=None)
        except HookError as error:
            warning = _tolerated(hook, error)
            return replace(wish, warnings=(*wish.warnings, warning))
        match decision:
            case Patch():
                return _patched(work, wish, decision)
            case Reject():
                raise Ended(
                    DeadLettered(f"hook.{decision.code}", f"The hook {_name(hook)} rejected it: {decision.reason}")
                )
            case Skip():
                raise Ended(Succeeded(work.uid, skipped=f"The hook {_name(hook)} skipped it: {decision.reason}"))
            case _:
                assert_never(decision)

    async def after(self, work: Work, wish: Wish, uid: str | None) -> tuple[str, ...]:
        """Tell the after-hooks; the change is made, so their failures are warnings."""
        warnings: list[str] = []
        for hook in work.bound(HookPhase.AFTER, wish.kind):
            try:
                await self._call(work, wish, hook, result={"status": "completed", "uid": uid, "error": None})
            except HookError as error:
                warnings.append(f"The hook {_name(hook)} failed after the change was made: {error}")
        return tuple(warnings)

    async def _call(
        self, work: Work, wish: Wish, hook: BoundHook, *, result: dict[str, Any] | None
    ) -> Patch | Reject | Skip:
        if hook.suspended_reason is not None:
            raise HookError(f"The hook is suspended: {hook.suspended_reason}", hook_class="hook.suspended")
        context = _context(work, wish, hook, result)
        try:
            answer = await self._executor.execute(
                hook.script, context.event, context.as_dict(), budget_ms=hook.binding.budget_ms
            )
        except HookError as error:
            metrics.hook_calls_total.labels(error.hook_class).inc()
            raise
        metrics.hook_calls_total.labels("ok").inc()
        metrics.hook_seconds.observe(answer.duration_us / 1e6)
        return answer.decision


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


def _tolerated(hook: BoundHook, error: HookError) -> str:
    """The warning of a failure that the binding tolerates; ends the try when it does not."""
    if error.retryable:
        raise error
    match hook.binding.on_error:
        case FailurePolicy.SKIP_HOOK:
            return f"The hook {_name(hook)} failed and was left out: {error}"
        case FailurePolicy.FAIL:
            raise error
        case FailurePolicy.QUARANTINE:
            raise Ended(DeadLettered(error.hook_class, f"Quarantined, for the hook {_name(hook)} failed: {error}"))
        case _:
            assert_never(hook.binding.on_error)


def _name(hook: BoundHook) -> str:
    return f"{hook.script.name or 'without a name'} (version {hook.script.version})"
