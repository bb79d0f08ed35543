"""What hooks would make of somebody's account, if it were made or changed now. Nothing is written, nothing is sent."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from worker.connectors import Targets
from worker.domain.account import Account
from worker.domain.errors import HookError, InvalidRequest, NotFound
from worker.domain.hook import HookContext, HookPhase, HookResult, HookScript
from worker.domain.hook_trials import answer_of
from worker.domain.identity import Identity
from worker.domain.ids import uuid7
from worker.domain.mapping import MappingVersion
from worker.domain.operation import Operation, OperationType, Origin
from worker.domain.outcome import DeadLettered, Succeeded
from worker.domain.redaction import MARK, shown
from worker.execution.classify import outcome_of
from worker.execution.journal import Journal
from worker.execution.naming import Names
from worker.execution.scripting import Rehearsed, Scripting
from worker.execution.secrets import Secrets
from worker.execution.wish import Wish
from worker.execution.work import Prepared, StoredRules, Work, WorkLoader, stored_rules
from worker.hooks import HookExecutor
from worker.mapping import MappingEngine, MappingError
from worker.security import Vault
from worker.store import accounts, identities
from worker.store.accounts import Place
from worker.store.hooks import Binding, BoundHook
from worker.store.pool import Pool
from worker.store.tenant import tenant
from worker.store.work import Subject


@dataclass(frozen=True, slots=True)
class Draft:
    """A script to be tried as if it were active: in place of its hook's where that is bound, else bound last."""

    script: HookScript
    phase: HookPhase = HookPhase.BEFORE


@dataclass(frozen=True, slots=True)
class PreviewedCall:
    """One call of a hook: what it was told (``ctx``) and what it answered, as in ``worker.domain.hook_trials``."""

    hook_id: UUID
    hook: str
    version: int
    context: HookContext
    said: HookResult | HookError

    @property
    def answer(self) -> dict[str, Any]:
        return answer_of(self.said)


@dataclass(frozen=True, slots=True)
class HooksPreview:
    """``before`` is what the mapping wants sent, ``after`` what would be sent, both with marks for secrets.

    ``ends`` is None, or a sentence that says why nothing would be sent; ``ending`` then is dead_letter or completed.
    """

    operation_type: OperationType
    before: dict[str, Any]
    after: dict[str, Any]
    calls: tuple[PreviewedCall, ...] = ()
    ends: str | None = None
    ending: str | None = None
    warnings: tuple[str, ...] = ()
    tags: dict[str, Any] | None = None


class HookPreviews:
    """Rehearses the hooks of a connector for one person."""

    def __init__(self, pool: Pool, targets: Targets, executor: HookExecutor, *, vault: Vault) -> None:
        self._pool = pool
        self._targets = targets
        self._executor = executor
        self._vault = vault
        self._mapper = MappingEngine(executor)

    async def preview(
        self,
        tenant_id: UUID,
        *,
        connector_id: UUID,
        identity_id: UUID,
        operation_type: OperationType | None = None,
        draft: Draft | None = None,
        actor_id: UUID | None = None,
    ) -> HooksPreview:
        """What the hooks say to the account of a person; ``operation_type`` None: made, or changed if it is there.

        No hook sees a secret here, whatever its bindings permit: whoever may try a draft could have it printed.
        Raises NotFound for a connector or person that is not there, InvalidRequest where the mapping cannot say what is
        wanted, and what opening the target raises.
        """
        target = await self._targets.get(tenant_id, connector_id)
        place = Place(tenant_id, connector_id, target.connector.object_class)
        async with tenant(self._pool, tenant_id) as conn:
            person = (await identities.get(conn, tenant_id=tenant_id, ids=[identity_id])).get(identity_id)
            shadow = (await accounts.of_identities(conn, place, [identity_id])).get(identity_id)
            stored = await stored_rules(conn, tenant_id, connector_id)
        if person is None:
            raise NotFound(f"There is no identity {identity_id}.")
        identity = person.as_identity()
        account = (
            shadow.account if shadow else Account(uuid7(), connector_id, place.object_class, identity_id=identity_id)
        )
        kind = operation_type or (OperationType.UPDATE if account.uid is not None else OperationType.CREATE)
        wanted = await self._wanted(identity, stored.mappings.get(place.object_class), kind)
        op = _operation(place, account, kind, wanted=wanted, actor_id=actor_id)
        work = await self._work(op, Subject(account, identity, is_adopted=False), stored, draft)
        return await self._rehearse(work, Wish(kind, _changing(work, wanted), None))

    async def _wanted(self, identity: Identity, mapping: MappingVersion | None, kind: OperationType) -> dict[str, Any]:
        """What the mapping makes of a person, with marks for secrets."""
        if mapping is None or kind is OperationType.DELETE:
            return {}
        [mapped] = await self._mapper.map_identities([identity], mapping=mapping)
        if isinstance(mapped, MappingError):
            raise InvalidRequest(f"The mapping cannot say what {mapped.target} is: {mapped.message}")
        wanted = mapped.for_create() if kind is OperationType.CREATE else mapped.for_update()
        return {name: MARK if name in mapped.secrets else value for name, value in wanted.items()}

    async def _work(self, op: Operation, subject: Subject, stored: StoredRules, draft: Draft | None) -> Work:
        loader = WorkLoader(self._pool, self._targets)
        hooks = _with_draft(stored.hooks, draft, op) if draft is not None else stored.hooks
        hooks = tuple(map(_tried, hooks))
        return await loader.work_of(op, Prepared(subject, hooks=hooks))

    async def _rehearse(self, work: Work, wish: Wish) -> HooksPreview:
        rehearsal: list[Rehearsed] = []
        scripting = Scripting(
            self._executor,
            names=Names(self._pool),
            journal=Journal(self._pool),
            secrets=Secrets(self._pool, self._vault, self._mapper),
            key=b"",
            rehearsal=rehearsal,
        )
        [made] = await scripting.before_all([work], [wish])
        if isinstance(made, Wish):
            made = await scripting.after(work, made, work.uid)
        return _preview(work, wish, made, rehearsal)


