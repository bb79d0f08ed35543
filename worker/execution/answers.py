"""What a hook's answer makes of a wish, or how it ends the try. Pure."""

from dataclasses import replace
from typing import Any, assert_never

from worker.domain.errors import HookError
from worker.domain.hook import Correlated, FailurePolicy, FollowUp, HookResult, Patch, Permission, Reject, Skip
from worker.domain.operation import OperationType
from worker.domain.outcome import DeadLettered, Succeeded
from worker.domain.redaction import MARK
from worker.execution.asking import without_marks
from worker.execution.classify import Ended
from worker.execution.wish import Wish
from worker.execution.work import Work
from worker.store.hooks import BoundHook

#: In place of a reason that may hold a secret.
UNKEPT_NAME = "(a name that is not kept, for it may hold a secret)"
UNKEPT = "its reason is not kept, for it may hold a secret; write reasons as plain texts in the script"


def after(
    work: Work, wish: Wish, hook: BoundHook, answer: HookResult | HookError, *, names: dict[str, str] | None = None
) -> Wish | Exception:
    """What a hook made of a wish, or how it ended the try; ``names`` were chosen of those that it offered."""
    if isinstance(answer, HookError):
        return _failed(wish, hook, answer)
    match answer.decision:
        case Patch() as patch:
            return _patched(work, wish, hook, patch, names or {})
        case Reject(reason, code):
            return Ended(DeadLettered(f"hook.{code}", f"The hook {name_of(hook)} rejected it: {reason}"))
        case Skip(reason):
            return Ended(Succeeded(work.uid, skipped=f"The hook {name_of(hook)} skipped it: {reason}"))
        case Correlated():
            raise TypeError("correlate is no hook around an operation")
        case _:
            assert_never(answer.decision)


def noted(wish: Wish, hook: BoundHook, answer: HookResult | HookError, *, when: str) -> Wish:
    """The wish with the tags of a hook that may change nothing any more; its failure is a warning."""
    if isinstance(answer, HookError):
        warning = f"The hook {name_of(hook)} failed {when}: {answer}"
        return replace(wish, warnings=(*wish.warnings, warning))
    if isinstance(answer.decision, Patch):
        asked = tuple((hook, each) for each in answer.decision.follow_up)
        return replace(wish, tags={**wish.tags, **answer.decision.tags}, asked=(*wish.asked, *asked))
    return wish


def hushed(hook: BoundHook, answer: HookResult | HookError) -> HookResult | HookError:
    """What may be kept of an answer: of a hook that sees secrets not what it printed, nor what its error says.

    Of its reasons, codes and tags those stay that its script has as a text; any other may have been made of a secret.
    """
    if Permission.SECRETS not in hook.binding.permissions:
        return answer
    if isinstance(answer, HookResult):
        return replace(answer, logs=(), decision=_hushed(hook, answer.decision))
    kept = {name: answer.fields[name] for name in ("hook", "version", "line", "column") if name in answer.fields}
    return HookError(
        "it failed; what it said is not kept, for it may see secrets",
        hook_class=answer.hook_class,
        retryable=answer.retryable,
        **kept,
    )


def _hushed(hook: BoundHook, decision: Patch | Reject | Skip | Correlated) -> Patch | Reject | Skip | Correlated:
    match decision:
        case Reject(reason, code):
            return Reject(_written(hook, reason, UNKEPT), code=_written(hook, code, "rejected"))
        case Skip(reason):
            return Skip(_written(hook, reason, UNKEPT))
        case Patch(tags=tags, follow_up=asked) if tags or asked:
            kept = {name: _kept(hook, value) for name, value in tags.items() if _is_text_of(hook, name)}
            return replace(decision, tags=kept, follow_up=tuple(_hushed_follow_up(hook, each) for each in asked))
        case _:
            return decision


def _hushed_follow_up(hook: BoundHook, asked: FollowUp) -> FollowUp:
    """What its script has as a text; with the mark of a secret it is refused, for it may have been made of one."""
    attributes = {
        name if _is_text_of(hook, name) else "an attribute": [_kept(hook, one) for one in value]
        if isinstance(value, list)
        else _kept(hook, value)
        for name, value in asked.attributes.items()
    }
    resource = _written(hook, asked.resource, UNKEPT_NAME) if asked.resource else ""
    return replace(asked, attributes=attributes, resource=resource)


def _kept(hook: BoundHook, value: Any) -> Any:
    is_known = value is None or (isinstance(value, str) and _is_text_of(hook, value))
    return value if is_known else MARK


def _written(hook: BoundHook, text: str, otherwise: str) -> str:
    return text if _is_text_of(hook, text) else otherwise


def _is_text_of(hook: BoundHook, text: str) -> bool:
    return any(f"{quote}{text}{quote}" in hook.script.source for quote in ('"', "'"))


def name_of(hook: BoundHook) -> str:
    """How messages call a hook."""
    return f"{hook.script.name or 'without a name'} (version {hook.script.version})"


def _patched(work: Work, wish: Wish, hook: BoundHook, patch: Patch, names: dict[str, str]) -> Wish:
    """The wish after a patch. On an update, what a hook computes as it did before is not sent again."""
    before = work.account.hooked or {}
    computed = without_marks(patch.apply({}) | names)
    if work.is_adopted:  # an account that was there before us keeps the name it is known by
        computed = {name: before.get(name, value) if name == work.naming else value for name, value in computed.items()}
    sends = computed
    if wish.kind is OperationType.UPDATE:
        sends = {name: value for name, value in computed.items() if name not in before or before[name] != value}
    naming = wish.naming
    if names:
        naming = replace(naming, offered={**naming.offered, **dict.fromkeys(names, name_of(hook))})
    return replace(
        wish,
        attributes={**wish.attributes, **sends},
        hooked={**(wish.hooked or before), **computed},
        tags={**wish.tags, **patch.tags},
        naming=naming,
    )


def exhausted(hook_name: str, *, attribute: str, candidates: tuple[str, ...] | list[str], target: str) -> Ended:
    """None of the names that a hook offers is left."""
    shown: Any = ", ".join(candidates[:5]) + (", …" if len(candidates) > 5 else "")
    message = (
        f"None of the {len(candidates)} names that the hook {hook_name} offers for {attribute} is free at {target}: "
        f"{shown}. Let the hook offer more of them, then put this operation back."
    )
    return Ended(DeadLettered("hook.unique_exhausted", message))


def _failed(wish: Wish, hook: BoundHook, error: HookError) -> Wish | Exception:
    """The wish with a warning where the binding tolerates the failure, else how it ends the try."""
    if error.retryable:
        return error
    match hook.binding.on_error:
        case FailurePolicy.SKIP_HOOK:
            return noted(wish, hook, error, when="and was left out")
        case FailurePolicy.FAIL:
            return error
        case FailurePolicy.QUARANTINE:
            message = f"Quarantined, for the hook {name_of(hook)} failed: {error}"
            return Ended(DeadLettered(error.hook_class, message))
        case _:
            assert_never(hook.binding.on_error)
