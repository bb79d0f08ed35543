"""What a hook is told of a try: its context, with the mark of a secret in place of each secret it may not see. Pure."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from worker.domain import sealing
from worker.domain.hook import HookContext, Permission, function_of
from worker.domain.operation import OperationType
from worker.domain.redaction import MARK, is_secret
from worker.execution.wish import Wish
from worker.execution.work import Work
from worker.store.hooks import BoundHook


def sees_secrets(hook: BoundHook) -> bool:
    """Whether a hook is told secrets as they are."""
    return Permission.SECRETS in hook.binding.permissions


def context_of(
    work: Work,
    wish: Wish,
    hook: BoundHook,
    *,
    opened: Mapping[str, Any] | None = None,
    result: Mapping[str, Any] | None = None,
    dry_run: bool = False,
) -> HookContext:
    """The context of one call; ``result``, for after_* and on_error, is ``{"status", "uid", "error"}``.

    ``opened`` are what the operation carries sealed, for a hook that sees secrets; others see that there are some.
    """
    op, connector = work.op, work.target.connector
    secrets = None if sees_secrets(hook) else work.secrets
    sealed = dict.fromkeys(sealing.names_of(op.payload), MARK) if secrets is not None else opened or {}
    identity = work.identity.as_source() if work.identity is not None else {}
    observed = work.account.observed
    return HookContext(
        event=function_of(hook.binding.phase, wish.kind),
        object_class=op.object_class,
        now=op.created_at or datetime.now(UTC),
        operation_id=op.id,
        correlation_id=op.correlation_id,
        dry_run=dry_run,
        attempt=max(op.attempt_number, 1),
        iteration=wish.naming.iteration,
        resource={"id": str(connector.id), "name": connector.name, "type": connector.type},
        actor={"id": str(op.created_by) if op.created_by else None, "kind": str(op.origin)},
        identity=_masked(identity, secrets and secrets | work.secret_sources),
        attributes={**sealed, **_masked(wish.attributes, secrets)},
        current=_masked(observed, secrets) if observed is not None else None,
        changes=_changes(wish, observed or {}, secrets) if wish.kind is OperationType.UPDATE else {},
        result=dict(result) if result is not None else None,
        params=hook.binding.params,
    )


def without_marks(attributes: dict[str, Any]) -> dict[str, Any]:
    """What a hook sets, without what it only handed back unseen."""
    return {name: value for name, value in attributes.items() if value != MARK}


def _changes(wish: Wish, known: Mapping[str, Any], secrets: Collection[str] | None) -> dict[str, Any]:
    changed = {name: value for name, value in wish.attributes.items() if known.get(name) != value}
    old = _masked({name: known.get(name) for name in changed}, secrets)
    return {name: {"old": old[name], "new": value} for name, value in _masked(changed, secrets).items()}


def _masked(values: Mapping[str, Any], secrets: Collection[str] | None) -> dict[str, Any]:
    """The values as a hook may see them; ``secrets`` None: as they are."""
    if secrets is None:
        return dict(values)
    return {
        name: MARK if value is not None and (name in secrets or is_secret(name)) else value
        for name, value in values.items()
    }