def _tried(hook: BoundHook) -> BoundHook:
    """A hook that sees no secret, and whose script answers for nobody else's when it misbehaves."""
    return replace(hook, binding=replace(hook.binding, permissions=()), script=replace(hook.script, id=None))


def _changing(work: Work, wanted: dict[str, Any]) -> dict[str, Any]:
    """What of it an update would send: what the account is known to have already is left out."""
    observed = work.account.observed
    if work.op.operation_type is not OperationType.UPDATE or observed is None:
        return wanted
    differing = work.comparator.differences({**observed, **wanted}, actual=observed)
    return {name: value for name, value in wanted.items() if name in differing}


def _preview(work: Work, wish: Wish, made: Wish | Exception, rehearsal: Sequence[Rehearsed]) -> HooksPreview:
    calls = tuple(
        PreviewedCall(
            each.hook.binding.hook_id, each.hook.script.name, each.hook.script.version, each.context, each.answer
        )
        for each in rehearsal
    )
    before = shown(wish.attributes, secrets=work.secrets)
    preview = HooksPreview(wish.kind, before, {}, calls)
    if isinstance(made, Wish):
        after = shown(made.attributes, secrets=work.secrets)
        return replace(preview, after=after, warnings=made.warnings, tags=shown(made.tags))
    match outcome_of(made, work.op):
        case Succeeded(skipped=str(reason)):
            return replace(preview, ends=reason, ending="completed")
        case DeadLettered(message=message):
            return replace(preview, ends=message, ending="dead_letter")
        case _:
            return replace(preview, ends=str(made), ending="failed")


def _with_draft(hooks: tuple[BoundHook, ...], draft: Draft, op: Operation) -> tuple[BoundHook, ...]:
    replaced = tuple(
        replace(hook, script=draft.script, suspended_reason=None) if hook.binding.hook_id == draft.script.id else hook
        for hook in hooks
    )
    if any(hook.script is draft.script and hook.binding.phase is draft.phase for hook in replaced):
        return replaced
    binding = Binding(
        draft.script.id or uuid7(), op.connector_id, draft.phase, object_class=op.object_class, position=2**31 - 1
    )
    return (*replaced, BoundHook(binding, draft.script))


def _operation(
    place: Place, account: Account, kind: OperationType, *, wanted: dict[str, Any], actor_id: UUID | None
) -> Operation:
    """The operation that would be planned, as far as hooks can see it."""
    return Operation(
        id=uuid7(),
        tenant_id=place.tenant_id,
        connector_id=place.connector_id,
        account_id=account.id,
        operation_type=kind,
        object_class=place.object_class,
        payload={"attributes": wanted},
        user_id=account.identity_id,
        attempt_number=1,
        origin=Origin.CONSOLE,
        created_by=actor_id,
        created_at=datetime.now(UTC),
    )
